"""The JSON documents in which the jobs hand on what they measured, to parts and to people."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeVar

from apache_beam.io.filesystems import FileSystems
from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
)

FILE_NAME = "report.json"
LOGGED, CANDIDATE, IN_SERVICE, FIRST = "logged", "candidate", "in_service", "first"
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

    ``labels_corrected`` replaced another label; ``labels_contradictory`` disagree with one of the
    same row and arrival. Both are among the labels above.
    """

    records_read: int = 0
    records_ok: int = 0
    records_dead_lettered: int = 0
    rows: int = 0
    rows_written: int = 0
    rows_duplicate: int = 0
    rows_outside_window: int = 0
    rows_rejected: int = 0
    labels_read: int = 0
    labels_joined: int = 0
    labels_late: int = 0
    labels_orphan: int = 0
    labels_repeated: int = 0
    labels_outside_window: int = 0
    labels_corrected: int = 0
    labels_contradictory: int = 0


class FileCounts(IngestCounts):
    """A file's share of the counts; each identity holds for it too. Zeros are not written."""

    file: str

    @model_serializer(mode="wrap")
    def _without_zeros(self, serialize: SerializerFunctionWrapHandler) -> dict:
        return {name: value for name, value in serialize(self).items() if value}


class VersionTraffic(Document):
    """Requests of the window that one model version answered, and their rows; ``statuses`` counts
    requests."""

    model_version: str
    requests: int
    requests_per_minute: float
    rows: int
    statuses: dict[str, int]
    latency_ms: Quantiles | None


class FileClock(Document):
    """What is odd about the times of one file's records, see ``log_clock``."""

    file: str
    ahead: int
    largest_lead_seconds: float
    jumps_back: int
    largest_jump_back_seconds: float


class RedFlag(Document):
    """What somebody should look at. subject: the feature, model version, status or file; None
    where it is the window as a whole."""

    kind: Literal[
        "feature_stopped", "new_model_version", "traffic", "error_rate", "clock_jump", "duplicates"
    ]
    subject: str | None
    found: str
    recommendation: str


class IngestReport(Report):
    """``unfinished_records``: not read, since their file ends within them and was still being
    written to when the window had ended. ``rows_by_quarter``: rows in each quarter of the window,
    by event time; ``feature_rows``: for each feature those of them that have a value. ``clocks``:
    files with odd times only."""

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
    unfinished_records: int = 0
    traffic: list[VersionTraffic] = []
    rows_by_quarter: list[int] = []
    feature_rows: dict[str, list[int]] = {}
    clocks: list[FileClock] = []
    red_flags: list[RedFlag] = []


def without_files(report: IngestReport) -> IngestReport:
    """What red flags compare a window with: of many files a report is far smaller so."""
    return report.model_copy(update={"files": []})


class FieldTreatment(Document):
    """What the policy did to one field of one split, and by which rule."""

    field: str
    split: str
    method: str
    values: int
    key_version: int | None = None
    role: str | None = None
    rule: str = "field"


class OverruledRules(Document):
    """A field that rules with other methods match too, but ``applied`` comes first."""

    field: str
    applied: str
    overruled: list[str]


class ScanFinding(Document):
    """Identifiers of one kind that no rule had declared, found in one field.

    ``left_out``: a field whose name holds the identifier, and which is named here without it.
    """

    field: str
    split: str
    kind: str
    values: int
    action: Literal["redacted", "pseudonymized", "left_out", "failed"]


class ClassSizes(Document):
    """Equivalence classes of so many rows; ``at_most`` None: any more."""

    at_least: int
    at_most: int | None
    classes: int
    rows: int


class SmallClass(Document):
    """``values``: what its rows share; None where they are so few that this is not told."""

    rows: int
    values: str | None = None


class FieldDiversity(Document):
    """``smallest``: l, the fewest distinct values of the field in any class that has one."""

    field: str
    smallest: int
    classes_with_one_value: int


class FieldShare(Document):
    field: str
    share: float


class SplitRisk(Document):
    """Classes of rows that agree in all ``quasi_identifiers``, after treatment.

    ``k``: rows of the smallest class. ``unique``, ``under_5``, ``under_floor``: shares of the
    rows that are in classes of 1, of fewer than 5 and of fewer than ``floor`` rows.
    ``smallest``: the smallest classes, below and from the floor. ``unique_without``: ``unique``
    if that field were no quasi-identifier.
    """

    split: str
    quasi_identifiers: list[str]
    rows: int
    classes: int
    k: int
    unique: float
    under_5: float
    under_floor: float
    floor: int
    sizes: list[ClassSizes]
    smallest: list[SmallClass]
    diversity: list[FieldDiversity]
    unique_without: list[FieldShare]


class PrivacyReport(Report):
    """rows_read = rows_written + rows_restricted + rows_erased, also of each split.

    ``rows_restricted``: of people whose rows are kept aside; treated, but in no split.
    ``rows_erased``: of people who are erased; dropped. ``fields`` and ``findings`` count what was
    written and what was kept aside. ``idle_rules``: rules of the policy that are about no field
    of the data. ``risk``: of each split; empty where the policy names no quasi-identifier that the
    data hold.
    """

    rows_read: int
    rows_written: int
    rows_restricted: int = 0
    rows_erased: int = 0
    fields: list[FieldTreatment]
    findings: list[ScanFinding]
    key_version: int | None
    input_purged: bool
    overruled: list[OverruledRules] = []
    idle_rules: list[str] = []
    risk: list[SplitRisk] = []


class Distribution(Document):
    """Shares of rows per bin, in the same bins for both sides; each side sums to 1.

    ``ordered``: the bins are intervals of numbers, ascending; NaN, where there is any, last.
    """

    bins: list[str]
    baseline: list[float]
    current: list[float]
    ordered: bool = False


class Detail(Document):
    """What a detector knows beside its statistic.

    Attributes:
      before, after: what changed, in its own unit: a correlation, a mean error.
      since: the time of a change point.
      importance: by feature, how much the classifier that tells the rows apart loses without it.
    """

    before: float | None = None
    after: float | None = None
    since: datetime | None = None
    importance: dict[str, float] = {}


class Comparison(Document):
    """One aspect of one feature on one slice, compared with one earlier population.

    ``feature``: ``*`` for the rows as a whole and for the stream of errors; of a correlation the
    two features with `` and `` between them.
    """

    feature: str
    aspect: str = "value"
    slice: str
    against: Literal["training", "previous", "reference"]
    split: str
    distance: str
    value: float | None
    threshold: float | None
    threshold_origin: str
    p_value: float | None
    n_baseline: int
    n_current: int
    verdict: Literal["ok", "drift", "not_enough_data"]
    distribution: Distribution | None = None
    detail: Detail | None = None


class SchemaAnomaly(Document):
    """A departure from the schema: missing or new feature, new value, wrong type, domain."""

    feature: str
    slice: str
    split: str
    kind: str
    description: str
    severity: Literal["warning", "error"]


Severity = Literal["none", "watch", "act"]

DriftKind = Literal[
    "broken",
    "values_rose",
    "values_fell",
    "spread_grew",
    "spread_shrank",
    "distribution_changed",
    "category_grew",
    "category_shrank",
    "new_values",
    "more_missing",
    "fewer_missing",
    "more_rows",
    "fewer_rows",
    "correlation_changed",
    "rows_separable",
    "errors_rose",
    "errors_fell",
]


class DriftFinding(Document):
    """One change of one feature, whatever it was compared with, and why.

    Attributes:
      feature: ``*``: the rows as a whole, or the stream of errors.
      aspect: of the feature, as in its comparisons.
      kind: what changed; ``broken`` is an error of the schema check.
      slices: where, the whole first; a change that the whole has may be absent from slices.
      against: the earlier populations it differs from.
      times_threshold: the largest value of its comparisons, as a multiple of the threshold.
      spans: in how many spans in a row it is found, this one included.
      since: the first of these spans, or the time of a change point.
      seasonal: compared with earlier spans of the same season there is no such change.
      explains_prediction: the share of the change of the mean prediction that the feature
        explains, negative where it works against it; its standard error is
        ``explains_prediction_error``.
      separates: how much a classifier that tells the rows from the earlier ones loses without
        the feature.
      cause: a sentence; None where the data tell none.
    """

    feature: str
    aspect: str = "value"
    kind: DriftKind
    slices: list[str]
    against: list[str]
    severity: Severity
    times_threshold: float | None = None
    spans: int = 1
    since: str | None = None
    seasonal: Literal["weekday", "month"] | None = None
    explains_prediction: float | None = None
    explains_prediction_error: float | None = None
    separates: float | None = None
    cause: str | None = None
    sentence: str
    action: str


class Contribution(Document):
    """What the change of one input's distribution adds to the mean prediction.

    ``error``: standard error of ``change``."""

    feature: str
    change: float
    error: float


class PredictionChange(Document):
    """The change of the mean prediction, taken apart.

    ``contributions`` and ``unexplained`` add up to ``current`` minus ``baseline``;
    ``unexplained`` is what inputs alone do not tell: another model, an input that is not logged,
    interactions. ``predicted``: the category whose share is meant, of a prediction that is one.
    """

    against: str
    baseline: float
    current: float
    error: float
    n_baseline: int
    n_current: int
    predicted: str | None = None
    contributions: list[Contribution]
    unexplained: float
    unexplained_error: float


class ErrorPoint(Document):
    """The mean error of ``n`` predictions in a row, ``time`` being the middle one's; ``lower`` and
    ``upper`` bound its 95 % interval."""

    time: datetime
    mean: float
    lower: float
    upper: float
    n: int


class DriftReport(Report):
    """``severity``: the findings' largest; see ``drift_validator.severity``.

    ``findings`` come worst first. ``errors``: of the reference spans and this one, in order of
    time. ``not_compared`` says in a sentence each what could not be
    compared and why (no previous span, no training statistics): never taken for "no drift".
    Slices and values of too few rows are named nowhere.
    """

    drift: bool
    severity: Severity
    drifted_features: list[str]
    findings: list[DriftFinding] = []
    prediction_change: PredictionChange | None = None
    errors: list[ErrorPoint] = []
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
    """``model`` minus ``against`` on the same rows, with a paired interval."""

    model: str
    against: str
    slice: str
    metric: str
    difference: float | None
    lower: float | None = None
    upper: float | None = None
    n: int


class SliceDifference(Document):
    """The metric on ``slice`` minus that on ``against``, and of rates the former divided by the
    latter (``ratio``); ``n``: rows of the smaller of both."""

    model: str
    slice: str
    against: str
    metric: str
    difference: float | None
    lower: float | None = None
    upper: float | None = None
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None
    n: int


class ThresholdCheck(Document):
    """A metric, or its change from the model in service (``is_change``), held against a threshold.

    It is met where the whole interval lies within ``at_least`` and ``at_most``, not met where none
    of it does. ``slice`` may be a pair ("a vs b"), whose difference is checked. ``rows_needed``:
    with how many rows there would be enough data, if the value stays what it is. ``n``: None where
    a slice is too small to be counted.
    """

    model: str
    is_change: bool
    slice: str
    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    at_least: float | None
    at_most: float | None
    n: int | None
    rows_needed: int | None
    outcome: Literal["met", "not_met", "not_enough_data"]
    reason: str


class SliceFinding(Document):
    """A slice that nobody asked for, on which the mean loss is higher than in the other rows.

    ``lower`` and ``upper`` bound ``difference`` (``value`` minus ``elsewhere``) simultaneously
    over all findings. ``p_value`` is the slice's own, significant among all candidates.
    ``excess``: the share of all rows' loss that would be gone if the slice were like the others.
    ``same``: candidates that say nothing more, and how many more of them are left out.
    """

    slice: str
    features: list[str]
    n: int
    share: float
    value: float
    elsewhere: float
    difference: float
    lower: float
    upper: float
    p_value: float
    excess: float
    same: list[str] = []
    same_left_out: int = 0


class SlicesFound(Document):
    """A search for slices on which ``model`` is worse, by the mean of ``loss``.

    ``rows_searched``: a random sample where fewer than ``rows``; findings count its rows.
    ``candidates``: slices tried, or that count as tried since their pair of features was left
    out. ``not_searched``: features with the reason why.
    """

    model: str
    loss: str
    rows: int
    rows_searched: int
    alpha: float
    minimum_effect: float
    candidates: int = 0
    pairs: int = 0
    pairs_left_out: int = 0
    not_searched: dict[str, str] = {}
    findings: list[SliceFinding] = []


class MetricEstimate(Document):
    """``lower`` and ``upper`` bound the band in which the value that the labels will show lies in
    95 % of cases; ``n`` rows have no label yet."""

    slice: str
    metric: str
    value: float
    lower: float
    upper: float
    n: int


class EstimateCheck(Document):
    """The same estimate of the newer half of the labelled rows, learned from the older half, beside
    the ``real`` value."""

    metric: str
    value: float
    lower: float
    upper: float
    real: float
    n: int


class MaturedEstimate(EstimateCheck):
    """What ``span`` was estimated to be, beside what the labels show that have come since.

    ``n`` of the ``estimated_rows`` have their label now; ``held``: the band and the 95 % interval
    of the real value have a value in common.
    """

    span: str
    real_lower: float
    real_upper: float
    estimated_rows: int
    held: bool


class Estimates(Document):
    """How good ``model`` probably is on rows whose labels have not come: estimates, not measures.

    They are learned from ``labelled`` rows; of a regression (``direct_loss``) both kinds of rows
    are random samples where there are many, and ``n`` counts those of the sample. ``doubts`` say
    why not to believe them, ``notes`` what else is known of their assumptions.
    ``slices_left_out``: how many are too small, or beyond the 1,000 largest.
    """

    model: str
    method: Literal["confidence_based", "direct_loss"]
    rows: int
    labelled: int
    metrics: list[MetricEstimate] = []
    slices_left_out: int = 0
    checks: list[EstimateCheck] = []
    doubts: list[str] = []
    notes: list[str] = []


class SliceReport(Report):
    """``models``: the evaluated models' names; logged predictions are ``logged``.

    Slices under the minimum size are listed in ``small_slices`` with their rows and have
    no metrics; those under the floor are ``unnamed_slices``, a number only. ``n`` is always the
    number of labelled rows. ``model_decided``: of ``rows``, those whose outcome the model's own
    action decided. ``dropped`` counts by reason the rows read that could not be
    evaluated, beside the ``rows`` that were. ``found``: None where no slices were searched;
    ``estimates``: None where none were asked for; ``matured``: those of earlier spans whose labels
    are among ``rows``. ``since_push``: the whole's metrics of the logged predictions of requests
    that came after the newest push, as labels come later than requests; None where all did.
    Of a ranking ``n`` and the sizes of slices count queries; ``queries_without_relevance`` of
    them have no relevant row and are not among them.
    ``grouped_by``: the column by which rows belong together, so that intervals take groups for
    independent; ``simultaneous``: intervals of slices hold together. ``by_tfma``: classes of
    metrics that TFMA itself computed, without intervals. ``valid``: whether all ``thresholds`` are
    met; None where there are none.
    """

    models: list[str]
    primary_metric: str
    larger_is_better: bool
    rows: int
    model_decided: int = 0
    dropped: dict[str, int] = {}
    metrics: list[SliceMetric]
    changes: list[MetricChange]
    between_slices: list[SliceDifference] = []
    queries_without_relevance: int | None = None
    grouped_by: str | None = None
    simultaneous: bool = False
    by_tfma: list[str] = []
    thresholds: list[ThresholdCheck] = []
    valid: bool | None = None
    small_slices: dict[str, int]
    unnamed_slices: int = 0
    found: SlicesFound | None = None
    estimates: Estimates | None = None
    matured: list[MaturedEstimate] = []
    since_push: list[SliceMetric] | None = None


class ServingCheck(Document):
    """How a SavedModel served ``requests`` real requests.

    ``problem``: why it could not; nothing else is known then. ``latency_ms``: of single requests.
    ``inputs``, ``outputs``: names and types; of a model that parses tf.Examples the features that
    it parses too.
    """

    model: str
    problem: str | None = None
    requests: int = 0
    size_bytes: int | None = None
    latency_ms: Quantiles | None = None
    finite: bool | None = None
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}


class ServingReport(Report):
    models: list[ServingCheck]

    def of(self, model: str) -> ServingCheck | None:
        return next((check for check in self.models if check.model == model), None)
