"""What is held of a person, for access and export (GDPR Art. 15 and 20)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from ..domain_keys import DomainKeys
from ..privacy_methods.contract import Reversible, to_bytes
from ..privacy_policy import PrivacyConfig
from .edit_files import run_over_files
from .file_rows import read_rows
from .marks import Marks, enabled_keys, pseudonym_of
from .places import place_of
from .wanted import Wanted


class HeldRow(NamedTuple):
    """A row of a person.

    Attributes:
      row: field -> its value, or the list of them where there are not one; bytes that are no
        UTF-8 as ``base64:...``. Fields that the row lacks are left out.
    """

    file: str
    split: str
    restricted: bool
    row: dict[str, Any]


def collect_rows(
    paths: Iterable[str], people: Iterable[Marks], beam_args: Sequence[str] = ()
) -> list[HeldRow]:
    """The rows of people in TFRecord files of tf.Examples, as they are stored, in order of files.

    Raises:
      DamagedFile: a file is not whole TFRecords.
    """
    work = _Collect(Wanted.of(people))
    found = run_over_files(sorted(set(paths)), work, beam_args)
    return sorted((HeldRow(**row) for row in found), key=lambda held: held.file)


def reversed_rows(
    config: PrivacyConfig, identifier: str, rows: Iterable[HeldRow]
) -> Iterator[HeldRow]:
    """The rows with the values behind reversible pseudonyms, for the holder of the keys.

    A row was treated under one key version: the one whose pseudonym of ``identifier`` it holds.
    """
    rows = list(rows)
    columns = {name for held in rows for name in held.row}
    made = {
        (name, pseudonym_of(method, identifier.encode(), keys)): keys
        for keys in enabled_keys(config)
        for name, method in config.subject_fields_among(columns).items()
    }
    for held in rows:
        treated_with = [
            made[name, value.encode()]
            for name, values in held.row.items()
            for value in _listed(values)
            if isinstance(value, str) and (name, value.encode()) in made
        ]
        keys = treated_with[0] if treated_with else None
        yield held._replace(row={k: _reversed(config, k, v, keys) for k, v in held.row.items()})


def _reversed(config: PrivacyConfig, field: str, values: Any, keys: DomainKeys | None) -> Any:
    method = config.method_of(field)
    if keys is None or not isinstance(method, Reversible):
        return values
    return _plain([_value_behind(method, value, keys) for value in _listed(values)])


def _value_behind(method: Reversible, value: Any, keys: DomainKeys) -> Any:
    """What is no pseudonym stays."""
    try:
        return to_bytes(method.reverse(pa.array([value]), keys))[0]
    except ValueError:
        return value


class _Collect(beam.DoFn):
    def __init__(self, wanted: Wanted):
        self._wanted = wanted

    def process(self, path: str) -> Iterator[dict[str, Any]]:
        split, restricted = place_of(path)
        decoder = ExamplesToRecordBatchDecoder()
        for rows in read_rows(path):
            if self._wanted.may_be_in(b"".join(rows)):
                batch = decoder.DecodeBatch(rows)
                theirs = batch.filter(pa.array(self._wanted.rows(batch)))
                for row in theirs.to_pylist():
                    values = {name: _plain(x) for name, x in row.items() if x is not None}
                    yield HeldRow(path, split, restricted, values)._asdict()


def _plain(values: list[Any]) -> Any:
    """As JSON: one value as it is."""
    values = [_text(value) if isinstance(value, bytes) else value for value in values]
    return values[0] if len(values) == 1 else values


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(value).decode()}"
