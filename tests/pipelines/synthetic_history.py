"""A history of six spans of taxi trips, plausible and quick to write."""

from __future__ import annotations

import math
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tfx_vigil.beam_jobs import reports as documents
from tfx_vigil.beam_jobs.red_flags import red_flags
from tfx_vigil.components.drift_validator import verdict
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.evidence import Evidence
from tfx_vigil.components.drift_validator.persistence import lasting
from tfx_vigil.components.history import BaselineRecord, History, Push, SpanRecord
from tfx_vigil.components.retrain_gate.decide_push import decide_push
from tfx_vigil.components.retrain_gate.decide_retrain import decide_retrain
from tfx_vigil.components.retrain_gate.evidence import Reports, read_past
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy
from tfx_vigil.components.retrain_gate.push_evidence import PushEvidence

SPANS = [f"2014-{month:02d}" for month in range(1, 7)]
FEATURES = {
    "trip_miles": ["below 0.7", "0.7 to 1.3", "1.3 to 2.4", "2.4 to 5", "5 to 11", "above 11"],
    "fare": ["below 5", "5 to 7.5", "7.5 to 11", "11 to 20", "above 20"],
    "trip_seconds": ["below 300", "300 to 540", "540 to 900", "above 900"],
    "payment_type": ["Cash", "Credit Card", "No Charge", "Dispute", "Unknown"],
    "company": ["Taxi Affiliation Services", "Dispatch Taxi Affiliation", "all others"],
    "pickup_community_area": ["8", "32", "28", "76", "all others"],
    "trip_start_hour": ["0 to 6", "6 to 12", "12 to 18", "18 to 24"],
    "prediction": ["below 0.1", "0.1 to 0.3", "0.3 to 0.6", "above 0.6"],
}
SLICES = {
    "overall": 0.0,
    "payment_type=Cash": 0.03,
    "payment_type=Credit Card": -0.05,
    "company=Taxi Affiliation Services": 0.01,
    "trip_start_hour=7": -0.02,
    "pickup_community_area=76, payment_type=Credit Card": -0.08,
}
AUC = [0.861, 0.858, 0.834, 0.792, 0.851, 0.856]
FIRST_AUC = [0.861, 0.858, 0.834, 0.792, 0.788, 0.781]
POLICY = RetrainPolicy.model_validate({"push": {"min_rows": 200}})


OWN = "document.title='owned'"


def hostile(name: str) -> str:
    return f'</script><!--<script>{OWN}</script>{name}<img src=x onerror="{OWN}">"\'${{{OWN}}}'


def same(name: str) -> str:
    return name


def build_history(root: Path, name=same, spans=SPANS, last_unfinished: bool = False) -> str:
    """Writes a plausible history; ``name`` changes every text that comes out of a log."""
    history = History(str(root))
    history.write_baseline(BaselineRecord(model="/models/first", rows=9000))
    os.makedirs(root / "baseline", exist_ok=True)
    reference = slice_report(0, name, AUC[0], model="candidate")
    (root / "baseline" / "slices.json").write_text(reference.model_dump_json())
    ingested = []
    for i, span in enumerate(spans):
        start = start_of(i)
        end = (start + timedelta(days=32)).replace(day=1)
        ingested.append(ingest_report(i, name, start, end, ingested))
        found = Reports(
            ingest=ingested[-1],
            privacy=privacy_report(name),
            drift=drift_report(i, name),
            slices=slice_report(i, name, AUC[i]),
        )
        decision, plan = decide_retrain(POLICY, span, found, read_past(history, span, end))
        record = SpanRecord(
            span=span,
            window_start=start,
            window_end=end,
            revision="",
            complete=not decision.retrain,
            action=decision.action,
        )
        parts = {**vars(found), "decision": decision, "plan": plan}
        history.write_span(record, fill_with(parts))
        if decision.retrain and not (last_unfinished and span == spans[-1]):
            better = {"fine_tuned": 0.041, "from_scratch": 0.012 if i == 3 else -0.02}
            if i != 3:
                better["fine_tuned"] = 0.001
            candidates = {n: candidate_report(i, name, by) for n, by in better.items()}
            push = decide_push(POLICY.push, span, PushEvidence(candidates))
            pushed = push.chosen and Push(
                model=f"/models/{name('pushed').replace('/', '|')}/{1400000000 + i}",
                candidate=push.chosen,
                trained_on=plan.spans,
            )
            history.complete_span(
                span, pushed or None, push.action, fill_with({"push": push, **candidates})
            )
    return str(root)


def fill_with(parts: dict):
    def fill(folder: str) -> None:
        for name, report in parts.items():
            Path(folder, f"{name}.json").write_text(report.model_dump_json())

    return fill


def ingest_report(
    i: int, name, start: datetime, end: datetime, earlier: list[documents.IngestReport]
) -> documents.IngestReport:
    """In the fourth span a feature stops, in the fifth a model version is new, and the sixth has
    odd times."""
    read, dead, rows = 18200 + 700 * i, 14 + 9 * i, 18150 + 690 * i
    counts = documents.IngestCounts(
        records_read=read,
        records_ok=read - dead,
        records_dead_lettered=dead,
        rows=rows + 60,
        rows_written=rows,
        rows_duplicate=41,
        rows_outside_window=12,
        rows_rejected=7,
        labels_read=6150,
        labels_joined=6000,
        labels_late=90,
        labels_orphan=35,
        labels_repeated=20,
        labels_outside_window=5,
        labels_corrected=18,
        labels_contradictory=4,
    )
    files = file_counts(name(f"gs://taxi/logs/{start:%Y-%m}"), counts)
    minutes = (end - start) / timedelta(minutes=1)
    failed = {"429": 50 * i + 20, "503": 70}
    statuses = {"200": rows - sum(failed.values()), **failed}
    clock = documents.FileClock(
        file=files[0].file,
        ahead=5,
        largest_lead_seconds=720,
        jumps_back=1,
        largest_jump_back_seconds=3600,
    )
    report = documents.IngestReport(
        format="kserve",
        window_start=start,
        window_end=end,
        counts=counts,
        files=files,
        dead_letter_reasons={name("inputs[0].data: not a number"): dead + 7},
        requests_per_minute=rows / minutes,
        latency_ms=latency(i),
        statuses={name(status): n for status, n in statuses.items()},
        model_versions={name(v): n for v, n in version_rows(i, rows).items()},
        label_delay_hours=documents.Quantiles(p50=6.5, p90=30, p99=71.25),
        unfinished_records=2 if i == 5 else 0,
        traffic=[
            documents.VersionTraffic(
                model_version=name(version),
                requests=n,
                requests_per_minute=n / minutes,
                rows=n,
                statuses={name(status): k * n // rows for status, k in statuses.items()},
                latency_ms=latency(i if version == "2" else min(i, 3)),
            )
            for version, n in version_rows(i, rows).items()
        ],
        rows_by_quarter=quarters(rows),
        feature_rows={
            name(feature): [*quarters(rows)[:3], 0]
            if (i, feature) == (3, "payment_type")
            else quarters(rows)
            for feature in FEATURES
            if feature != "prediction"
        },
        clocks=[clock] if i == 5 else [],
    )
    return report.model_copy(update={"red_flags": red_flags(report, earlier)})


def file_counts(folder: str, counts: documents.IngestCounts) -> list[documents.FileCounts]:
    """A log without dead letters, one that has them all, and the labels."""
    dead = {"records_dead_lettered": counts.records_dead_lettered, "rows_rejected": 7}
    bad = {"records_ok": 900, "rows": 907, "rows_written": 900, **dead}
    bad["records_read"] = 900 + counts.records_dead_lettered
    rest = {field: n - bad.get(field, 0) for field, n in counts.model_dump().items()}
    labels = {field: rest.pop(field) for field in counts.model_fields if "labels" in field}
    return [
        documents.FileCounts(file=f"{folder}/{file}", **found)
        for file, found in (
            ("server-a.jsonl.gz", rest),
            ("server-b.jsonl.gz", bad),
            ("labels.csv", labels),
        )
    ]


def version_rows(i: int, rows: int) -> dict[str, int]:
    return {"1": rows} if i < 4 else {"1": 2100, "2": rows - 2100}


def quarters(rows: int) -> list[int]:
    return [rows // 4] * 3 + [rows - 3 * (rows // 4)]


def latency(i: int) -> documents.Quantiles:
    return documents.Quantiles(p50=11.2 + i, p90=24.8 + 2 * i, p99=61.0 + 9 * i)


def privacy_report(name) -> documents.PrivacyReport:
    fields = {"taxi_id": "tokenize", "pickup_address": "redact", "trip_start": "shift_dates"}
    roles = {"taxi_id": "subject_id", "trip_start": "quasi_identifier"}
    return documents.PrivacyReport(
        rows_read=24180,
        rows_written=24150,
        rows_restricted=18,
        rows_erased=12,
        fields=[
            documents.FieldTreatment(
                field=name(field),
                split=split,
                method=method,
                values=12070,
                key_version=3,
                role=roles.get(field),
                rule=name("pattern trip_*") if field == "trip_start" else "field",
            )
            for field, method in fields.items()
            for split in ("serving", "labelled")
        ],
        findings=[
            documents.ScanFinding(
                field=name("comment"),
                split="serving",
                kind="email_address",
                values=17,
                action="redacted",
            )
        ],
        key_version=3,
        input_purged=True,
        overruled=[
            documents.OverruledRules(
                field=name("taxi_id"), applied="field", overruled=[name("annotation PII")]
            )
        ],
        idle_rules=[name("pattern rider_*")],
        risk=[risk(split, name) for split in ("labelled", "serving")],
    )


def risk(split: str, name) -> documents.SplitRisk:
    return documents.SplitRisk(
        split=split,
        quasi_identifiers=[name("trip_start"), name("pickup_area")],
        rows=12070,
        classes=840,
        k=1,
        unique=0.0042,
        under_5=0.031,
        under_floor=0.087,
        floor=10,
        sizes=[documents.ClassSizes(at_least=1, at_most=None, classes=840, rows=12070)],
        smallest=[
            documents.SmallClass(rows=1),
            documents.SmallClass(rows=1),
            documents.SmallClass(rows=10, values=name("trip_start=2014-06-01, pickup_area=8")),
        ],
        diversity=[
            documents.FieldDiversity(
                field=name("payment_type"), smallest=1, classes_with_one_value=61
            )
        ],
        unique_without=[
            documents.FieldShare(field=name("trip_start"), share=0.0),
            documents.FieldShare(field=name("pickup_area"), share=0.0011),
        ],
    )


def drift_report(i: int, name) -> documents.DriftReport:
    """Riders move to cards in the third span, and more so in the fourth."""
    comparisons = []
    for against in ("training", "previous") if i else ("training",):
        for f, feature in enumerate(FEATURES):
            for slice_ in ("overall", "payment_type=Credit Card"):
                shift = 0.004 + 0.003 * ((f * 7 + i * 3) % 5)
                if feature in ("payment_type", "fare", "prediction"):
                    shift += {2: 0.03, 3: 0.09}.get(i, 0) * (0.6 if against == "previous" else 1)
                comparisons.append(comparison(feature, slice_, against, shift, name))
    comparisons += detected(i, name)
    anomaly = documents.SchemaAnomaly(
        feature=name("company"),
        slice=name("overall"),
        split="serving",
        kind="ENUM_TYPE_UNEXPECTED_STRING_VALUES",
        description=name("Examples contain values missing from the schema: Uber (<1%)."),
        severity="warning",
    )
    return verdict.drift_report(
        comparisons,
        [anomaly] if i in (2, 4) else [],
        [] if i else ["previous: there is no earlier span"],
        DriftConfig(prediction=name("prediction")),
        Evidence(
            earlier=[(SPANS[i - 1], lasting(comparisons))] if i in (2, 3) else [],
            prediction_change=prediction_change(i, name) if i else None,
            errors=errors(i),
        ),
    )


def detected(i: int, name) -> list[documents.Comparison]:
    """What classifier and change point say; the errors changed within the newest span."""
    row = comparison("fare", "overall", "previous", 0.01, name)
    importance = {name("payment_type"): 0.04, name("fare"): 0.03}
    classifier = {"distance": "domain_classifier", "value": 0.06 + 0.02 * i, "threshold": 0.09}
    point = {"distance": "change_point", "value": 0.4 * i, "threshold": 1.6}
    details = (
        documents.Detail(importance=importance),
        documents.Detail(before=0.21, after=0.26, since=start_of(i) + timedelta(days=9, hours=7)),
    )
    return [
        row.model_copy(
            update={
                "feature": "*",
                "against": "reference",
                "distribution": None,
                "detail": detail,
                "verdict": "drift" if facts["value"] > facts["threshold"] else "ok",
                **facts,
            }
        )
        for facts, detail in zip((classifier, point), details, strict=True)
    ]


def prediction_change(i: int, name) -> documents.PredictionChange:
    added = {"payment_type": 0.031, "fare": 0.012, "trip_miles": -0.004, "company": 0.0007}
    return documents.PredictionChange(
        against="previous",
        baseline=0.41,
        current=0.46,
        error=0.004,
        n_baseline=9000,
        n_current=9000,
        contributions=[
            documents.Contribution(feature=name(feature), change=change, error=0.0021)
            for feature, change in added.items()
        ],
        unexplained=0.05 - sum(added.values()),
        unexplained_error=0.003,
    )


def errors(i: int) -> list[documents.ErrorPoint]:
    """Three days each, of the span before and this one."""
    since = start_of(i) + timedelta(days=9)
    times = [start_of(i) + timedelta(days=3 * k - 30) for k in range(20)]
    means = [0.21 + 0.01 * math.sin(2.1 * k) + 0.05 * (t > since) for k, t in enumerate(times)]
    return [
        documents.ErrorPoint(time=time, mean=mean, lower=mean - 0.012, upper=mean + 0.012, n=600)
        for time, mean in zip(times, means, strict=True)
    ]


def start_of(i: int) -> datetime:
    return datetime(2014, 1 + i, 1, tzinfo=timezone.utc)


def comparison(feature: str, slice_: str, against: str, shift: float, name):
    bins = FEATURES[feature]
    weights = [math.exp(-0.4 * k) for k in range(len(bins))]
    moved = [w * (1 + 9 * shift * (-1) ** k) for k, w in enumerate(weights)]
    few = feature == "company" and slice_ != "overall"
    return documents.Comparison(
        feature=name(feature),
        slice=name(slice_) if slice_ != "overall" else slice_,
        against=against,
        split="serving",
        distance="jensen_shannon_divergence",
        value=None if few else shift,
        threshold=None if few else 0.02,
        threshold_origin="too few rows" if few else "practical floor",
        p_value=None if few else 0.0004,
        n_baseline=9000,
        n_current=18150,
        verdict="not_enough_data" if few else "drift" if shift > 0.02 else "ok",
        distribution=None
        if few
        else documents.Distribution(
            bins=[name(b) for b in bins],
            baseline=[w / sum(weights) for w in weights],
            current=[m / sum(moved) for m in moved],
        ),
    )


def slice_report(i: int, name, auc: float, model: str = "logged") -> documents.SliceReport:
    return documents.SliceReport(
        models=[model],
        primary_metric="auc",
        larger_is_better=True,
        rows=6000,
        metrics=[
            metric(model, name(s) if s != "overall" else s, measure, value, n)
            for s, better in SLICES.items()
            for n in [6000 if s == "overall" else 900]
            for measure, value in (
                ("auc", auc + better),
                ("brier", 0.4 - (auc + better) / 3),
                ("example_count", float(n)),
            )
        ],
        changes=[],
        small_slices={name("payment_type=Dispute"): 8},
        found=slices_found(model, name),
        estimates=estimates(model, name, auc),
        matured=matured(auc) if i else [],
    )


def estimates(model: str, name, auc: float) -> documents.Estimates:
    whole = {"metric": "auc", "value": auc - 0.01, "lower": auc - 0.03, "upper": auc + 0.01}
    return documents.Estimates(
        model=model,
        method="confidence_based",
        rows=20_220,
        labelled=6000,
        metrics=[
            documents.MetricEstimate(slice="overall", n=20_220, **whole),
            documents.MetricEstimate(slice="overall", n=20_220, **whole | {"metric": "brier"}),
            documents.MetricEstimate(slice=name("payment_type=Cash"), n=9000, **whole),
            documents.MetricEstimate(
                slice=name("payment_type=Cash"), n=9000, **whole | {"metric": "brier"}
            ),
        ],
        slices_left_out=3,
        checks=[documents.EstimateCheck(n=3000, real=auc + 0.02, **whole)],
        doubts=["Scores no longer mean what they meant"],
        notes=["0.1% of predictions lie outside those of the labelled rows"],
    )


def matured(auc: float) -> list[documents.MaturedEstimate]:
    found = documents.MaturedEstimate(
        span=SPANS[0],
        metric="auc",
        value=auc,
        lower=auc - 0.02,
        upper=auc + 0.02,
        real=auc - 0.05,
        real_lower=auc - 0.06,
        real_upper=auc - 0.04,
        n=700,
        estimated_rows=20_220,
        held=False,
    )
    kept = {"real": auc + 0.01, "real_upper": auc + 0.03, "held": True, "span": SPANS[1]}
    return [found, found.model_copy(update=kept)]


def slices_found(model: str, name) -> documents.SlicesFound:
    finding = documents.SliceFinding(
        slice=name("payment_type=Cash, 19 <= hour"),
        features=[name("payment_type"), name("hour")],
        n=420,
        share=0.07,
        value=0.61,
        elsewhere=0.41,
        difference=0.2,
        lower=0.12,
        upper=0.28,
        p_value=1e-7,
        excess=0.034,
        same=[name("19 <= hour")],
        same_left_out=2,
    )
    return documents.SlicesFound(
        model=model,
        loss="log_loss",
        rows=6000,
        rows_searched=6000,
        alpha=0.05,
        minimum_effect=0.2,
        candidates=1234,
        pairs=66,
        not_searched={name("rider"): "no value that enough rows share and enough do not"},
        findings=[finding],
    )


def metric(model: str, slice_: str, measure: str, value: float, n: int) -> documents.SliceMetric:
    half = 0.7 / math.sqrt(n)
    bounds = {} if measure == "example_count" else {"lower": value - half, "upper": value + half}
    return documents.SliceMetric(
        model=model, slice=slice_, metric=measure, value=value, n=n, **bounds
    )


def candidate_report(i: int, name, better: float) -> documents.SliceReport:
    models = {"candidate": AUC[i] + better, "in_service": AUC[i], "first": FIRST_AUC[i]}
    found = [slice_report(i, name, auc, model) for model, auc in models.items()]
    metrics = [m for report in found for m in report.metrics if m.metric != "example_count"]
    return found[0].model_copy(
        update={
            "models": list(models),
            "rows": 1800,
            "metrics": metrics,
            "changes": [
                documents.MetricChange(
                    model=m.model,
                    against="in_service",
                    slice=m.slice,
                    metric=m.metric,
                    difference=by if m.metric == "auc" else -by / 3,
                    lower=by - 0.009 if m.metric == "auc" else -by / 3 - 0.004,
                    upper=by + 0.009 if m.metric == "auc" else -by / 3 + 0.004,
                    n=m.n,
                )
                for m in metrics
                if m.model != "in_service"
                for by in [models[m.model] - AUC[i]]
            ],
        }
    )


FIRST_MODEL = {
    span: metric("first", "overall", "auc", value, 6000)
    for span, value in zip(SPANS, FIRST_AUC, strict=True)
}
