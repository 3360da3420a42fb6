"""How bad a finding is, by the table in the module, and never less for worse evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.severity import SEVERITIES, severity_of, worst

from .drift_comparisons import finding

CONFIG = DriftConfig(act_spans=2)


@pytest.mark.parametrize(
    ("rule", "once", "twice"),
    [
        ({"kind": "broken"}, "act", "act"),
        ({"seasonal": "weekday"}, "watch", "watch"),
        ({"feature": "prediction", "times_threshold": 2.0, "seasonal": "month"}, "watch", "watch"),
        ({"feature": "prediction", "times_threshold": 2.0}, "act", "act"),
        ({"feature": "label", "times_threshold": 2.0}, "act", "act"),
        ({"feature": "*", "kind": "errors_rose", "times_threshold": 2.0}, "act", "act"),
        ({"feature": "*", "kind": "errors_fell", "times_threshold": 9.0}, "watch", "watch"),
        ({"feature": "prediction", "times_threshold": 1.9}, "watch", "act"),
        ({"feature": "prediction", "times_threshold": 9.0, "slices": ["a=1"]}, "watch", "act"),
        ({"feature": "fare", "times_threshold": 50.0}, "watch", "act"),
        ({"feature": "fare and miles", "kind": "correlation_changed"}, "watch", "act"),
        ({"feature": "*", "kind": "rows_separable"}, "watch", "act"),
        ({"feature": "fare", "slices": ["a=1", "a=2"]}, "watch", "watch"),
        ({"feature": "*", "kind": "fewer_rows", "times_threshold": 9.0}, "watch", "watch"),
    ],
)
def test_each_rule_of_the_table(rule, once, twice):
    assert severity_of(finding(**rule), CONFIG) == once
    assert severity_of(finding(spans=2, **rule), CONFIG) == twice


def test_how_many_spans_in_a_row_act_is_configured():
    patient = DriftConfig(act_spans=3)
    assert [severity_of(finding(spans=n), patient) for n in (1, 2, 3)] == ["watch", "watch", "act"]


FINDINGS = st.builds(
    finding,
    feature=st.sampled_from(["fare", "prediction", "label", "*"]),
    kind=st.sampled_from(["values_rose", "more_missing", "errors_rose", "more_rows", "broken"]),
    slices=st.sampled_from([["overall"], ["a=1"], ["overall", "a=1"]]),
    times_threshold=st.floats(1, 100),
    spans=st.integers(1, 5),
    seasonal=st.sampled_from([None, "weekday", "month"]),
)
WORSE = st.fixed_dictionaries(
    {},
    optional={
        "spans": st.integers(0, 5),
        "times_threshold": st.floats(0, 100),
        "slices": st.just(True),
        "seasonal": st.none(),
    },
)


@given(FINDINGS, WORSE)
def test_worse_evidence_never_lowers_the_severity(found, by):
    worse = {"slices": [*found.slices, "overall"]} if "slices" in by else {}
    worse |= {k: getattr(found, k) + by[k] for k in ("spans", "times_threshold") if k in by}
    worse |= {"seasonal": None} if "seasonal" in by else {}
    before, after = (
        SEVERITIES.index(severity_of(f, CONFIG)) for f in (found, found.model_copy(update=worse))
    )
    assert after >= before >= 1


@given(st.lists(st.sampled_from(SEVERITIES)), st.sampled_from(SEVERITIES))
def test_another_finding_never_lowers_the_reports_severity(severities, one_more):
    before, after = worst(severities), worst([*severities, one_more])
    assert SEVERITIES.index(after) >= SEVERITIES.index(before)
    assert worst([]) == "none"
