"""What an evaluation computes: TFMA's EvalConfig, taken apart into fast metrics and the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from .fast_forms import fast_form
from .memberships import SliceSpec
from .metric import FastMetric
from .quantities import Quantity, View
from .ratio import Ratio
from .slice_table import Needs
from .sums import Linear


@dataclass(frozen=True)
class PlannedMetric:
    """A metric of a model under TFMA's key; ``model`` is its name in reports."""

    key: metric_types.MetricKey
    model: str
    metric: FastMetric

    @property
    def name(self) -> str:
        """With the class that it is about, if it is about one."""
        sub_key = self.key.sub_key
        return f"{self.key.name} {sub_key}" if sub_key else self.key.name


@dataclass(frozen=True)
class Plan:
    """An evaluation.

    Attributes:
      config: TFMA's.
      names: model name in ``config`` -> name in reports.
      slices: what to slice by; the whole is always there.
      metrics: the fast ones, in the configuration's order.
      rest: of metrics that have no fast form, for TFMA itself.
      pairs: (candidate's, baseline's) metrics of which the difference is wanted.
    """

    config: config_pb2.EvalConfig
    names: Mapping[str, str]
    slices: tuple[SliceSpec, ...]
    metrics: tuple[PlannedMetric, ...]
    rest: tuple[config_pb2.MetricsSpec, ...]
    pairs: tuple[tuple[PlannedMetric, PlannedMetric], ...]

    @property
    def first_model(self) -> str:
        """The first that is no baseline, by its name in reports."""
        specs = self.config.model_specs
        return next(self.names[spec.name] for spec in specs if not spec.is_baseline)

    def rest_config(self) -> config_pb2.EvalConfig:
        """The configuration with only the metrics that are left for TFMA itself."""
        config = config_pb2.EvalConfig()
        config.CopyFrom(self.config)
        del config.metrics_specs[:]
        config.metrics_specs.extend(self.rest)
        return config

    def primary(self, wanted: str | None) -> tuple[str, bool]:
        """The metric to look at first and whether larger is better: ``wanted``, or the first that
        can be better or worse, or none.

        Raises:
          ValueError: there is no such metric.
        """
        directions = {
            planned.name: planned.metric.larger_is_better
            for planned in self.metrics
            if planned.metric.larger_is_better is not None
        }
        name = wanted or next(iter(directions), "")
        if wanted and wanted not in directions:
            raise ValueError(
                f"primary_metric: {wanted!r} is not among the metrics that can be better or worse "
                f"and have intervals: {list(directions)}"
            )
        return name, directions.get(name, False)

    def needs(self) -> Needs:
        total = Needs()
        for planned in self.metrics:
            total |= planned.metric.needs()
        for mine, theirs in self.pairs:
            total |= mine.metric.pair_needs(theirs.metric)
        return total


def plan_evaluation(config: config_pb2.EvalConfig, names: Mapping[str, str], task: str) -> Plan:
    """Plans the evaluation of models.

    Args:
      names: model name in ``config`` -> name in reports.
      task: of EvaluationConfig.
    """
    metrics: list[PlannedMetric] = []
    rest: list[config_pb2.MetricsSpec] = []
    for alone in _single_metrics(config):
        planned = list(_planned(config, alone, names, task))
        if None in planned:
            rest.append(alone)
        else:
            metrics += planned
    return Plan(
        config=config,
        names=names,
        slices=tuple(_slices(config)),
        metrics=tuple(metrics),
        rest=tuple(rest),
        pairs=tuple(_pairs(config, metrics)),
    )


def plan_rankings(
    config: config_pb2.EvalConfig, names: Mapping[str, str], places: Mapping[str, int]
) -> Plan:
    """Plans the evaluation of queries.

    Args:
      places: metric -> its place among the scores of a query (``rank_queries.rankings``).
    """
    metrics = [
        PlannedMetric(
            metric_types.MetricKey(name, model_name=given),
            model,
            Ratio(
                Linear.of(Quantity("score", View(model, place))),
                larger_is_better=True,
                range=(0, 1),
            ),
        )
        for given, model in names.items()
        for name, place in places.items()
    ]
    return Plan(
        config=config,
        names=names,
        slices=tuple(_slices(config)),
        metrics=tuple(metrics),
        rest=(),
        pairs=tuple(_pairs(config, metrics)),
    )


def _single_metrics(config: config_pb2.EvalConfig) -> Iterator[config_pb2.MetricsSpec]:
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            alone = config_pb2.MetricsSpec()
            alone.CopyFrom(spec)
            del alone.metrics[:]
            alone.metrics.append(metric)
            yield alone


def _planned(
    config: config_pb2.EvalConfig,
    spec: config_pb2.MetricsSpec,
    names: Mapping[str, str],
    task: str,
) -> Iterator[PlannedMetric | None]:
    """What the metric of ``spec`` is for each model; None where it has no fast form."""
    for key, metric_config, _ in metric_specs.keys_and_metrics_from_specs(config, [spec]):
        model, form = names[key.model_name], None
        if not (spec.query_key or metric_config.module):
            form = fast_form(key, spec, metric_config, model, task)
        yield form and PlannedMetric(key, model, form)


def _pairs(
    config: config_pb2.EvalConfig, metrics: Sequence[PlannedMetric]
) -> Iterator[tuple[PlannedMetric, PlannedMetric]]:
    baselines = [spec.name for spec in config.model_specs if spec.is_baseline]
    by_key = {planned.key: planned for planned in metrics}
    for planned in metrics:
        if baselines and planned.key.model_name not in baselines:
            theirs = by_key.get(planned.key._replace(model_name=baselines[0]))
            if theirs:
                yield planned, theirs


def _slices(config: config_pb2.EvalConfig) -> Iterator[SliceSpec]:
    for spec in config.slicing_specs:
        only = tuple(sorted(spec.feature_values.items()))
        features = tuple(sorted({*spec.feature_keys, *spec.feature_values}))
        if features:
            yield SliceSpec(features, only)
