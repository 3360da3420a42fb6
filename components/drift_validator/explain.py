"""Gathers the evidence for findings: earlier spans, seasons, the inputs' share, model versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...beam_jobs.drift_statistics.population import SpanStatistics, merged
from ...beam_jobs.reports import Comparison, PredictionChange
from ...beam_jobs.slices import OVERALL
from .config import DriftConfig
from .detectors import ErrorStream, Rows
from .error_course import error_course
from .evidence import Evidence
from .model_versions import NewVersion, new_version
from .persistence import earlier_changes, lasting
from .root_cause import is_clear, prediction_change
from .seasonality import same_season

Splits = Mapping[str, SpanStatistics]
Judge = Callable[[Splits, SpanStatistics | None, Sequence[Splits]], Sequence[Comparison]]
"""The comparisons of one span's splits with training and with reference spans, oldest first."""

_MOST_EARLIER = 8


@dataclass(frozen=True)
class Known:
    """What a span was compared with.

    Attributes:
      span: its name; None outside a pipeline.
      references: by name, in order of time.
      rows: samples of rows, of each split and each baseline.
      stream: the errors of the reference spans and of this one.
    """

    span: str | None
    current: Splits
    training: SpanStatistics | None
    references: Mapping[str, Splits]
    rows: Sequence[Rows] = ()
    stream: ErrorStream | None = None


def explain(
    comparisons: Sequence[Comparison], known: Known, judge: Judge, config: DriftConfig
) -> Evidence:
    """The evidence about ``comparisons``. What has not drifted is looked at no further."""
    drifted = [c for c in comparisons if c.verdict == "drift"]
    names = list(known.references)
    about = _about(drifted)

    def earlier(name: str, before: Sequence[str]) -> Sequence[Comparison]:
        return judge(
            about(known.references[name]),
            known.training,
            [about(known.references[other]) for other in before],
        )

    def alike(season: Sequence[str]) -> Sequence[Comparison]:
        spans = [about(known.references[name]) for name in season]
        return judge(about(known.current), None, spans)

    seasons = same_season(known.span, names) if drifted else {}
    seasonal = {name for season in seasons.values() for name in season}
    others = [about(known.references[name]) for name in names if name not in seasonal]
    change = _prediction_change(drifted, known.rows, config)
    stream = known.stream
    return Evidence(
        earlier=list(earlier_changes(lasting(drifted), known.span, names, earlier, _MOST_EARLIER)),
        seasons={season: alike(spans) for season, spans in seasons.items() if spans},
        others=judge(_together(others), known.training, []) if seasonal and others else [],
        prediction_change=change if change and is_clear(change) else None,
        errors=error_course(stream.times, stream.errors) if stream else (),
        new_version=_new_version(known.rows, config),
    )


def _about(drifted: Sequence[Comparison]) -> Callable[[Splits], Splits]:
    """Leaves of splits the features and slices that drifted, and all rows."""
    features = {c.feature for c in drifted}
    names = {c.slice for c in drifted} | {OVERALL}

    def chosen(splits: Splits) -> Splits:
        return {split: _chosen(statistics) for split, statistics in splits.items()}

    def _chosen(statistics: SpanStatistics) -> SpanStatistics:
        slices = {
            name: replace(
                found, features={f: s for f, s in found.features.items() if f in features}
            )
            for name, found in statistics.slices.items()
            if name in names
        }
        return replace(statistics, slices=slices)

    return chosen


def _together(spans: Sequence[Splits]) -> Splits:
    names = dict.fromkeys(split for span in spans for split in span)
    return {name: merged([span[name] for span in spans if name in span]) for name in names}


def _prediction_change(
    drifted: Sequence[Comparison], rows: Sequence[Rows], config: DriftConfig
) -> PredictionChange | None:
    """Against what the prediction drifted from, else the first baseline that has predictions."""
    moved = {c.against for c in drifted if c.feature == config.prediction}
    outcomes = (config.prediction, config.label, *config.ground_truth)
    for pair in sorted(rows, key=lambda pair: pair.against not in moved):
        inputs = [name for name in pair.columns if name not in outcomes]
        found = prediction_change(
            pair.baseline,
            pair.current,
            config.prediction,
            inputs,
            pair.against,
            config.min_group_rows,
        )
        if found:
            return found
    return None


def _new_version(rows: Sequence[Rows], config: DriftConfig) -> NewVersion | None:
    for pair in rows:
        if found := new_version(pair.baseline, pair.current, config.min_group_rows):
            return found
    return None
