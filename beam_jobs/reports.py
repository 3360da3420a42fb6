"""The JSON documents in which the jobs hand on what they measured, to parts and to people."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeVar

from apache_beam.io.filesystems import FileSystems
from pydantic import BaseModel, ConfigDict

FILE_NAME = "report.json"
LOGGED, CANDIDATE, IN_SERVICE = "logged", "candidate", "in_service"
"""What reports call the evaluated models."""


class Document(BaseModel):
    """A part of a report: unknown keys are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Report(Document):
    schema_version: Literal[1] = 1


AnyReport = TypeVar("AnyReport", bound=Report)


def write_report(uri: str, report: Report) -> None:
    """Writes ``report`` as ``uri/report.json``, on any filesystem Beam knows."""
    if not FileSystems.exists(uri):
        FileSystems.mkdirs(uri)
    with FileSystems.create(f"{uri}/{FILE_NAME}", "text/plain") as f:
        f.write(report.model_dump_json(indent=1).encode())


def read_report(uri: str, kind: type[AnyReport]) -> AnyReport:
    """Reads the report of type ``kind`` that ``write_report`` left at ``uri``."""
    with FileSystems.open(f"{uri}/{FILE_NAME}") as f:
        return kind.model_validate_json(f.read())


class Quantiles(Document):
    """Quantiles of one quantity; its unit is part of the field's name that holds them."""

    p50: float
    p90: float
    p99: float


class IngestCounts(Document):
    """Each identity below is asserted by the job that counts.

    records_read = records_ok + records_dead_lettered
    rows = rows_written + rows_duplicate + rows_outside_window + rows_rejected
    labels_read = labels_joined + labels_late + labels_orphan + labels_repeated
                  + labels_outside_window
    """

    records_read: int
    records_ok: int
    records_dead_lettered: int
    rows: int
    rows_written: int
    rows_duplicate: int
    rows_outside_window: int
    rows_rejected: int
    labels_read: int
    labels_joined: int
    labels_late: int
    labels_orphan: int
    labels_repeated: int
    labels_outside_window: int


class FileCounts(Document):
    file: str
    records_read: int
    records_dead_lettered: int


class IngestReport(Report):
    format: str
    window_start: datetime
    window_end: datetime
    counts: IngestCounts
    files: list[FileCounts]
    dead_letter_reasons: dict[str, int]
    requests_per_minute: float
    latency_ms: Quantiles | None
    statuses: dict[str, int]
    model_versions: dict[str, int]
    label_delay_hours: Quantiles | None


class FieldTreatment(Document):
    """What the policy did to one field of one split."""

    field: str
    split: str
    method: str
    values: int
    key_version: int | None = None


class ScanFinding(Document):
    """Identifiers of one kind that no rule had declared, found in one field."""

    field: str
    split: str
    kind: str
    values: int
    action: Literal["redacted", "failed"]


class PrivacyReport(Report):
    rows_read: int
    rows_written: int
    fields: list[FieldTreatment]
    findings: list[ScanFinding]
    key_version: int | None
    input_purged: bool


class Distribution(Document):
    """Shares of rows per bin, in the same bins for both sides; each side sums to 1."""

    bins: list[str]
    baseline: list[float]
    current: list[float]


class Comparison(Document):
    """One feature on one slice, compared with one earlier population."""

    feature: str
    slice: str
    against: Literal["training", "previous"]
    split: str
    distance: str
    value: float | None
    threshold: float | None
    threshold_origin: str
    false_alarm_rate: float | None
    n_baseline: int
    n_current: int
    verdict: Literal["ok", "drift", "not_enough_data"]
    distribution: Distribution | None = None


class SchemaAnomaly(Document):
    """A departure from the schema: missing or new feature, new value, wrong type, domain."""

    feature: str
    slice: str
    split: str
    kind: str
    description: str
    severity: Literal["warning", "error"]


class DriftReport(Report):
    """``severity``: none, watch (drift on few features or slices) or act.

    ``not_compared`` says in a sentence each what could not be compared and why
    (no previous span, no training statistics): never taken for "no drift".
    """

    drift: bool
    severity: Literal["none", "watch", "act"]
    drifted_features: list[str]
    comparisons: list[Comparison]
    anomalies: list[SchemaAnomaly]
    not_compared: list[str]
    recommendation: str


class SliceMetric(Document):
    """``lower`` and ``upper`` bound the 95 % interval; None where there is none."""

    model: str
    slice: str
    metric: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int


class MetricChange(Document):
    """``model`` minus ``against`` on the same rows; the interval is a paired one, but of AUC a
    wider one that takes the two models as independent."""

    model: str
    against: str
    slice: str
    metric: str
    difference: float | None
    lower: float | None = None
    upper: float | None = None
    n: int


class SliceReport(Report):
    """``models``: the evaluated models' names; logged predictions are ``logged``.

    Slices under the minimum size are listed in ``small_slices`` with their rows and have
    no metrics. ``n`` is always the number of labelled rows. ``dropped`` counts by reason the rows
    read that could not be evaluated, beside the ``rows`` that were.
    """

    models: list[str]
    primary_metric: str
    larger_is_better: bool
    rows: int
    dropped: dict[str, int] = {}
    metrics: list[SliceMetric]
    changes: list[MetricChange]
    small_slices: dict[str, int]
