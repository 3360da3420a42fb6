"""The job that counts stored rows, and measures their risk anew, after some have gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import apache_beam as beam
import pyarrow as pa

from .accounting import SumCounts
from .count_classes import CountClasses, measures_risk
from .engine import job_options
from .examples import ReadExamples
from .privacy_measures import Measure
from .privacy_policy import PrivacyConfig
from .privacy_risk import split_risks
from .reports import Report, SplitRisk, read_report, write_report


class StoredRisk(Report):
    """``rows``: of each split; ``risk``: as in the PrivacyReport."""

    rows: dict[str, int]
    risk: list[SplitRisk]


def stored_risk(
    config: PrivacyConfig,
    patterns: Mapping[str, str],
    output_uri: str,
    beam_args: Sequence[str] = (),
) -> StoredRisk:
    """Rows and risk of treated rows, as the run that treats them reports them.

    Args:
      patterns: split -> its files, TFRecords of tf.Examples.
      output_uri: a folder for the report.

    Raises:
      AccountError: the classes do not hold exactly the rows.
    """
    config.prepare()
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        counts = []
        for split, pattern in patterns.items():
            batches = pipeline | f"Read[{split}]" >> ReadExamples(pattern)
            counts.append(batches | f"Rows[{split}]" >> beam.Map(_rows, split))
            if measures_risk(config):
                counts.append(batches | f"Risk[{split}]" >> CountClasses(config, split))
        _ = (
            counts
            | "Flatten" >> beam.Flatten()
            | "Sum" >> beam.CombineGlobally(SumCounts())
            | "Write" >> beam.Map(_write, config, list(patterns), output_uri)
        )
    return read_report(output_uri, StoredRisk)


def _rows(batch: pa.RecordBatch, split: str) -> Counter[Measure]:
    return Counter({Measure(split, "rows_written"): batch.num_rows})


def _write(
    counts: Counter[Measure], config: PrivacyConfig, splits: Sequence[str], output_uri: str
) -> None:
    rows = {split: counts[Measure(split, "rows_written")] for split in splits}
    risk = split_risks(counts, splits, config.min_group_rows)
    write_report(output_uri, StoredRisk(rows=rows, risk=risk))
