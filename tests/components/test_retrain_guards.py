"""Each guard of the policy by a table; the older ones are in test_retrain_decisions."""

import pytest
from tfx_vigil.components.history import Ruling

from .evidence import NOW, SPAN, metric, slices
from .gate_evidence import days_ago, decide, good, past, rule

BLUE = metric(0.5, slice_="company=Blue", n=400)
FREEZE = {"freeze": [{"start": "2014-06-20", "end": "2014-07-05"}]}
OVER = {"freeze": [{"start": "2014-06-20", "end": "2014-07-01"}]}


def labelled(decided=0):
    return good(
        slices=slices(0.5, others=[BLUE]).model_copy(
            update={"model_decided": decided, "small_slices": {"company=Red": 9}}
        )
    )


def said(approve, evidence=None):
    return Ruling(
        span=SPAN,
        approve=approve,
        by="Ada",
        time=NOW,
        evidence=good().fingerprints() if evidence is None else evidence,
    )


@pytest.mark.parametrize(
    ("guards", "reports", "before", "action"),
    [
        ({"min_slice_rows": {"company=Blue": 280}}, labelled(), past(), "retrain"),
        ({"min_slice_rows": {"company=Blue": 281}}, labelled(), past(), "hold"),
        ({"min_slice_rows": {"company=Red": 7}}, labelled(), past(), "hold"),
        ({"min_slice_rows": {"company=Green": 1}}, labelled(), past(), "hold"),
        ({"min_slice_rows": {"company=Blue": 1}}, good(slices=None), past(), "hold"),
        ({"max_model_decided_share": 0.5}, labelled(1000), past(), "retrain"),
        ({"max_model_decided_share": 0.5}, labelled(1001), past(), "hold"),
        ({"max_model_decided_share": 0.5}, good(slices=None), past(), "hold"),
        ({"max_retrainings_per_month": 2}, good(), past(retrainings=(days_ago(3),)), "retrain"),
        (
            {"max_retrainings_per_month": 2},
            good(),
            past(retrainings=(days_ago(3), days_ago(29))),
            "hold",
        ),
        (
            {"max_retrainings_per_month": 2},
            good(),
            past(retrainings=(days_ago(3), days_ago(30))),
            "retrain",
        ),
        (FREEZE, good(), past(), "hold"),
        (OVER, good(), past(), "retrain"),
        ({"human_approval": True}, good(), past(), "call_human"),
        ({"human_approval": True}, good(), past(ruling=said(True)), "retrain"),
        ({"human_approval": True}, good(), past(ruling=said(True, {})), "call_human"),
        ({"human_approval": True}, good(), past(ruling=said(False)), "hold"),
        ({}, good(), past(ruling=said(False, {})), "hold"),
    ],
)
def test_what_a_guard_forbids(guards, reports, before, action):
    decision = decide({"guards": guards}, reports, before, on_demand=True)
    assert decision.action == action
    assert decision.retrain is (action == "retrain")


def test_rows_whose_outcome_the_model_decided_teach_nothing():
    reports, before = labelled(1500), past(labelled_rows=())
    assert rule(decide({}, reports, before), "enough_labels").value == 350
    assert decide({}, reports, before, on_demand=True).action == "hold"


RECENT = {"spans_since_push": 1, "last_push": days_ago(1), "retrainings": (days_ago(1),)}


@pytest.mark.parametrize(
    ("guards", "action"),
    [
        ({"cool_down_days": 30, "max_retrainings_per_month": 1}, "retrain_urgently"),
        ({"cool_down_days": 30, "yield_to_urgent": []}, "call_human"),
        (FREEZE, "call_human"),
        (FREEZE | {"yield_to_urgent": ["freeze"]}, "retrain_urgently"),
        ({"min_labelled_rows": 100_000}, "call_human"),
    ],
)
def test_what_is_urgent_waits_for_no_cool_down_but_learns_from_no_bad_data(guards, action):
    reports = good(slices=slices(0.6))
    assert decide({"guards": guards}, reports, past(**RECENT)).action == action


@pytest.mark.parametrize("guard", [{"cool_down_days": 30}, {"max_retrainings_per_month": 1}])
def test_what_is_not_urgent_waits(guard):
    decision = decide({"guards": guard}, good(), past(**RECENT), on_demand=True)
    assert decision.action == "hold"
