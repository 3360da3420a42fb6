"""What ``ingest_logs`` reads, how it names and types what it finds, and for which window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from .data_contract import DataContract, Kind
from .parameters import Parameters

Format = Literal[
    "kserve",
    "open_inference",
    "prediction_log",
    "vertex_ai",
    "sagemaker",
    "json_lines",
    "csv",
    "parquet",
    "avro",
]
MAPPED: tuple[Format, ...] = ("json_lines", "csv", "parquet", "avro")
"""Formats of one prediction a record, whose keys ``FieldNames`` explains."""

FIXED_COLUMNS: dict[str, Kind] = {
    "prediction": "float",
    "log_request_id": "string",
    "log_row": "int",
    "log_event_time": "int",
    "log_model_version": "string",
    "log_endpoint": "string",
    "log_sampling_weight": "float",
    "log_latency_ms": "float",
    "log_status": "string",
    "log_label_time": "int",
    "log_label_corrects": "int",
    "log_model_decided": "int",
    "log_violations": "string",
}
RESERVED = frozenset(FIXED_COLUMNS) | {"label"}

LONGEST_CALL = timedelta(minutes=5)
"""How far over the edges of a window a response, or the first try of a request, is looked for."""


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Globs = Annotated[list[str], BeforeValidator(_one_or_many), Field(min_length=1)]


class FieldNames(Parameters):
    """The keys of a record of the formats in ``MAPPED`` that are not features.

    ``request_id`` (string or int) and ``event_time`` must be in each record; the others may be
    missing or null. ``row`` defaults to 0; ``sampling_weight`` is 1 / sampling rate;
    ``model_decided`` as in GroundTruthConfig.
    """

    request_id: str = "request_id"
    event_time: str = "event_time"
    prediction: str = "prediction"
    row: str = "row"
    model_version: str = "model_version"
    endpoint: str = "endpoint"
    latency_ms: str = "latency_ms"
    status: str = "status"
    sampling_weight: str = "sampling_weight"
    model_decided: str = "model_decided"


class GroundTruthConfig(Parameters):
    """What really happened: JSON Lines, CSV, Parquet or Avro, one label a record.

    ``files``: globs, as ``IngestConfig.logs``, but dated ones reach two horizons back. The others
    name keys: a label belongs to row ``row`` (0 if the record has none) of request ``request_id``
    and arrived at ``time``. Records of SageMaker's ground truth (``groundTruthData``) need no
    keys; they arrived in the hour that their path names.
    ``columns`` are facts that arrive with the label; they become features of the labelled row,
    in place of a logged feature of that name.
    ``model_decided`` names a key that is true where the model's own action decided the outcome
    (a blocked payment is never seen to be honest): such rows are no training data.
    """

    files: Globs
    request_id: str = "request_id"
    row: str = "row"
    time: str = "time"
    label: str = "label"
    columns: list[str] = []
    model_decided: str = "model_decided"


class IngestConfig(Parameters):
    """Parameters of ``ingest_logs``.

    format: see ``log_formats``; ``auto`` recognises it from the first records.
    logs: globs of the log files, on any filesystem Beam knows; ``**`` crosses folders. A glob
      with {YYYY}, {MM}, {DD}, {HH} stands for itself on each UTC day (hour) of
      [start - horizon, end); a response filed under a later one than the window's last is not
      found. {SPAN} stands for any whole number: all spans are read, but for files that were last
      written before start - horizon. Compression (gzip, zstd) and container (JSON Lines, JSON
      array, CSV, Parquet, Avro, TFRecord) are recognised.
    replay: ``logs`` are dead letters of an earlier run, whose records are read again.
    features: declared types. A value that does not fit its declared type makes its row a
      dead letter. Undeclared features are kept too: JSON numbers as float, booleans as int,
      strings as string, objects as their JSON text (string); an undeclared feature that comes
      in several of these types is, in the whole window, the widest of them (int < float <
      string). null is a missing value; a (nested) list is a multivalent feature, row-major.
    prediction: which output is the prediction, when there are several: the output's name in
      the Open Inference Protocol (V2) and TF Serving, the key where predictions are objects, the
      class of a TF Serving classification.
    feature_names: names by position, for instances that are bare lists, CSV rows or one tensor.
    request_id: the feature that identifies the request, for formats that log no id.
    untimed: what becomes of a record that has no time: a ``dead_letter``, or a record of the
      start of the ``window`` that is read (for logs of batch inference).
    fields: for the formats in ``MAPPED``, see FieldNames.
    ground_truth: see GroundTruthConfig.
    contract: see DataContract.
    horizon_hours: how long a label may come after its request, or wait for it.
    max_dead_letter_share: the job fails when more of the records are dead letters, or more of
      the window's rows are rejected.
    """

    format: Format | Literal["auto"]
    logs: Globs
    replay: bool = False
    features: dict[str, Kind] | None = None
    prediction: str | None = None
    feature_names: list[str] = []
    request_id: str | None = None
    untimed: Literal["dead_letter", "window"] = "dead_letter"
    fields: FieldNames = FieldNames()
    ground_truth: GroundTruthConfig | None = None
    contract: DataContract | None = None
    horizon_hours: float = Field(0.0, ge=0, allow_inf_nan=False)
    max_dead_letter_share: float = Field(0.05, ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> IngestConfig:
        columns = self.ground_truth.columns if self.ground_truth else []
        taken = RESERVED.intersection([*(self.features or {}), *self.feature_names, *columns])
        if taken:
            raise ValueError(f"these names are kept for LogIngest's own columns: {sorted(taken)}")
        if self.ground_truth and not self.horizon_hours:
            raise ValueError("ground_truth needs horizon_hours: how long a label may take")
        return self


@dataclass(frozen=True)
class Window:
    """[start, end) and the horizon, in microseconds (since the epoch, UTC)."""

    start: int
    end: int
    horizon: int

    @classmethod
    def of(cls, config: IngestConfig, start: datetime, end: datetime) -> Window:
        """Raises ValueError for times without a UTC offset or an empty window."""
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError(f"window times need a UTC offset, found {start} and {end}")
        if start >= end:
            raise ValueError(f"the window's end {end} must be after its start {start}")
        return cls(microseconds(start), microseconds(end), round(config.horizon_hours * 3.6e9))

    def __contains__(self, time: int) -> bool:
        return self.start <= time < self.end

    @property
    def first_request(self) -> int:
        """From when on requests are read: labels that come now may be theirs."""
        return self.start - self.horizon - _SLACK

    @property
    def first_label(self) -> int:
        """Two horizons back: so that a label is seen with all that may have come before it."""
        return self.start - 2 * self.horizon

    def reaches_response(self, time: int) -> bool:
        return self.first_request <= time < self.end + _SLACK

    def reaches_label(self, time: int) -> bool:
        return self.first_label <= time < self.end

    def log_globs(self, globs: Iterable[str]) -> list[str]:
        return self._expand(globs, self.start - self.horizon)

    def label_globs(self, globs: Iterable[str]) -> list[str]:
        return self._expand(globs, self.first_label)

    def _expand(self, globs: Iterable[str], since: int) -> list[str]:
        expanded = set()
        for glob in globs:
            step = timedelta(hours=1) if "{HH}" in glob else timedelta(days=1)
            time = moment(since).replace(minute=0, second=0, microsecond=0)
            time = time if "{HH}" in glob else time.replace(hour=0)
            while time < moment(self.end):
                expanded.add(_at(glob, time))
                time += step
        return sorted(expanded)


def microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def moment(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)


def _at(glob: str, time: datetime) -> str:
    for placeholder, code in _PLACEHOLDERS.items():
        glob = glob.replace(placeholder, time.strftime(code))
    return glob


_PLACEHOLDERS = {"{YYYY}": "%Y", "{MM}": "%m", "{DD}": "%d", "{HH}": "%H"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SLACK = LONGEST_CALL // timedelta(microseconds=1)
