"""What ``ingest_logs`` reads, how it names and types what it finds, and for which window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from .parameters import Parameters

Kind = Literal["int", "float", "string"]

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
}
RESERVED = frozenset(FIXED_COLUMNS) | {"label"}

LONGEST_CALL = timedelta(minutes=5)
"""How far over the edges of a window a response, or the first try of a request, is looked for."""


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Globs = Annotated[list[str], BeforeValidator(_one_or_many), Field(min_length=1)]


class FieldNames(Parameters):
    """The keys of a ``json_lines`` record that are not features.

    ``request_id`` (string or int) and ``event_time`` must be in each record; the others may be
    missing or null. ``row`` defaults to 0; ``sampling_weight`` is 1 / sampling rate.
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


class GroundTruthConfig(Parameters):
    """JSON Lines, gzipped or not, of what really happened: one label a line.

    ``files``: globs, as ``IngestConfig.logs``, but dated ones reach two horizons back. The others
    name keys: a label belongs to row ``row`` (0 if the line has none) of request ``request_id``
    and arrived at ``time``.
    ``columns`` are facts that arrive with the label; they become features of the labelled row,
    in place of a logged feature of that name.
    """

    files: Globs
    request_id: str = "request_id"
    row: str = "row"
    time: str = "time"
    label: str = "label"
    columns: list[str] = []


class IngestConfig(Parameters):
    """Parameters of ``ingest_logs``.

    format: ``kserve`` (payload logger's blobs) or ``json_lines`` (one prediction a line).
    logs: globs of the log files, on any filesystem Beam knows; ``**`` crosses folders. A glob
      with {YYYY}, {MM}, {DD} stands for itself on each UTC day of [start - horizon, end); a
      response filed under a later day than the window's last is not found.
    features: declared types. A value that does not fit its declared type makes its record a
      dead letter. Undeclared features are kept too: JSON numbers as float, booleans as int,
      strings as string, objects as their JSON text (string); an undeclared feature that comes
      in several of these types is, in the whole window, the widest of them (int < float <
      string). null is a missing value; a (nested) list is a multivalent feature, row-major.
    prediction: which output is the prediction, when there are several: the output's name in
      the Open Inference Protocol (V2), the key where predictions are objects.
    feature_names: names by position, for instances that are bare lists or one V2 tensor.
    fields: ``json_lines`` only, see FieldNames.
    ground_truth: see GroundTruthConfig.
    horizon_hours: how long a label may come after its request, or wait for it.
    max_dead_letter_share: the job fails when more of the records are dead letters, or more of
      the window's rows are rejected.
    """

    format: Literal["kserve", "json_lines"]
    logs: Globs
    features: dict[str, Kind] | None = None
    prediction: str | None = None
    feature_names: list[str] = []
    fields: FieldNames = FieldNames()
    ground_truth: GroundTruthConfig | None = None
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

    def reaches_request(self, time: int) -> bool:
        return self.start - self.horizon - _SLACK <= time < self.end

    def reaches_response(self, time: int) -> bool:
        return self.start - self.horizon - _SLACK <= time < self.end + _SLACK

    def reaches_label(self, time: int) -> bool:
        """Two horizons back: so that the first label of a key is seen with all its repeats."""
        return self.start - 2 * self.horizon <= time < self.end

    def log_globs(self, globs: Iterable[str]) -> list[str]:
        return self._expand(globs, self.start - self.horizon)

    def label_globs(self, globs: Iterable[str]) -> list[str]:
        return self._expand(globs, self.start - 2 * self.horizon)

    def _expand(self, globs: Iterable[str], since: int) -> list[str]:
        first, last = (moment(time).date() for time in (since, self.end - 1))
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
        return sorted({_on_day(glob, day) for glob in globs for day in days})


def microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def moment(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)


def _on_day(glob: str, day) -> str:
    for placeholder, code in (("{YYYY}", "%Y"), ("{MM}", "%m"), ("{DD}", "%d")):
        glob = glob.replace(placeholder, day.strftime(code))
    return glob


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SLACK = LONGEST_CALL // timedelta(microseconds=1)
