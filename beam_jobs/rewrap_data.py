"""The job that rewraps a dataset in place, and counts what is left under other key versions."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from .accounting import check_identity
from .list_columns import rows_of_values, values_of
from .parameters import Parameters
from .privacy_methods.contract import Pseudonym, is_text
from .privacy_policy import PrivacyConfig
from .pseudonymize_table import is_table, read_table, table_writer
from .rewrap import Rewrap, versions_in_texts, versions_of, versions_of_rows
from .subjects.edit_files import edit_files, run_over_files
from .subjects.file_rows import read_rows


class HeldPseudonyms(Parameters):
    """How many pseudonyms of a key version a field holds; version 0: nothing tells which."""

    field: str
    version: int
    values: int


class RewrapReport(Parameters):
    """What rewrapping did.

    Attributes:
      version: the primary key version, which all pseudonyms were moved to that could be.
      unreadable: what stayed: made by destroyed or missing versions, or nobody knows which.
    """

    version: int
    files: int
    rows: int
    rows_changed: int
    unreadable: list[HeldPseudonyms]


def rewrap_data(config: PrivacyConfig, data: str, beam_args: Sequence[str] = ()) -> RewrapReport:
    """Moves the pseudonyms of a dataset to the primary key version, in place.

    Args:
      data: a folder of ``Split-*`` folders or one file, as for ``pseudonymize.run``.

    Raises:
      KeysetError: the keyset cannot be used; nothing was written.
      FileNotFoundError: there is no such dataset.
      ValueError: the policy has no pseudonyms.
    """
    if not config.needs_key:
        raise ValueError("privacy: no field has a keyed method: there is nothing to rewrap")
    edit = Rewrap(config)
    data = data if "://" in data else os.path.abspath(data)
    if is_table(data):
        return _rewrap_table(config, data, edit)
    paths = _files(data)
    results = edit_files(paths, edit, beam_args)
    return RewrapReport(
        version=edit.primary,
        files=len(paths),
        rows=sum(result.rows_read for result in results),
        rows_changed=sum(result.rows_changed for result in results),
        unreadable=[
            held for held in held_versions(config, paths, beam_args) if held.version != edit.primary
        ],
    )


def held_versions(
    config: PrivacyConfig, paths: Iterable[str], beam_args: Sequence[str] = ()
) -> list[HeldPseudonyms]:
    """The pseudonyms in TFRecord files of tf.Examples, by field and key version.

    Raises:
      DamagedFile: a file is not whole TFRecords.
    """
    counts: Counter[tuple[str, int]] = Counter()
    for held in run_over_files(sorted(set(paths)), _CountVersions(config), beam_args):
        counts[held["field"], held["version"]] += held["values"]
    return _listed(counts)


class _CountVersions(beam.DoFn):
    def __init__(self, config: PrivacyConfig):
        self._config = config

    def process(self, path: str) -> Iterator[dict[str, Any]]:
        decoder, counts = ExamplesToRecordBatchDecoder(), Counter()
        for rows in read_rows(path):
            counts += _count(self._config, decoder.DecodeBatch(rows))
        yield from (held.model_dump() for held in _listed(counts))


def _count(config: PrivacyConfig, batch: pa.RecordBatch) -> Counter[tuple[str, int]]:
    counts: Counter[tuple[str, int]] = Counter()
    made_by = versions_of_rows(config, batch)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        values, method = values_of(column), config.method_of(name)
        if not is_text(values.type):
            continue
        if not isinstance(method, Pseudonym):
            versions = versions_in_texts(values)
        else:
            each = versions_of(values) if method.is_labelled else made_by[rows_of_values(column)]
            versions = each[values.is_valid().to_numpy(zero_copy_only=False)].tolist()
        counts.update((name, version) for version in versions)
    return counts


def _listed(counts: Counter[tuple[str, int]]) -> list[HeldPseudonyms]:
    return [
        HeldPseudonyms(field=field, version=version, values=values)
        for (field, version), values in sorted(counts.items())
    ]


def _files(data: str) -> list[str]:
    found = FileSystems.match([f"{data.rstrip('/')}/Split-*/*"])[0].metadata_list
    if not found and not os.path.isdir(data):
        found = FileSystems.match([data])[0].metadata_list
    if not found:
        raise FileNotFoundError(f"{data}: neither Split-* folders with files nor a file")
    return [match.path for match in found]


def _rewrap_table(config: PrivacyConfig, path: str, edit: Rewrap) -> RewrapReport:
    """A Parquet or CSV file, put in place of the old one when it is whole."""
    edit.setup()
    schema, batches = read_table(path)
    partial = Path(path).with_name(f".{Path(path).name}.partial")
    rows: Counter[str] = Counter()
    left: Counter[tuple[str, int]] = Counter()
    try:
        with table_writer(partial, Path(path).suffix, schema) as writer:
            for batch in batches:
                edited = edit.edit(batch)
                writer.write_batch(edited.batch)
                left += _count(config, edited.batch)
                rows["read"] += batch.num_rows
                rows["written"] += edited.batch.num_rows
                rows["changed"] += int(edited.changed.sum())
        check_identity(rows, "read", ["written"])
        shutil.copymode(path, partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return RewrapReport(
        version=edit.primary,
        files=1,
        rows=rows["read"],
        rows_changed=rows["changed"],
        unreadable=[held for held in _listed(left) if held.version != edit.primary],
    )
