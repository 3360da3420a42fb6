"""What every log format promises: the calls in its records, and Malformed for what holds none."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar, NamedTuple

import orjson

from ..ingest_config import IngestConfig
from ..log_containers.contract import Record
from ..log_values import Malformed

Scores = float | list[float]
NOT_JSON = "not_json"


class Request(NamedTuple):
    """One call, or the half of it that asks.

    request_id: None where the log has none: rows are then never duplicates of each other.
    time: the call's, in microseconds since the epoch (UTC); None where the log does not say.
    rows: an instance each: feature name to JSON value (scalar, list, dict, None), as logged;
      types are not checked here. Each belongs to row ``first_row``, ``first_row + 1``, ...
    digest: 32 bits that depend on the content alone, to choose between versions of one call.
    columns: what is logged of the ``log_`` columns (model version, endpoint, status, latency,
      sampling weight), of the types in ``ingest_config.FIXED_COLUMNS``.
    predictions: one a row, validated; None where the record holds no answer.
    """

    request_id: str | None
    time: int | None
    rows: list[dict[str, Any]]
    digest: int
    columns: dict[str, Any] = {}
    predictions: list[Scores] | None = None
    first_row: int = 0


class Response(NamedTuple):
    """The other half, where a format logs it as a record of its own; fields as in Request."""

    request_id: str
    time: int | None
    predictions: list[Scores]
    digest: int
    columns: dict[str, Any] = {}


@dataclass
class Parsed:
    """Records of a chunk as columns: requests one an entry, their rows one after another.

    record: for each request the index of its record. values: of the rows' features by name, in
    place of ``rows`` where a format knows them so. predictions: one a row, None where there is
    none. bad: index of a record to the reason why it is none. responses: index of its record,
    and the response.
    """

    bad: dict[int, str] = field(default_factory=dict)
    responses: list[tuple[int, Response]] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    times: list[int | None] = field(default_factory=list)
    first_rows: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)
    columns: dict[str, list] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, Sequence] | None = None
    predictions: list[Scores | None] = field(default_factory=list)

    def features(self) -> dict[str, Sequence]:
        """A value a row, None where it has none, by the feature's name."""
        return transposed(self.rows) if self.values is None else self.values

    def add(self, index: int, request: Request) -> None:
        request_id, time, rows, digest, columns, predictions, first_row = request
        known = len(self.record)
        self.record.append(index)
        self.ids.append(request_id)
        self.times.append(time)
        self.first_rows.append(first_row)
        self.lengths.append(len(rows))
        self.digests.append(digest)
        self.rows += rows
        self.predictions += predictions or [None] * len(rows)
        if not columns.keys() <= self.columns.keys():
            for name in columns:
                self.columns.setdefault(name, [None] * known)
        for name, values in self.columns.items():
            values.append(columns.get(name))

    def add_all(self, record: list[int], requests: list[Request]) -> None:
        """As ``add`` of each, to a Parsed that holds no requests yet."""
        if not requests:
            return
        ids, times, rows, digests, columns, predictions, first_rows = zip(*requests, strict=True)
        self.record, self.ids, self.times = record, list(ids), list(times)
        self.first_rows, self.digests = list(first_rows), list(digests)
        self.lengths = list(map(len, rows))
        self.rows = list(chain.from_iterable(rows))
        if any(predictions):
            pairs = zip(predictions, self.lengths, strict=True)
            self.predictions = [x for scores, n in pairs for x in scores or [None] * n]
        else:
            self.predictions = [None] * len(self.rows)
        for name in dict.fromkeys(chain.from_iterable(columns)):
            self.columns[name] = [known.get(name) for known in columns]


class LogFormat(ABC):
    """A format of serving logs, made for one configuration; picklable.

    answered: predictions come in Responses.
    """

    answered: ClassVar[bool] = False

    def __init__(self, config: IngestConfig):
        self.config = config

    @abstractmethod
    def parse(self, record: Record) -> Request | Response:
        """Raises Malformed for a record that does not fit, and nothing else."""

    def parse_all(self, records: Sequence[Record]) -> Parsed:
        parsed, asking, requests = Parsed(), [], []
        for index, record in enumerate(records):
            try:
                piece = self.parse(record)
            except Malformed as error:
                parsed.bad[index] = error.reason
            else:
                if type(piece) is Request:
                    asking.append(index)
                    requests.append(piece)
                else:
                    parsed.responses.append((index, piece))
        parsed.add_all(asking, requests)
        return parsed


def transposed(rows: Sequence[dict[str, Any]]) -> dict[str, Sequence]:
    """The values of each key, None where a row lacks it."""
    kinds = set(map(tuple, rows))
    if len(kinds) == 1:
        return dict(zip(*kinds, zip(*map(dict.values, rows), strict=True), strict=True))
    names = dict.fromkeys(chain.from_iterable(kinds))
    return {name: [row.get(name) for row in rows] for name in names}


def json_object(record: Record) -> dict[str, Any]:
    """A record as a JSON object; Malformed where it is none."""
    if type(record) is dict:
        return record
    try:
        found = orjson.loads(record)
    except orjson.JSONDecodeError:
        found = json_value(record)
    if type(found) is not dict:
        raise Malformed(NOT_JSON)
    return found


def json_value(text: bytes | str) -> Any:
    """A JSON value; Malformed where it is none.

    NaN, which RFC 8259 does not know and servers in Python write, is a missing value.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if isinstance(text, str):
            text = text.encode(errors="replace")
        if b"NaN" not in text and b"Infinity" not in text:
            raise Malformed(NOT_JSON) from None
    try:
        value = json.loads(text, parse_constant=_CONSTANTS.__getitem__, parse_int=orjson.loads)
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no text
        return value
    except (ValueError, RecursionError):
        raise Malformed(NOT_JSON) from None


_CONSTANTS = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
