"""vigil.yaml: one file that says everything about one monitored model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from ..beam_jobs import keysets
from ..beam_jobs.data_contract import DataContract, Kind
from ..beam_jobs.evaluation_config import BINARY, EvaluationConfig
from ..beam_jobs.ingest_config import (
    RESERVED,
    FieldNames,
    Format,
    Globs,
    GroundTruthConfig,
    IngestConfig,
)
from ..beam_jobs.parameters import Parameters
from ..beam_jobs.privacy_methods.contract import Method
from ..beam_jobs.privacy_policy import PrivacyConfig
from ..beam_jobs.slice_search import SliceSearchConfig
from ..components.baseline_resolver.references import References
from ..components.drift_validator.config import DriftConfig
from ..components.retrain_gate.bounds_requirements import CALIBRATION
from ..components.retrain_gate.policy import RetrainPolicy
from ..components.retrain_gate.push_policy import CalibrationBounds, ServingBounds
from ..components.spans import SpanConfig
from . import yaml_file
from .beam_options import BeamConfig
from .cluster import KubeflowConfig

TABULAR_TRAINER = "tfx_vigil.pipelines.tabular_trainer.run_fn"


class ModelConfig(Parameters):
    """The monitored model.

    Attributes:
      name: of the pipeline.
      features: name -> ``float``, ``int`` (a code) or ``string``: what the model learns from.
      positive_class: the label's value that counts as 1; without it labels are 0 and 1.
      prediction: which output of the served model is the prediction, where it has several.
      prediction_output: the same of its SavedModel, for candidates.
      serving_dir: where the Pusher puts models, one numbered folder each, and the model server
        looks for them.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    task: Literal["binary_classification", "regression"] = "binary_classification"
    features: dict[str, Kind] = Field(min_length=1)
    positive_class: str | None = None
    prediction: str | None = None
    prediction_output: str | None = None
    serving_dir: str


class BaselineConfig(Parameters):
    """What ``tfx-vigil init`` starts the history from.

    Attributes:
      training_data: the rows the model in service was trained on: Parquet, CSV or TFRecord.
      label: their label column.
      evaluation_data: rows it was not trained on, the reference for a later drop of its metric.
      model: its SavedModel.
    """

    training_data: str
    evaluation_data: str | None = None
    label: str = "label"
    model: str | None = None


class LogsConfig(Parameters):
    """The serving logs; each key as in LogIngest."""

    format: Format | Literal["auto"] = "auto"
    files: Globs
    fields: FieldNames = FieldNames()
    feature_names: list[str] = []
    request_id: str | None = None
    untimed: Literal["dead_letter", "window"] = "dead_letter"
    contract: DataContract | None = None
    ground_truth: GroundTruthConfig | None = None
    horizon_days: float = Field(0, ge=0)
    max_dead_letter_share: float = Field(0.05, ge=0, le=1)

    @model_validator(mode="after")
    def _labels_have_a_horizon(self) -> LogsConfig:
        if self.ground_truth and not self.horizon_days:
            raise ValueError("ground_truth needs horizon_days: how long a label may take")
        return self


class DriftSection(DriftConfig):
    """What counts as drift, each key as in DriftValidator; ``reference``: compared with which
    earlier spans."""

    reference: References = References()


class MetricsConfig(Parameters):
    """What is measured on labelled rows; each key as in SlicedEvaluator.

    ``search``: among the model's features where it names none; ``null`` searches nothing.
    ``estimate``: the metrics of a span's requests, before their labels come.
    """

    names: list[str] = []
    fairness: list[str] = []
    group_by: str | None = None
    simultaneous: bool = False
    primary: str | None = None
    threshold: float = Field(0.5, ge=0, le=1)
    min_slice_rows: int = Field(50, ge=1)
    search: SliceSearchConfig | None = SliceSearchConfig()
    estimate: bool = True


class TrainingConfig(Parameters):
    """How the stock Trainer is run, once from the model in service and once from scratch.

    Attributes:
      run_fn: import path of the trainer's function; a candidate to be fine-tuned finds the model
        in service as ``fn_args.base_model``.
      train_steps, eval_steps: ``fn_args.train_steps`` and ``eval_steps``; 0 leaves it to run_fn.
      custom_config: ``fn_args.custom_config``; for the default trainer the keys ``epochs``,
        ``fine_tuning_epochs`` and ``seed`` below ``tabular``.
    """

    run_fn: str = TABULAR_TRAINER
    train_steps: int = Field(0, ge=0)
    eval_steps: int = Field(0, ge=0)
    custom_config: dict[str, Any] = {}


class RuntimeConfig(Parameters):
    """Where things are kept and how Beam runs.

    Attributes:
      pipeline_root: artifacts and MLMD of the runs.
      history_root: what later spans need to know.
      beam: the runner of every Beam job and its options.
    """

    pipeline_root: str
    history_root: str
    beam: BeamConfig = BeamConfig()


class VigilConfig(Parameters):
    """The whole of vigil.yaml."""

    model: ModelConfig
    baseline: BaselineConfig | None = None
    spans: SpanConfig
    logs: LogsConfig
    privacy: PrivacyConfig
    slices: list[list[str]] = []
    drift: DriftSection = DriftSection()
    metrics: MetricsConfig = MetricsConfig()
    policy: RetrainPolicy = RetrainPolicy()
    training: TrainingConfig = TrainingConfig()
    runtime: RuntimeConfig
    kubeflow: KubeflowConfig | None = None

    @model_validator(mode="after")
    def _parts_agree(self) -> VigilConfig:
        # Their own validators speak up here.
        self.ingest, self.evaluation, self.beam_args  # noqa: B018
        self.runtime.beam.check_places(self._beam_places)
        leaking = [name for name in self.model.features if name in self._truth_columns]
        if leaking:
            raise ValueError(
                f"model.features: {', '.join(leaking)} come with the label, as columns of "
                "logs.ground_truth: a model that learns from them has seen the answer; leave them "
                "out of one of the two"
            )
        needed = [*self.model.features, *self._truth_columns]
        given = {name: self._method_by_name(name) for name in needed}
        lost = [
            f"{name} ({kind}: {given[name].method})"
            for name, kind in self.model.features.items()
            if given[name] and not given[name].suits_feature(kind)
        ]
        if lost:
            raise ValueError(
                f"privacy.fields: after the policy the model cannot learn from {', '.join(lost)}: "
                "keep or generalize them, or use hash_bucket"
            )
        bare = [name for name, method in given.items() if method is None]
        if bare and not self.privacy.annotations:
            raise ValueError(
                f"privacy: no rule is about {bare}, which the pipeline needs; give each a method, "
                "such as keep, or state a default"
            )
        return self

    def _method_by_name(self, feature: str) -> Method | None:
        """As far as it can be told before any file is read."""
        given = next(self.privacy.rules_by_name(feature), None)
        if given or self.privacy.annotations:
            return given and given.method
        return self.privacy.method_of(feature)

    @property
    def ingest(self) -> IngestConfig:
        """Parameters of LogIngest."""
        return IngestConfig(
            format=self.logs.format,
            logs=self.logs.files,
            features=self.model.features,
            prediction=self.model.prediction,
            feature_names=self.logs.feature_names,
            request_id=self.logs.request_id,
            untimed=self.logs.untimed,
            fields=self.logs.fields,
            contract=self.logs.contract,
            ground_truth=self.logs.ground_truth,
            horizon_hours=self.logs.horizon_days * 24,
            max_dead_letter_share=self.logs.max_dead_letter_share,
        )

    @property
    def evaluation(self) -> EvaluationConfig:
        """Parameters of SlicedEvaluator."""
        return EvaluationConfig(
            label="label",
            task=self.model.task,
            positive_class=self.model.positive_class,
            threshold=self.metrics.threshold,
            slices=self.slices,
            fairness=self.metrics.fairness,
            group_by=self.metrics.group_by,
            simultaneous=self.metrics.simultaneous,
            metrics=self._metric_names,
            primary_metric=self.metrics.primary,
            min_slice_rows=self.metrics.min_slice_rows,
            min_group_rows=self.privacy.min_group_rows,
            prediction_output=self.model.prediction_output,
            features=list(self.model.features),
            search=self.metrics.search,
        )

    @property
    def _metric_names(self) -> list[str]:
        """Those that were asked for, and what the policy looks at."""
        names = self.metrics.names
        needs_calibration = self.retrain_gate.push.calibration and CALIBRATION not in names
        return [*names, CALIBRATION] if names and needs_calibration else names

    @property
    def estimate_splits(self) -> list[str]:
        """Of SlicedEvaluator."""
        return ["serving"] if self.metrics.estimate else []

    @property
    def pseudonymizer(self) -> PrivacyConfig:
        """Parameters of PIIPseudonymizer: the columns that LogIngest adds to the log's fields
        need no rule."""
        spared = sorted(RESERVED.union(self.privacy.spared))
        return self.privacy.model_copy(update={"spared": tuple(spared)})

    @property
    def drift_validator(self) -> DriftConfig:
        """Parameters of DriftValidator: identifiers, once treated, are not compared."""
        treated = [name for name in self.privacy.fields if name not in self.monitored_columns]
        return DriftConfig(
            **self.drift.model_dump(exclude={"reference"})
            | {
                "splits": ["serving", "labelled"],
                "features": self.monitored_columns,
                "codes": self.codes,
                "task": self.model.task,
                "positive_class": self.model.positive_class,
                "slices": self.slices,
                "min_group_rows": self.privacy.min_group_rows,
                "ground_truth": self._truth_columns,
                "ignore": [*self.drift.ignore, *treated],
            }
        )

    @property
    def training_statistics(self) -> DriftConfig:
        """Parameters of what measures training rows, of which no sample is kept: a model may stay
        in service for longer than people may be in it."""
        columns = {"features": self.training_columns, "sample_rows": False, "splits": []}
        return self.drift_validator.model_copy(update=columns)

    @property
    def retrain_gate(self) -> RetrainPolicy:
        """Parameters of RetrainGate."""
        push = self.policy.push
        changes = {"unguarded": [*push.unguarded, *self._truth_columns]}
        if self.model.task == BINARY and "calibration" not in push.model_fields_set:
            changes["calibration"] = CalibrationBounds()
        if "serving" not in push.model_fields_set:
            changes["serving"] = ServingBounds()
        training = {"features": list(self.model.features)}
        return self.policy.model_copy(
            update={
                "push": push.model_copy(update=changes),
                "training": self.policy.training.model_copy(update=training),
            }
        )

    @property
    def beam_args(self) -> list[str]:
        """Options of every Beam job."""
        return self.runtime.beam.args(self.kubeflow.image if self.kubeflow else None)

    @property
    def _beam_places(self) -> dict[str, list[str | None]]:
        """What Beam's workers read and write, by key."""
        truth, cluster = self.logs.ground_truth, self.kubeflow
        return {
            "logs.files": list(self.logs.files),
            "logs.ground_truth.files": list(truth.files) if truth else [],
            "runtime.history_root": [self.runtime.history_root],
            "runtime.pipeline_root": [self.runtime.pipeline_root],
            "kubeflow.pipeline_root": [cluster.pipeline_root] if cluster else [],
        }

    @property
    def raw_data_root(self) -> str:
        """The only place where raw personal data may lie during a run: LogIngest's artifacts."""
        return os.path.join(self.runtime.pipeline_root, "LogIngest")

    @property
    def codes(self) -> list[str]:
        """The features that look like numbers and are categories."""
        return [name for name, kind in self.model.features.items() if kind == "int"]

    @property
    def monitored_columns(self) -> list[str]:
        """What statistics are made of."""
        return ["prediction", *self.training_columns]

    @property
    def training_columns(self) -> list[str]:
        """What training Examples hold: features, label, and what only the ground truth knows."""
        return [*self.model.features, "label", *self._truth_columns]

    @property
    def _truth_columns(self) -> list[str]:
        return self.logs.ground_truth.columns if self.logs.ground_truth else []


def load_config(path: str | Path, folder: str | Path | None = None) -> VigilConfig:
    """Reads a vigil.yaml; paths in it are relative to its folder, or to ``folder``.

    Raises:
      ConfigError: names file, line and key of everything that does not fit.
    """
    path = Path(path)
    config = yaml_file.load(path, VigilConfig)
    return _beside(config, Path(folder) if folder else path.resolve().parent)


def _beside(config: VigilConfig, folder: Path) -> VigilConfig:
    def at(value: str | None) -> str | None:
        if value is None or "://" in value:
            return value
        return str(folder / os.path.expanduser(value))

    truth, contract = config.logs.ground_truth, config.logs.contract
    keyset = config.privacy.keyset
    if keyset and keysets.is_path(keyset):
        keyset = at(keyset)
    return config.model_copy(
        update={
            "model": config.model.model_copy(update={"serving_dir": at(config.model.serving_dir)}),
            "baseline": config.baseline
            and config.baseline.model_copy(
                update={
                    key: at(getattr(config.baseline, key))
                    for key in ("training_data", "evaluation_data", "model")
                }
            ),
            "logs": config.logs.model_copy(
                update={
                    "files": [at(f) for f in config.logs.files],
                    "ground_truth": truth
                    and truth.model_copy(update={"files": [at(f) for f in truth.files]}),
                    "contract": contract
                    and contract.model_copy(update={"schema_file": at(contract.schema_file)}),
                }
            ),
            "privacy": config.privacy.model_copy(
                update={
                    "keyset": keyset,
                    "schema_file": at(config.privacy.schema_file),
                    **{
                        key: {name: rule.with_paths(at) for name, rule in rules.items()}
                        for key, rules in config.privacy.rules.items()
                    },
                }
            ),
            "runtime": config.runtime.model_copy(
                update={
                    key: at(getattr(config.runtime, key))
                    for key in ("pipeline_root", "history_root")
                }
            ),
        }
    )
