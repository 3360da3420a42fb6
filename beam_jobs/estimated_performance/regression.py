"""Estimates of a regression on every slice, from samples of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from ..evaluation_config import EvaluationConfig
from ..metrics.memberships import SliceSpec
from ..reports import EstimateCheck, Estimates, MetricEstimate
from ..slices import slice_name
from ..tree_inputs import TreeInputs
from .direct_loss import LossModel, estimate_mean_loss, fit_loss_model
from .halves import in_halves
from .in_words import LEAST_LABELLED, Assumptions
from .large_slices import large_slices
from .sampled_rows import SampledRows

LOSSES: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = MappingProxyType(
    {
        "mse": lambda predictions, labels: (predictions - labels) ** 2,
        "mae": lambda predictions, labels: np.abs(predictions - labels),
    }
)
"""Metric -> (predictions [n], labels [n]) -> losses [n]."""


def estimate_regression(
    config: EvaluationConfig,
    model: str,
    slices: Sequence[SliceSpec],
    features: Sequence[str],
    labelled: SampledRows | None,
    unlabelled: SampledRows | None,
    seen: tuple[int, int],
) -> Estimates:
    """Metrics of the rows without a label, by a model of the losses of those with one.

    Args:
      features: columns of the samples that the loss may depend on, beside the prediction.
      seen: of how many rows with and without a label the samples were drawn.
    """
    told = {"model": model, "method": "direct_loss", "rows": seen[1], "labelled": seen[0]}
    assumptions = Assumptions()
    if labelled is None or len(labelled) < LEAST_LABELLED:
        assumptions.too_few(seen[0])
        return Estimates(**told, doubts=assumptions.doubts)
    if unlabelled is None:
        return Estimates(**told)
    inputs = TreeInputs.of(labelled.batch, features)
    categorical = [1 + place for place in inputs.categorical]
    known, others = (
        np.column_stack([rows.predictions, inputs.encode(rows.batch)])
        for rows in (labelled, unlabelled)
    )
    here, there = labelled.slices(slices), unlabelled.slices(slices)
    counts = {key: int(rows.sum()) for key, rows in there.items()}
    large = large_slices(counts, config.smallest_measured)
    nowhere = np.zeros(len(labelled), bool)
    estimates, outside = [], 0.0
    for metric in (name for name in config.metric_names if name in LOSSES):
        losses = LOSSES[metric](labelled.predictions, labelled.labels)
        fitted = fit_loss_model(known, losses, categorical)
        outside = _share_outside(fitted, unlabelled.predictions)
        expected = fitted.losses(others)
        for key in large:
            rows = there[key]
            found = estimate_mean_loss(fitted, expected[:, rows], here.get(key, nowhere))
            estimates.append(
                MetricEstimate(
                    slice=slice_name(key),
                    metric=metric,
                    value=found.value,
                    lower=found.lower,
                    upper=found.upper,
                    n=counts[key],
                )
            )
    assumptions.outside(outside)
    checks = list(_checks(config, labelled, known, categorical, assumptions))
    return Estimates(
        **told,
        metrics=estimates,
        slices_left_out=len(counts) - len(large),
        checks=checks,
        doubts=assumptions.doubts,
        notes=assumptions.notes,
    )


def _share_outside(model: LossModel, predictions: np.ndarray) -> float:
    return float(((predictions < model.lowest) | (predictions > model.highest)).mean())


def _checks(
    config: EvaluationConfig,
    labelled: SampledRows,
    known: np.ndarray,
    categorical: Sequence[int],
    assumptions: Assumptions,
) -> Iterator[EstimateCheck]:
    """The same estimates for the newer labelled rows from the older, beside the real values."""
    halves = in_halves(labelled.times)
    if halves is None:
        assumptions.no_times()
        return
    older, newer = halves
    for metric in (name for name in config.metric_names if name in LOSSES):
        losses = LOSSES[metric](labelled.predictions, labelled.labels)
        fitted = fit_loss_model(known[older], losses[older], categorical)
        found = estimate_mean_loss(fitted, fitted.losses(known[newer]))
        real = float(losses[newer].mean())
        assumptions.loss(metric, found.value, real, not found.lower <= real <= found.upper)
        yield EstimateCheck(
            metric=metric,
            value=found.value,
            lower=found.lower,
            upper=found.upper,
            real=real,
            n=len(newer),
        )
