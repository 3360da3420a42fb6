"""Reports as the jobs write them, with the numbers that a decision is to depend on."""

from datetime import datetime, timezone

from tfx.types import Artifact
from tfx_vigil.beam_jobs.reports import (
    Comparison,
    DriftReport,
    IngestCounts,
    IngestReport,
    MetricChange,
    PrivacyReport,
    Quantiles,
    Report,
    SchemaAnomaly,
    ServingCheck,
    ServingReport,
    SliceMetric,
    SliceReport,
    write_report,
)

NOW = datetime(2014, 7, 1, tzinfo=timezone.utc)
SPAN = "2014-01-01"
LOSS = "binary_crossentropy"


def ingest(dead=0, read=1000):
    counts = dict.fromkeys(IngestCounts.model_fields, 0)
    counts |= {"records_read": read, "records_dead_lettered": dead, "records_ok": read - dead}
    return IngestReport(
        format="kserve",
        window_start=NOW,
        window_end=NOW,
        counts=counts,
        files=[],
        dead_letter_reasons={},
        requests_per_minute=1.0,
        latency_ms=None,
        statuses={},
        model_versions={},
        label_delay_hours=None,
    )


def drift(severity="none", errors=0, not_compared=(), compared=True):
    comparison = Comparison(
        feature="fare",
        slice="overall",
        against="training",
        split="serving",
        distance="jensen_shannon_divergence",
        value=0.1,
        threshold=0.02,
        threshold_origin="practical floor",
        p_value=0.0,
        n_baseline=1000,
        n_current=1000,
        verdict="drift" if severity != "none" else "ok",
    )
    error = SchemaAnomaly(
        feature="fare",
        slice="overall",
        split="serving",
        kind="FEATURE_TYPE_NOT_PRESENT",
        description="the feature is missing",
        severity="error",
    )
    return DriftReport(
        drift=severity != "none",
        severity=severity,
        drifted_features=["fare"] if severity != "none" else [],
        comparisons=[comparison] if compared else [],
        anomalies=[error] * errors,
        not_compared=list(not_compared),
        recommendation="look at fare",
    )


def metric(value, half_width=0.01, name=LOSS, model="logged", slice_="overall", n=2000):
    return SliceMetric(
        model=model,
        slice=slice_,
        metric=name,
        value=value,
        lower=value - half_width,
        upper=value + half_width,
        n=n,
    )


def slices(value=0.55, rows=2000, larger_is_better=False, others=(), changes=(), model="logged"):
    return SliceReport(
        models=[model],
        primary_metric=LOSS,
        larger_is_better=larger_is_better,
        rows=rows,
        metrics=[metric(value, model=model), *others],
        changes=list(changes),
        small_slices={},
    )


def change(difference, half_width=0.01, slice_="overall", n=800):
    return MetricChange(
        model="candidate",
        against="in_service",
        slice=slice_,
        metric=LOSS,
        difference=difference,
        lower=difference - half_width,
        upper=difference + half_width,
        n=n,
    )


def candidate(value, *changes, rows=800, larger_is_better=False):
    return slices(
        value, rows=rows, changes=changes, model="candidate", larger_is_better=larger_is_better
    )


def serving_check(model="fine_tuned", **changes):
    known = {
        "requests": 200,
        "size_bytes": 2_000_000,
        "latency_ms": Quantiles(p50=2.0, p90=3.0, p99=5.0),
        "finite": True,
        "inputs": {"examples": "string", "fare": "float32"},
        "outputs": {"score": "float32 [1]"},
    }
    return ServingCheck(**{"model": model, **known, **changes})


def serving(**changes):
    """``changes``: of the fine-tuned candidate; the model in service is as it would be without."""
    return ServingReport(
        models=[
            serving_check("in_service"),
            serving_check("from_scratch"),
            serving_check(**changes),
        ]
    )


def privacy():
    return PrivacyReport(
        rows_read=1000, rows_written=1000, fields=[], findings=[], key_version=1, input_purged=True
    )


def holding(artifact: Artifact, uri: object, report: Report) -> Artifact:
    """``artifact`` at ``uri``, with ``report`` in it."""
    artifact.uri = str(uri)
    write_report(artifact.uri, report)
    return artifact
