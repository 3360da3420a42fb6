"""What to evaluate: the parameters of an evaluation and the metrics it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, model_validator

from .parameters import Parameters
from .slice_search import SliceSearchConfig

Task = Literal["binary_classification", "regression"]
"""What the whole pipeline can do; an evaluation by itself can do more."""
BINARY = "binary_classification"
MULTI_CLASS = "multi_class_classification"
RANKING = "ranking"
EvaluationTask = Literal[
    "binary_classification", "regression", "multi_class_classification", "ranking"
]


@dataclass(frozen=True)
class Metric:
    """A metric under our name: which of TFMA's it is.

    Attributes:
      tfma_class: name of TFMA's metric class; "" where there is none that gives the same.
      larger_is_better: None where neither direction is.
      arguments: TFMA's constructor arguments.
      threshold_argument: the argument that takes the decision threshold, if it has one.
      macro: the mean of the metric over all classes, each against the others.
    """

    tfma_class: str
    larger_is_better: bool | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    threshold_argument: str | None = None
    macro: bool = False


_COMMON = {
    "mean_prediction": Metric("MeanPrediction"),
    "mean_label": Metric("MeanLabel"),
    "example_count": Metric("ExampleCount"),
}
_FAIRNESS = {
    "fpr": Metric("FPR", False, {"name": "fpr"}, "thresholds"),
    "fnr": Metric("FNR", False, {"name": "fnr"}, "thresholds"),
    "positive_rate": Metric("PredictedPositiveRate", None, {"name": "positive_rate"}, "thresholds"),
}
METRICS: Mapping[EvaluationTask, Mapping[str, Metric]] = MappingProxyType(
    {
        "binary_classification": {
            "auc": Metric("AUC", True),
            "binary_crossentropy": Metric("BinaryCrossEntropy", False),
            "brier": Metric("MeanSquaredError", False, {"name": "brier"}),
            "accuracy": Metric("BinaryAccuracy", True, {"name": "accuracy"}, "threshold"),
            "precision": Metric("Precision", True, threshold_argument="thresholds"),
            "recall": Metric("Recall", True, threshold_argument="thresholds"),
            "calibration": Metric("Calibration"),
            **_COMMON,
            **_FAIRNESS,
        },
        "regression": {
            "mse": Metric("MeanSquaredError", False, {"name": "mse"}),
            "mae": Metric("MeanAbsoluteError", False, {"name": "mae"}),
            **_COMMON,
        },
        MULTI_CLASS: {
            "categorical_crossentropy": Metric(
                "SparseCategoricalCrossentropy", False, {"name": "categorical_crossentropy"}
            ),
            "accuracy": Metric("SparseCategoricalAccuracy", True, {"name": "accuracy"}),
            "top_3_accuracy": Metric(
                "SparseTopKCategoricalAccuracy", True, {"name": "top_3_accuracy", "k": 3}
            ),
            "macro_auc": Metric("AUC", True, {"name": "macro_auc"}, macro=True),
            "macro_precision": Metric(
                "Precision", True, {"name": "macro_precision"}, "thresholds", macro=True
            ),
            "macro_recall": Metric(
                "Recall", True, {"name": "macro_recall"}, "thresholds", macro=True
            ),
            "example_count": _COMMON["example_count"],
        },
        RANKING: {
            "ndcg": Metric("", True),
            "ndcg_at_10": Metric("", True),
            "mrr": Metric("", True),
        },
    }
)
_PRIMARY: Mapping[EvaluationTask, str] = MappingProxyType(
    {
        "binary_classification": "binary_crossentropy",
        "regression": "mse",
        MULTI_CLASS: "categorical_crossentropy",
        RANKING: "ndcg",
    }
)


class EvaluationConfig(Parameters):
    """Parameters of an evaluation.

    Attributes:
      label: column of the ground truth: a number, or with ``positive_class`` any class; of a
        multi-class classification one of ``classes`` or its number, from 0.
      prediction: column of the logged prediction: the probability of the positive class (alone
        or as the second of two), the probabilities of ``classes``, or the predicted number.
      query: of a ranking the column that tells which rows are ranked together; labels say how
        relevant a row is, from 0. What is evaluated, sliced and counted are queries: by features
        that all rows of a query share.
      classes: of a multi-class classification, in the order of its probabilities.
      weight: column of what a row counts; 1 without it.
      group_by: column that tells whose row it is, such as a user or session, where the rows of one
        are not independent: intervals take groups for independent, not rows. A row without a
        value is a group of its own.
      simultaneous: the intervals of slices hold together with 95 %, not each alone.
      positive_class: the label value that counts as 1 in a binary classification; without it
        labels are 0 and 1.
      threshold: a score above it is a positive decision (accuracy, precision, recall); of several
        classes a decision for that class.
      slices: features to slice by; several in one list are crossed. The whole is always there.
      fairness: features of a binary classification that tell groups of people apart: slices, of
        which the whole's rates of errors and of positive decisions are held against each one's.
      metrics: names out of ``METRICS[task]``; when empty all of them, but ``fpr``, ``fnr`` and
        ``positive_rate`` with ``fairness`` only.
      primary_metric: the one a decision looks at; when None, log loss or squared error if it is
        among ``metrics``, else their first that can be better or worse.
      min_slice_rows: smaller slices get no metrics.
      min_group_rows: smaller slices are named nowhere, only counted.
      prediction_output: key of a SavedModel's output; None when it has one output only.
      features: the model's inputs, which a search looks at and the errors of a regression are
        estimated from; every column that is none of the log's own when empty.
      search: looks for slices on which the first model is worse, whatever ``slices`` says; None
        searches nothing.
      eval_config: a tfma.EvalConfig (its JSON form). It says what is evaluated in place of
        ``label``, ``prediction``, ``weight``, ``threshold``, ``slices`` and ``metrics``, and names
        the primary metric as TFMA does.
    """

    label: str
    prediction: str = "prediction"
    weight: str | None = None
    group_by: str | None = None
    simultaneous: bool = False
    task: EvaluationTask = "binary_classification"
    query: str | None = None
    classes: list[str] = []
    positive_class: str | None = None
    threshold: float = Field(0.5, ge=0, le=1)
    slices: list[list[str]] = []
    fairness: list[str] = []
    metrics: list[str] = []
    primary_metric: str | None = None
    min_slice_rows: int = Field(50, ge=1)
    min_group_rows: int = Field(10, ge=1)
    prediction_output: str | None = None
    features: list[str] = []
    search: SliceSearchConfig | None = None
    eval_config: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_eval_config_says(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not given.get("eval_config"):
            return given
        from .given_eval_config import parameters_of, parse_eval_config

        found = parameters_of(parse_eval_config(given["eval_config"]))
        for name in {*found, "prediction", "weight", "metrics", "threshold"} & given.keys():
            said = found.get(name, cls.model_fields[name].default)
            if given[name] != said:
                raise ValueError(f"{name}: eval_config says already {said!r}")
        return {**given, **found}

    @model_validator(mode="after")
    def _consistent(self) -> EvaluationConfig:
        known = METRICS[self.task]
        unknown = [name for name in self.metrics if name not in known]
        if unknown:
            raise ValueError(f"metrics: no {unknown} for {self.task}; there are {list(known)}")
        if self.eval_config is None:
            self._check_primary()
        if (self.task == RANKING) != bool(self.query):
            raise ValueError("query: name its column for a ranking, and only for that")
        if self.task == RANKING and (self.weight or self.search or self.eval_config):
            raise ValueError("weight, search and eval_config: a ranking has none of them")
        if (self.task == MULTI_CLASS) != bool(self.classes):
            raise ValueError(f"classes: name them for a {MULTI_CLASS}, and only for that")
        if len(set(self.classes)) < len(self.classes) or len(self.classes) == 1:
            raise ValueError(f"classes: {self.classes} must be different, at least two")
        for name in ("positive_class", "fairness"):
            if getattr(self, name) and self.task != BINARY:
                raise ValueError(f"{name}: is for a binary classification only")
        if self.fairness and self.eval_config:
            raise ValueError("fairness: of an eval_config cross_slicing_specs say it")
        if len({frozenset(features) for features in self.slices}) < len(self.slices):
            raise ValueError(f"slices: {self.slices} names the same slices twice")
        for features in self.all_slices:
            if not features or len(set(features)) < len(features):
                raise ValueError(f"slices: {features} must name different features, at least one")
            if {self.label, self.prediction, self.weight} & set(features):
                raise ValueError(
                    f"slices: {features} must not hold the label, the prediction or the weight"
                )
        return self

    def _check_primary(self) -> None:
        primary = self.primary_name
        if primary not in self.metric_names:
            raise ValueError(f"primary_metric: {primary!r} is not among {self.metric_names}")
        if not self._has_direction(primary):
            raise ValueError(f"primary_metric: neither direction of {primary!r} is better")

    def _has_direction(self, name: str) -> bool:
        return self.metric(name).larger_is_better is not None

    @property
    def metric_names(self) -> list[str]:
        known = METRICS[self.task]
        names = self.metrics or [name for name in known if name not in _FAIRNESS]
        return [*names, *(name for name in _FAIRNESS if self.fairness and name not in names)]

    @property
    def all_slices(self) -> list[list[str]]:
        """``slices`` and those of ``fairness``."""
        more = [[name] for name in self.fairness if [name] not in self.slices]
        return [*self.slices, *more]

    @property
    def primary_name(self) -> str:
        default = _PRIMARY[self.task]
        if self.primary_metric or default in self.metric_names:
            return self.primary_metric or default
        directed = (name for name in self.metric_names if self._has_direction(name))
        return next(directed, self.metric_names[0])

    @property
    def larger_is_better(self) -> bool:
        return bool(self.metric(self.primary_name).larger_is_better)

    @property
    def smallest_measured(self) -> int:
        """The rows from which on a slice has metrics."""
        return max(self.min_slice_rows, self.min_group_rows)

    def metric(self, name: str) -> Metric:
        return METRICS[self.task][name]
