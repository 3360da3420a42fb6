import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx_vigil.beam_jobs.drift_statistics.job import codes_of
from tfx_vigil.beam_jobs.reports import DriftReport
from tfx_vigil.components.drift_validator.config import DriftConfig

from .drift_statistics import compare, statistics_of, stock_statistics

SLICES = [["payment_type"], ["payment_type", "hour"]]
CONFIG = DriftConfig()
SLICED = DriftConfig(slices=SLICES)
# What StatisticsGen writes for a split without examples.
EMPTY = statistics_pb2.DatasetFeatureStatisticsList(
    datasets=[statistics_pb2.DatasetFeatureStatistics(name="All Examples")]
)


def trips(n: int, seed: int, **changed) -> dict:
    rng = np.random.default_rng(seed)
    columns = {
        "payment_type": rng.choice(["Cash", "Credit_Card", "No_Charge"], n, p=[0.5, 0.45, 0.05]),
        "hour": rng.integers(0, 3, n),
        "fare": rng.lognormal(2, 1.5, n),
        "miles": rng.standard_cauchy(n),
        "tolls": np.where(rng.random(n) < 0.9, 0, rng.exponential(size=n)),
        "company": rng.choice([f"company {i}" for i in range(40)], n),
        "log_request_id": np.array([f"{seed}-{i}" for i in range(n)]),
    }
    return columns | {
        name: change(columns, rng) if callable(change) else change
        for name, change in changed.items()
    }


@pytest.fixture(scope="module")
def training():
    return statistics_of(trips(20_000, 1), SLICES)


def against(training, columns, config=CONFIG, **more):
    arguments = {"references": {}, "schema": None, **more}
    current = {"serving": statistics_of(columns, config.slices)}
    return compare(current=current, training=training, config=config, **arguments)


def drifted(report: DriftReport) -> set[tuple[str, str]]:
    return {(c.feature, c.slice) for c in report.comparisons if c.verdict == "drift"}


@pytest.mark.parametrize("n", [200, 2_000, 20_000])
def test_no_drift_raises_no_alarm_on_any_slice_at_any_size(training, n):
    report = against(training, trips(n, n), SLICED).report
    assert not report.drift
    assert report.severity == "none"
    assert report.drifted_features == []
    made = [c for c in report.comparisons if c.verdict == "ok"]
    assert report.recommendation == (
        f"No action: none of {len(made)} comparisons exceeded its threshold."
    )
    assert len({c.slice for c in made}) == {200: 3, 2_000: 10, 20_000: 13}[n]


@pytest.mark.parametrize("n", [100, 1_000])
def test_of_many_reports_on_undrifted_data_next_to_none_is_alarmed(training, n):
    """At alpha 0.01, four or more of 40 would be less than a one-in-a-thousand accident."""
    alarmed = sum(against(training, trips(n, seed)).report.drift for seed in range(100, 140))
    assert alarmed < 4


def test_a_shift_of_half_a_standard_deviation_is_found_among_heavy_tails(training):
    def shifted(columns, rng):
        return np.exp(np.log(columns["fare"]) + 0.5 * 1.5)

    report = against(training, trips(5_000, 3, fare=shifted)).report
    assert report.drifted_features == ["fare"]
    assert report.severity == "watch"
    worst = report.comparisons[0]
    assert (worst.feature, worst.distance) == ("fare", "jensen_shannon_divergence")
    assert worst.value > worst.threshold
    assert worst.p_value < 1e-6
    assert worst.n_baseline > worst.n_current > 0
    assert report.recommendation.endswith("Watch the next span.")
    assert [finding.feature for finding in report.findings] == ["fare"]


def test_drift_of_one_slice_only_is_found_there_and_not_on_the_whole(training):
    def shifted(columns, rng):
        few = columns["payment_type"] == "No_Charge"
        return np.where(few, columns["fare"] * 3, columns["fare"])

    report = against(training, trips(6_000, 4, fare=shifted), SLICED).report
    found = drifted(report)
    assert ("fare", "payment_type=No_Charge") in found
    assert all("No_Charge" in name for _, name in found)
    assert report.severity == "watch"
    assert "where payment_type=No_Charge" in report.findings[0].sentence


def test_a_category_that_grows_and_values_that_go_missing_are_found(training):
    def grown(columns, rng):
        return rng.choice(["Cash", "Credit_Card", "No_Charge"], 5_000, p=[0.4, 0.4, 0.2])

    def missing(columns, rng):
        return pa.array(columns["tolls"], mask=rng.random(5_000) < 0.2)

    report = against(training, trips(5_000, 5, payment_type=grown, tolls=missing)).report
    found = {(c.feature, c.distance) for c in report.comparisons if c.verdict == "drift"}
    assert found == {
        ("payment_type", "infinity_norm"),
        ("payment_type", "jensen_shannon_divergence"),
        ("tolls", "missing_rate_difference"),
    }
    tolls = next(c for c in report.comparisons if c.distance == "missing_rate_difference")
    assert tolls.distribution.bins == ["missing", "present"]
    assert tolls.distribution.current == pytest.approx([0.2, 0.8], abs=0.02)


def test_every_overall_comparison_shows_its_distribution_and_slices_only_drift(training):
    report = against(training, trips(5_000, 6), SLICED).report
    overall = [c for c in report.comparisons if c.slice == "overall"]
    for comparison in overall:
        assert sum(comparison.distribution.baseline) == pytest.approx(1)
        assert sum(comparison.distribution.current) == pytest.approx(1)
    company = next(c for c in overall if c.feature == "company")
    assert len(company.distribution.bins) == 21
    assert all(c.distribution is None for c in report.comparisons if c.slice != "overall")


def test_bookkeeping_and_a_slices_own_features_are_not_compared(training):
    report = against(training, trips(2_000, 7), SLICED).report
    assert not any(c.feature.startswith("log_") for c in report.comparisons)
    own = [c for c in report.comparisons if c.slice == "payment_type=Cash, hour=0"]
    assert {c.feature for c in own} == {"fare", "miles", "tolls", "company"}


def test_small_slices_have_no_verdict(training):
    report = against(training, trips(300, 8), SLICED.model_copy(update={"min_rows": 60})).report
    few = [c for c in report.comparisons if c.slice == "payment_type=No_Charge"]
    assert {c.verdict for c in few} == {"not_enough_data"}
    assert {(c.value, c.threshold, c.p_value) for c in few} == {(None, None, None)}
    assert few[0].threshold_origin == "fewer than 60 rows with a value"
    assert few[0].n_current < 60 < few[0].n_baseline


def test_a_first_run_says_that_nothing_was_compared_and_never_that_nothing_drifted():
    report = against(None, trips(500, 9)).report
    assert not report.drift
    assert report.comparisons == []
    assert "No training statistics: nothing was compared with training." in report.not_compared
    assert "No statistics of earlier spans: nothing was compared with one." in report.not_compared
    assert report.recommendation.startswith("Nothing could be compared, so drift is unknown")


def test_the_previous_span_is_compared_by_split_and_features_where_they_live(training):
    """The label is only in ``labelled``; a feature in both is compared on ``serving``."""
    rng = np.random.default_rng(10)

    def labelled(rate):
        return trips(2_000, 11) | {"label": (rng.random(2_000) < rate).astype(np.float32)}

    def span(rate):
        serving = trips(3_000, 12) | {"prediction": rng.beta(2, 2, 3_000).astype(np.float32)}
        return {"serving": statistics_of(serving), "labelled": statistics_of(labelled(rate))}

    config = DriftConfig()
    report = compare(span(0.6), training, {"1": span(0.3)}, None, config).report
    splits = {(c.feature, c.against): c.split for c in report.comparisons}
    assert splits["label", "previous"] == "labelled"
    assert splits["prediction", "previous"] == "serving"
    assert splits["fare", "previous"] == splits["fare", "training"] == "serving"
    assert drifted(report) == {("label", "overall")}
    assert report.severity == "act"
    assert "Not in the training statistics: prediction." in report.not_compared
    assert not report.anomalies


def test_names_of_the_training_data_are_translated():
    tips = {"tips": (np.random.default_rng(0).random(1_000) < 0.2).astype(np.float32)}
    label = {"label": (np.random.default_rng(1).random(1_000) < 0.6).astype(np.float32)}
    config = DriftConfig(training_names={"label": "tips"})
    report = against(statistics_of(tips), label, config).report
    assert drifted(report) == {("label", "overall")}
    assert not report.anomalies


def test_slices_that_only_one_side_has_are_named(training):
    unsliced = statistics_of(trips(5_000, 13))
    report = against(unsliced, trips(2_000, 14), SLICED).report
    assert {c.slice for c in report.comparisons} == {"overall"}
    assert any(
        line.startswith("12 slices (payment_type=")
        and line.endswith("not in the training statistics, or with fewer than 10 rows.")
        for line in report.not_compared
    )
    report = against(training, trips(2_000, 15) | {"payment_type": np.full(2_000, "Cash")}, SLICED)
    gone = "8 slices (payment_type="
    assert any(line.startswith(gone) for line in report.report.not_compared)


def test_slices_that_were_not_configured_are_named(training):
    stock = stock_statistics(trips(20_000, 1), SLICES)
    report = compare({"serving": stock}, stock, {}, None, DriftConfig(slices=[["hour"]])).report
    assert any(
        line.startswith("12 slices (hour_0_payment_type_Cash; ")
        and line.endswith("not configured in slices.")
        for line in report.not_compared
    )


def test_missing_and_new_features_changed_types_and_new_values_against_a_schema(training):
    schema = tfdv.infer_schema(training)
    columns = trips(2_000, 16)
    columns["surge"] = columns.pop("miles")
    columns["fare"] = np.array(["a", "b"] * 1_000)
    columns["payment_type"] = np.where(np.arange(2_000) < 20, "Prcard", columns["payment_type"])
    columns["prediction"] = columns["tolls"]
    findings = against(training, columns, schema=schema)
    found = {(a.feature, a.kind): a.severity for a in findings.report.anomalies}
    assert found == {
        ("miles", "missing_feature"): "error",
        ("fare", "wrong_type"): "error",
        ("surge", "new_feature"): "warning",
        ("payment_type", "new_value"): "warning",
    }
    assert findings.report.severity == "act"
    broken = [f.feature for f in findings.report.findings if f.kind == "broken"]
    assert broken == ["fare", "miles"]
    assert any(
        line.startswith("fare: numeric in the training") for line in findings.report.not_compared
    )
    assert set(findings.anomalies["overall", "serving"].anomaly_info) >= {"miles", "fare", "surge"}


def test_a_label_that_has_not_arrived_yet_is_no_anomaly(training):
    schema = tfdv.infer_schema(training)
    schema.feature.add(name="label", type=schema_pb2.FLOAT).presence.min_count = 1
    current = {"serving": statistics_of(trips(500, 17)), "labelled": EMPTY}
    report = compare(current, None, {}, schema, DriftConfig()).report
    assert report.anomalies == []
    assert "Split labelled holds no rows." in report.not_compared


def test_a_required_feature_that_only_rows_of_earlier_days_hold_is_missing(training):
    schema = tfdv.infer_schema(training)
    tfdv.get_feature(schema, "tolls").presence.min_fraction = 0
    schema.feature.add(name="label", type=schema_pb2.FLOAT).presence.min_fraction = 1
    labelled = trips(500, 17) | {"label": np.zeros(500, np.float32)}
    arrived = {k: v for k, v in trips(500, 18).items() if k not in ("miles", "tolls")}
    current = {"serving": statistics_of(arrived), "labelled": statistics_of(labelled)}
    report = compare(current, None, {}, schema, DriftConfig()).report
    (broken,) = report.anomalies
    assert (broken.feature, broken.split, broken.kind) == ("miles", "serving", "missing_feature")


def test_fixed_thresholds_replace_floor_and_noise(training):
    config = CONFIG.model_copy(
        update={
            "thresholds": {
                "*": {"infinity_norm": 0.5},
                "fare": {"jensen_shannon_divergence": 0.0},
            }
        }
    )
    report = against(training, trips(1_000, 18), config).report
    distances = ("infinity_norm", "jensen_shannon_divergence")
    overall = {c.feature: c for c in reversed(report.comparisons) if c.distance in distances}
    assert overall["fare"].verdict == "drift"
    assert overall["fare"].threshold_origin == "fixed in configuration"
    assert overall["company"].threshold == 0.5
    assert overall["miles"].threshold_origin != "fixed in configuration"


def test_integers_that_the_schema_calls_categories_are_compared_by_value():
    schema = schema_pb2.Schema()
    zone = schema.feature.add(name="zone", type=schema_pb2.INT)
    zone.int_domain.is_categorical = True
    codes = codes_of(schema)
    zones = (np.repeat(side, 500) for side in ([1, 2, 3, 4], [1, 2, 4, 4]))
    before, after = (statistics_of({"zone": side}, codes=codes) for side in zones)
    report = compare({"serving": after}, before, {}, schema, DriftConfig()).report
    comparison = next(c for c in report.comparisons if c.distance == "infinity_norm")
    assert comparison.value == pytest.approx(0.25)


def test_anomalies_of_slices_hold_what_tfdv_measured(training):
    findings = against(training, trips(2_000, 19, fare=lambda c, _: c["fare"] * 30), SLICED)
    of_slice = findings.anomalies["payment_type=Cash", "serving"]
    reasons = {reason.type for reason in of_slice.anomaly_info["fare"].reason}
    assert anomalies_pb2.AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH in reasons
    values = {
        info.path.step[0]: info.skew_measurements[0].value for info in of_slice.drift_skew_info
    }
    for comparison in findings.report.comparisons:
        if comparison.slice == "payment_type=Cash" and comparison.distance.startswith("jensen"):
            assert values[comparison.feature] == comparison.value


def test_the_report_survives_json_and_the_same_evidence_gives_the_same_report(training):
    columns = trips(1_000, 20)
    report = against(training, columns).report
    assert DriftReport.model_validate_json(report.model_dump_json()) == report
    assert against(training, columns).report == report


@pytest.mark.parametrize("statistics", [statistics_of, stock_statistics])
def test_stock_statistics_that_list_only_frequent_values_are_compared(statistics):
    def words(top, seed):
        rng = np.random.default_rng(seed)
        rare = rng.integers(0, 3_000, 20_000).astype(str)
        return {"word": np.where(rng.random(20_000) < top, "top", rare)}

    before = stock_statistics(words(0.3, 1))
    for top, verdicts in ((0.3, {"ok"}), (0.4, {"drift"})):
        report = compare({"serving": statistics(words(top, 2))}, before, {}, None, CONFIG).report
        assert {c.verdict for c in report.comparisons} == verdicts


def test_a_span_without_traffic_is_not_taken_for_one_without_drift(training):
    report = compare({"serving": EMPTY}, training, {"1": {"serving": EMPTY}}, None, CONFIG).report
    assert "Split serving holds no rows." in report.not_compared
    assert report.recommendation.startswith("Nothing could be compared")
