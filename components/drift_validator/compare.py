"""Drift of a span: against training, the previous span and the reference spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from ...beam_jobs.drift_statistics.files import SplitStatistics
from ...beam_jobs.drift_statistics.population import SpanStatistics
from ...beam_jobs.reports import Comparison, DriftReport
from ...beam_jobs.slices import OVERALL
from .anomalies import joined
from .config import DriftConfig
from .detected import detected
from .detector_inputs import error_stream, row_samples
from .detectors import run
from .drift_anomalies import drift_anomalies
from .example_counts import example_counts
from .explain import Known, explain
from .inputs import Reference, Splits
from .judge import judge, verdicts
from .pairs import Pairs, listed, pair_up
from .populations import Columns, columns, population
from .schema_check import SchemaCheck, check_schema, inferred_schema
from .unit_check import with_other_units
from .verdict import drift_report


@dataclass(frozen=True)
class Findings:
    """``anomalies``: by (slice, split); for the whole of every split, and each slice compared."""

    report: DriftReport
    anomalies: Mapping[tuple[str, str], anomalies_pb2.Anomalies]


def compare(
    current: Splits,
    training: SplitStatistics | None,
    references: Sequence[Reference] | None,
    schema: schema_pb2.Schema | None,
    config: DriftConfig,
    span: str | None = None,
) -> Findings:
    """Compares every feature of every slice, and validates every split against the schema.

    Args:
      current: the span's statistics by split, in the order in which splits are preferred.
      training: statistics of the training data, or None.
      references: earlier spans, in order of time; empty where there are none yet, which the report
        then says; None where there is no such thing as a span.
      schema: what the data should look like; where None, that is inferred from the training
        statistics, else from the newest reference.
      span: the span's own name.
    """
    splits = {name: population(split, config) for name, split in current.items()}
    names = config.training_names
    trained = population(training, config, names) if training is not None else None
    spans = list(references or ())
    earlier = {
        each.span: {name: population(split, config) for name, split in each.splits.items()}
        for each in spans
    }
    found = _pairs(splits, trained, list(earlier.values()), config)
    if references is not None and not references:
        found.not_compared.append("No statistics of earlier spans: nothing was compared with one.")
    check = _schema_check(current, training, spans, schema, config, found)
    baselines = [trained, *(each for of in reversed(earlier.values()) for each in of.values())]
    before = next(filter(None, baselines), None)
    if before:
        check = with_other_units(check, splits, before, config)
    rows = row_samples(current, training, spans, config)
    stream = error_stream(current, training, references)
    measured = [detected(each) for each in run(config.detectors, rows, stream)]
    measured += example_counts(splits, list(earlier.values()), config)
    comparisons = verdicts(found.pairs, measured, config)
    known = Known(span, splits, trained, earlier, rows, stream)
    evidence = explain(
        comparisons,
        known,
        lambda now, training, spans: judge(now, training, spans, config),
        config,
    )
    return Findings(
        drift_report(comparisons, check.found, found.not_compared, config, evidence),
        _anomalies(splits, comparisons, check),
    )


def _anomalies(
    splits: Mapping[str, SpanStatistics], comparisons: Sequence[Comparison], check: SchemaCheck
) -> dict[tuple[str, str], anomalies_pb2.Anomalies]:
    places: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for split in splits:
        places[OVERALL, split] = []
    for comparison in comparisons:
        places[comparison.slice, comparison.split].append(comparison)
    return {
        (name, split): joined(
            [
                check.anomalies.get(split, anomalies_pb2.Anomalies())
                if name == OVERALL
                else anomalies_pb2.Anomalies(),
                drift_anomalies(made),
            ]
        )
        for (name, split), made in places.items()
    }


def _pairs(
    splits: Mapping[str, SpanStatistics],
    trained: SpanStatistics | None,
    earlier: Sequence[Mapping[str, SpanStatistics]],
    config: DriftConfig,
) -> Pairs:
    noted = []
    for name, split in splits.items():
        if not split.overall.rows:
            noted.append(f"Split {name} holds no rows.")
        if split.unnamed:
            noted.append(
                f"{split.unnamed} slice{'s' * (split.unnamed > 1)} of split {name} with fewer than "
                f"{config.min_group_rows} rows, which are named nowhere."
            )
        if split.unknown:
            noted.append(
                f"{listed(split.unknown, 'slice')} of split {name} not configured in slices."
            )
    if trained is None:
        noted.append("No training statistics: nothing was compared with training.")
    found = pair_up(splits, trained, earlier, config)
    return Pairs(found.pairs, [*noted, *found.not_compared])


def _schema_check(
    current: Splits,
    training: SplitStatistics | None,
    references: Sequence[Reference],
    schema: schema_pb2.Schema | None,
    config: DriftConfig,
    found: Pairs,
) -> SchemaCheck:
    overall = {name: columns(split, config) for name, split in current.items()}
    if schema is not None:
        return check_schema(overall, schema, config)
    baselines: list[Columns] = []
    if training is not None:
        baselines.append(columns(training, config, config.training_names))
    for reference in reversed(references):
        baselines.extend(columns(split, config) for split in reference.splits.values())
    for baseline in baselines:
        if baseline.rows:
            return check_schema(overall, inferred_schema(baseline, config), config)
    found.not_compared.append("No schema, and no statistics to infer one from.")
    return SchemaCheck({}, [])
