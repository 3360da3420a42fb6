"""What an evaluation computes: TFMA's EvalConfig, taken apart into fast metrics and the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from .binary import binary_metric
from .calibration import calibration_metric
from .memberships import SliceSpec
from .metric import FastMetric
from .quantities import View
from .regression import regression_metric
from .slice_table import Needs


@dataclass(frozen=True)
class PlannedMetric:
    """A metric of a model under TFMA's key; ``model`` is its name in reports."""

    key: metric_types.MetricKey
    model: str
    metric: FastMetric

    @property
    def name(self) -> str:
        return self.key.name


@dataclass(frozen=True)
class Plan:
    """An evaluation.

    Attributes:
      config: TFMA's.
      slices: what to slice by; the whole is always there.
      metrics: the fast ones, in the configuration's order.
      pairs: (candidate's, baseline's) metrics of which the difference is wanted.
    """

    config: config_pb2.EvalConfig
    slices: tuple[SliceSpec, ...]
    metrics: tuple[PlannedMetric, ...]
    pairs: tuple[tuple[PlannedMetric, PlannedMetric], ...]

    def needs(self) -> Needs:
        total = Needs()
        for planned in self.metrics:
            total |= planned.metric.needs()
        for mine, theirs in self.pairs:
            total |= mine.metric.pair_needs(theirs.metric)
        return total


def plan_evaluation(config: config_pb2.EvalConfig, names: Mapping[str, str], binary: bool) -> Plan:
    """Plans the evaluation of models.

    Args:
      names: model name in ``config`` -> name in reports.
      binary: labels are 0 and 1.
    """
    metrics = tuple(_planned(config, names, binary))
    return Plan(config, tuple(_slices(config)), metrics, tuple(_pairs(config, metrics)))


def _planned(
    config: config_pb2.EvalConfig, names: Mapping[str, str], binary: bool
) -> Iterator[PlannedMetric]:
    found = metric_specs.keys_and_metrics_from_specs(config, config.metrics_specs)
    for key, metric_config, _ in found:
        arguments = json.loads(metric_config.config or "{}")
        view, weighted = View(names[key.model_name]), bool(key.example_weighted)
        class_name = metric_config.class_name
        metric = (
            binary_metric(class_name, arguments, view, weighted)
            or regression_metric(class_name, arguments, view, weighted)
            or calibration_metric(class_name, arguments, view, weighted, binary)
        )
        if metric is None:
            raise NotImplementedError(class_name)
        yield PlannedMetric(key, view.model, metric)


def _pairs(
    config: config_pb2.EvalConfig, metrics: tuple[PlannedMetric, ...]
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
