"""Pseudonymizes one Parquet or CSV file into a file of the same format, batch by batch."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from .count_classes import RiskCounter, measures_risk
from .privacy_account import PrivacyError, check_policy, privacy_report
from .privacy_batch import BatchTreatment, load_keys, primary_version
from .privacy_measures import Measure
from .privacy_policy import PrivacyConfig
from .reports import PrivacyReport, write_report
from .subjects.lookup import Lookup
from .subjects.register import load

_BATCH_ROWS = 65_536
_PARSE = csv.ParseOptions(newlines_in_values=True)


def is_table(path: str) -> bool:
    return Path(path).suffix.lower() in (".parquet", ".csv")


def pseudonymize_table(
    config: PrivacyConfig, path: str, output_dir: str, history_root: str = ""
) -> PrivacyReport:
    """Writes ``output_dir/<name of path>`` and the report; the split's name is the file's stem.

    CSV needs a header row and UTF-8. Its values are treated as text, so that those kept come out
    as they were; unquoted empty ones are missing values. Nested Parquet columns other than lists
    of values must be redacted.

    ``history_root``: a history whose register (``subjects.register``) says whose rows are left
    out, as erased or as restricted; none without.

    Raises:
      KeysetError, RegisterError: keyset or register cannot be used; nothing was written.
      PrivacyError: the data break the policy or the file is malformed; no data are left in
        ``output_dir``.
    """
    config.prepare()
    version = primary_version(config)
    split = Path(path).stem
    keys = load_keys(config, version)
    treatment, lookup = (
        BatchTreatment(config, split, keys),
        Lookup(config, load(history_root), keys),
    )
    schema, batches = read_table(path)
    treatment.refuse_identifying_names(schema.names)
    counts: Counter[Measure] = Counter()
    risk = RiskCounter(config, split) if measures_risk(config) else None
    target = Path(output_dir, Path(path).name)
    partial = target.with_name(f".{target.name}.partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        empty = pa.RecordBatch.from_arrays(
            [pa.array([], kind) for kind in schema.types], schema=schema
        )
        treated, _ = treatment.treat(empty)
        with table_writer(partial, target.suffix, treated.schema) as writer:
            for batch in batches:
                used, restricted, erased = lookup.apart(batch)
                treated, batch_counts = treatment.treat(used)
                writer.write_batch(treated)
                if risk:
                    risk.add(treated)
                counts.update(batch_counts)
                counts[Measure(split, "rows_written")] += treated.num_rows
                counts[Measure(split, "rows_restricted")] += restricted.num_rows
                counts[Measure(split, "rows_erased")] += erased
                counts[Measure(split, "rows_read")] += restricted.num_rows + erased
        if risk:
            counts.update(risk.counts())
        report = privacy_report(counts, config, [split], version)
        write_report(output_dir, report)
        check_policy(counts, config)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return report


def read_table(path: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema and the batches of a file; malformed ones raise PrivacyError without quotes."""
    try:
        if Path(path).suffix.lower() == ".csv":
            names = csv.open_csv(path, parse_options=_PARSE).schema.names
            text = csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
            )
            reader = csv.open_csv(path, parse_options=_PARSE, convert_options=text)
            return reader.schema, _without_quotes(path, reader)
        file = parquet.ParquetFile(path)
        return file.schema_arrow, _without_quotes(path, file.iter_batches(_BATCH_ROWS))
    except pa.ArrowInvalid as error:
        raise _malformed(path, error) from None


def _without_quotes(path: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except pa.ArrowInvalid as error:
        raise _malformed(path, error) from None


def _malformed(path: str, error: pa.ArrowInvalid) -> PrivacyError:
    known = re.search(r"(Row #\d+: )?Expected \d+ columns, got \d+|invalid UTF8", str(error))
    detail = f": {known[0]}" if known else ""
    return PrivacyError(f"{path}: malformed{detail} (CSV must be UTF-8 with a header row)")


def table_writer(
    path: Path, suffix: str, schema: pa.Schema
) -> csv.CSVWriter | parquet.ParquetWriter:
    if suffix.lower() == ".csv":
        return csv.CSVWriter(str(path), schema)
    return parquet.ParquetWriter(str(path), schema)
