"""One finding for each change, with its reason and what to do."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.reports import (
    Contribution,
    Detail,
    PredictionChange,
    SchemaAnomaly,
)
from tfx_vigil.components.drift_validator.changes import Change
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.evidence import Evidence
from tfx_vigil.components.drift_validator.findings import findings
from tfx_vigil.components.drift_validator.model_versions import NewVersion
from tfx_vigil.components.drift_validator.persistence import lasting
from tfx_vigil.components.drift_validator.severity import SEVERITIES
from tfx_vigil.components.drift_validator.verdict import drift_report

from .drift_comparisons import FALLEN, RISEN, comparison, missing, payment

CONFIG = DriftConfig(slices=[["payment"]])
CHANGE = PredictionChange(
    against="previous",
    baseline=0.30,
    current=0.40,
    error=0.01,
    n_baseline=10_000,
    n_current=2_000,
    contributions=[
        Contribution(feature="fare", change=0.06, error=0.005),
        Contribution(feature="hour", change=-0.02, error=0.005),
        Contribution(feature="weather", change=0.0001, error=0.005),
    ],
    unexplained=0.06,
    unexplained_error=0.01,
)
VERSION = NewVersion("7", 0.0, 0.43, datetime(2014, 6, 3, 12, tzinfo=timezone.utc))


def found(*comparisons, anomalies=(), config=CONFIG, **evidence):
    return findings(comparisons, anomalies, config, Evidence(**evidence))


def anomaly(feature="fare", severity="error", kind="missing_feature"):
    return SchemaAnomaly(
        feature=feature,
        slice="overall",
        split="serving",
        kind=kind,
        description="Column is completely missing.",
        severity=severity,
    )


def prediction(**more):
    return comparison("prediction", **{"distribution": RISEN, "against": "previous"} | more)


ERRORS = comparison(
    "*",
    distance="change_point",
    against="reference",
    detail=Detail(before=0.31, after=0.452, since=datetime(2014, 6, 3, 7, tzinfo=timezone.utc)),
)
PAID = {"distance": "infinity_norm", "distribution": payment(0.5, 0.3)}


@pytest.mark.parametrize(
    ("drifted", "sentence"),
    [
        (
            comparison("fare", distribution=RISEN),
            "fare rose: in 62.5 % of pairs with a row of the training data, the row now has the "
            "larger value (50 % if nothing changed).",
        ),
        (
            comparison("pay", slice="hour=7", against="previous", **PAID),
            "pay changed: Cash shrank from 50 % of the rows of the previous span to 30 %, "
            "where hour=7.",
        ),
        (
            comparison("fare", distance="missing_rate_difference", distribution=missing(0.01, 0.2)),
            "fare is missing in 20 % of the rows, in 1 % of the training data's.",
        ),
        (
            comparison("pay", 0.031, 0.01, distance="new_values"),
            "pay has values that the training data never had, in 3.1 % of the rows.",
        ),
        (
            comparison("tags", aspect="length", distance="spread", distribution=RISEN),
            "the number of values of tags is narrower than in the training data.",
        ),
        (
            comparison("fare", distance="jensen_shannon_divergence"),
            "fare differs from the training data (jensen shannon divergence 0.2, threshold 0.05).",
        ),
        (
            comparison(
                "fare and miles", distance="rank_correlation", detail=Detail(before=0.6, after=-0.1)
            ),
            "fare and miles are correlated otherwise than in the training data: from 0.6 to -0.1.",
        ),
        (
            comparison(
                "*", distance="domain_classifier", detail=Detail(importance={"a": 0.1, "b": 0.2})
            ),
            "A classifier tells the rows from those of the training data, most by b and a.",
        ),
        (
            comparison("*", distance="number_of_examples", against="previous"),
            "2,000 rows, 10,000 in the previous span.",
        ),
        (ERRORS, "Errors rose from 0.31 to 0.452 at 2014-06-03 07:00."),
    ],
)  # fmt: skip
def test_what_changed_is_said_in_a_sentence(drifted, sentence):
    assert [f.sentence for f in found(drifted)] == [sentence]


def test_a_change_is_one_finding_wherever_and_against_whatever_it_is_found():
    (fare,) = found(
        comparison("fare", slice="payment=Cash", distribution=RISEN),
        comparison("fare", distribution=RISEN, against="previous"),
        comparison("fare", 0.3, distribution=RISEN),
        comparison("fare", 0.06, distance="spread", distribution=RISEN),
        comparison("fare", 0.01, slice="payment=Card"),
    )
    assert fare.kind == "values_rose"
    assert fare.slices == ["overall", "payment=Cash"]
    assert fare.against == ["training", "previous"]
    assert fare.times_threshold == pytest.approx(6)
    assert (fare.spans, fare.since, fare.severity) == (1, None, "watch")
    assert fare.action == "Watch the next span."


def test_the_same_change_in_the_spans_before_is_counted_and_acts():
    fare = comparison("fare", distribution=RISEN)
    (subject,) = lasting([fare])
    earlier = [(name, {subject: {Change("values_rose")}}) for name in ("2014-06-07", "2014-06-06")]
    (told,) = found(fare, earlier=[*earlier, ("2014-06-05", {})])
    assert (told.spans, told.since, told.severity) == (3, "2014-06-06", "act")
    assert "; so in 3 spans in a row, since 2014-06-06." in told.sentence
    assert told.action == "Look for the cause upstream, and retrain if the change is real."


def test_a_slice_that_lasts_does_not_make_the_whole_last():
    cash = comparison("fare", slice="payment=Cash", distribution=RISEN)
    earlier = [("2014-06-07", lasting([cash]))]
    (told,) = found(cash, comparison("fare", distribution=RISEN), earlier=earlier)
    assert (told.spans, told.severity) == (1, "watch")


def test_a_broken_schema_comes_first_and_says_it_once():
    gone = comparison("fare", distance="missing_rate_difference", distribution=missing(0, 1))
    first, second = found(gone, prediction(), anomalies=[anomaly(), anomaly(severity="warning")])
    assert (first.feature, first.kind, first.severity) == ("fare", "broken", "act")
    assert first.sentence == "fare breaks the schema: missing feature."
    assert first.cause == "The schema check says: Column is completely missing."
    assert first.action == "Repair fare upstream first; do not train on this span."
    assert second.feature == "prediction"


def test_inputs_are_ranked_by_what_they_explain_of_the_prediction():
    told = found(
        comparison("hour", 0.9, distribution=RISEN),
        comparison("fare", 0.1, distribution=RISEN),
        prediction(value=0.06),
        comparison("*", distance="domain_classifier", detail=Detail(importance={"hour": 0.2})),
        prediction_change=CHANGE,
    )
    assert [f.feature for f in told] == ["fare", "hour", "*", "prediction"]
    assert told[0].explains_prediction == pytest.approx(0.6)
    assert told[0].explains_prediction_error == pytest.approx(0.078, abs=0.001)
    assert told[1].explains_prediction == pytest.approx(-0.2)
    assert told[1].separates == 0.2
    assert told[3].cause == (
        "Of the rise of its mean by 0.1, fare explains 60 % (± 15.6 %) "
        "and the inputs leave 60 % unexplained."
    )


@pytest.mark.parametrize(
    ("drifted", "more", "cause", "action"),
    [
        pytest.param(
            [prediction()],
            {"new_version": VERSION, "prediction_change": CHANGE},
            "Model version 7 answers 43 % of the rows since 2014-06-03 12:00, 0 % before.",
            "Compare model version 7 with the one before; roll back if it is worse.",
            id="a new model version",
        ),
        pytest.param(
            [comparison("fare", distribution=RISEN, against="reference")],
            {"seasons": {"weekday": [comparison("fare", 0.05, 0.1, against="reference")]}},
            "The season: against spans of the same weekday there is no such change.",
            "Nothing now; let the training data cover such spans.",
            id="a sunday",
        ),
        pytest.param(
            [comparison("fare", distance="missing_rate_difference", distribution=missing(0, 1))],
            {},
            "Its source stopped sending it.",
            "Watch the next span.",
            id="a field that stopped",
        ),
        pytest.param(
            [
                comparison("fare", slice="payment=Cash", distribution=RISEN),
                comparison("fare", 0.01, slice="payment=Card"),
                comparison("fare", 0.03, slice="payment=Voucher"),
                comparison("fare", 0.1, 0.5, slice="payment=Dispute"),
            ],
            {},
            "Only rows where payment=Cash changed; 2 other slices by payment did not.",
            "Watch the next span.",
            id="one slice",
        ),
        pytest.param(
            [
                comparison("fare", slice="payment=Cash", distribution=RISEN),
                comparison("fare", 0.1, 0.5, slice="payment=Dispute"),
            ],
            {},
            None,
            "Watch the next span.",
            id="other slices have too few rows to tell",
        ),
        pytest.param(
            [ERRORS],
            {},
            "No input drifted on all rows: what inputs say about the label may have changed.",
            "Retrain on the rows since 2014-06-03 07:00.",
            id="concept drift",
        ),
        pytest.param(
            [ERRORS, comparison("fare", distribution=RISEN)],
            {},
            "Inputs changed with it: fare.",
            "Retrain on the rows since 2014-06-03 07:00.",
            id="errors of other inputs",
        ),
        pytest.param(
            [comparison("*", distance="number_of_examples")],
            {},
            None,
            "Check that the log is complete, and what sends the traffic.",
            id="traffic",
        ),
    ],
)
def test_cause_and_action(drifted, more, cause, action):
    first = found(*drifted, **more)[0]
    assert (first.cause, first.action) == (cause, action)


def test_the_report_says_the_worst_finding_and_how_many_more():
    report = drift_report([prediction(), comparison("fare", distribution=FALLEN)], [], [], CONFIG)
    assert report.severity == "act"
    assert report.recommendation.startswith("prediction rose: in 62.5 % of pairs")
    assert report.recommendation.endswith("if the change is real. 1 more finding.")


def test_no_drift_is_no_finding_and_unknown_is_not_called_none():
    calm = drift_report([comparison("fare", 0.01)], [anomaly(severity="warning")], [], CONFIG)
    assert (calm.severity, calm.findings) == ("none", [])
    assert calm.recommendation == "No action: none of 1 comparisons exceeded its threshold."
    blind = drift_report([], [], ["No baseline."], CONFIG)
    assert blind.recommendation.startswith("Nothing could be compared, so drift is unknown")


COMPARISONS = st.builds(
    comparison,
    feature=st.sampled_from(["fare", "prediction", "label"]),
    value=st.floats(0, 1),
    slice=st.sampled_from(["overall", "payment=Cash", "payment=Card"]),
    against=st.sampled_from(["training", "previous", "reference"]),
    distance=st.sampled_from(["location", "spread", "jensen_shannon_divergence"]),
    distribution=st.sampled_from([None, RISEN, FALLEN]),
)


@given(st.lists(COMPARISONS, max_size=6), COMPARISONS)
def test_one_more_drifted_comparison_never_lowers_the_severity(comparisons, one_more):
    before, after = (
        drift_report(all_, [], [], CONFIG).severity
        for all_ in (comparisons, [*comparisons, one_more])
    )
    assert SEVERITIES.index(after) >= SEVERITIES.index(before)


def _made(comparison):
    return comparison.feature, comparison.slice, comparison.against, comparison.distance


@given(st.lists(COMPARISONS, max_size=6, unique_by=_made))
def test_findings_do_not_depend_on_the_order_of_comparisons(comparisons):
    reports = [drift_report(c, [], [], CONFIG) for c in (comparisons, comparisons[::-1])]
    assert reports[0].findings == reports[1].findings
