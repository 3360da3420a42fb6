"""What holds of every decision, whatever the evidence and the policy."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.components.retrain_gate.conclude import conclude
from tfx_vigil.components.retrain_gate.decision import concluded, unknown

from .evidence import drift, ingest, metric, slices
from .gate_evidence import days_ago, decide, good, past

RANK = ["none", "watch", "hold", "retrain", "retrain_urgently", "call_human"]
SEVERITY = st.sampled_from(["none", "watch", "act"])
FLAT = {
    "drift": {"severity": "act"},
    "metric_drop": {"margin": 0.05},
    "promise": {"spans": 2},
    "new_labelled_rows": 9000,
    "max_age_days": 200,
    "metric_bounds": [{"metric": "binary_crossentropy", "max": 0.7}],
    "other_versions": {"max_share": 0.2},
}
TERMS = [{key: value} for key, value in FLAT.items()]
POLICIES = st.fixed_dictionaries(
    {
        "triggers": st.fixed_dictionaries(
            {
                "combined": st.lists(
                    st.one_of(
                        st.builds(lambda terms: {"any": terms}, some := st.lists(
                            st.sampled_from(TERMS), min_size=1, max_size=3
                        )),
                        st.builds(lambda terms: {"all": terms}, some),
                        st.builds(lambda terms: {"n_of": 1, "of": terms}, some),
                    ),
                    max_size=2,
                )
            },
            optional={key: st.just(value) for key, value in FLAT.items()},
        ),
        "guards": st.fixed_dictionaries(
            {},
            optional={
                "cool_down_days": st.just(30),
                "max_retrainings_per_month": st.just(1),
                "human_approval": st.booleans(),
                "min_labelled_rows": st.sampled_from([1, 10**6]),
            },
        ),
    }
)  # fmt: skip
EVIDENCE = st.fixed_dictionaries(
    {
        "loss": st.floats(0.3, 0.9),
        "severity": SEVERITY,
        "dead": st.sampled_from([0, 40, 900]),
        "errors": st.integers(0, 2),
        "other": st.integers(0, 100),
        "age": st.integers(1, 400),
        "pushed": st.sampled_from([None, 1, 5]),
    }
)


def reports_of(e, **changes):
    logs = ingest(dead=e["dead"]).model_copy(
        update={"model_versions": {"7": 100 - e["other"], "8": e["other"]}}
    )
    found = drift(e["severity"], errors=e["errors"])
    return good(**{"ingest": logs, "drift": found, "slices": slices(e["loss"]), **changes})


def past_of(e):
    pushed = days_ago(e["age"])
    return past(
        in_service_since=pushed,
        last_push=pushed if e["pushed"] else None,
        retrainings=(pushed,) if e["pushed"] else (),
        spans_since_push=e["pushed"],
        versions=("7",),
    )


@given(policy=POLICIES, evidence=EVIDENCE)
def test_the_same_evidence_and_policy_give_the_same_bytes(policy, evidence):
    first, second = (decide(policy, reports_of(evidence), past_of(evidence)) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()


@given(
    policy=POLICIES,
    evidence=EVIDENCE,
    loss=st.floats(0, 0.5),
    severity=SEVERITY,
    other=st.integers(0, 50),
)
def test_worse_evidence_never_leads_to_less(policy, evidence, loss, severity, other):
    order = ["none", "watch", "act"]
    worse = evidence | {
        "loss": evidence["loss"] + loss,
        "severity": max(evidence["severity"], severity, key=order.index),
        "other": min(100, evidence["other"] + other),
    }
    before = past_of(evidence)
    better, poorer = (decide(policy, reports_of(e), before) for e in (evidence, worse))
    assert RANK.index(poorer.action) >= RANK.index(better.action)


@given(policy=POLICIES, evidence=EVIDENCE)
def test_broken_data_never_trains(policy, evidence):
    broken = evidence | {"errors": 1}
    assert not decide(policy, reports_of(broken), past_of(broken), on_demand=True).retrain


@given(
    policy=POLICIES,
    evidence=EVIDENCE,
    missing=st.sampled_from(["ingest", "drift", "slices", "reference", "in_service_since"]),
)
def test_what_is_missing_is_named_and_never_counts_as_good(policy, evidence, missing):
    reports, before = reports_of(evidence), past_of(evidence)
    if missing in vars(reports):
        decision = decide(policy, replace(reports, **{missing: None}), before, on_demand=True)
        assert not decision.retrain
        assert any(rule.outcome is None for rule in decision.rules)
    else:
        decision = decide(policy, reports, replace(before, **{missing: None}))
        blind = [rule for rule in decision.rules if rule.outcome is None]
        assert decision.action != "none" or not blind
        assert all("cannot tell" in rule.reason for rule in blind)


@given(policy=POLICIES, evidence=EVIDENCE, data=st.data())
def test_the_order_of_rules_and_of_evidence_decides_nothing(policy, evidence, data):
    more = [metric(0.4, name="brier"), metric(0.9, slice_="a=b")]
    found = reports_of(evidence, slices=slices(evidence["loss"], others=more))
    shuffled = found.slices.model_copy(
        update={"metrics": data.draw(st.permutations(found.slices.metrics))}
    )
    combined = data.draw(st.permutations(policy["triggers"]["combined"]))
    other = policy | {"triggers": policy["triggers"] | {"combined": combined}}
    before = past_of(evidence)
    first = decide(policy, found, before)
    second = decide(other, replace(found, slices=shuffled), before)
    assert first.action == second.action
    assert sorted(first.reasons) == sorted(second.reasons)


RULES = st.lists(
    st.tuples(st.sampled_from(RANK[1:2] + RANK[3:]), st.sampled_from([True, False, None])),
    max_size=5,
)


@given(wanted=RULES, allowed=st.lists(st.sampled_from([True, False, None]), max_size=3))
def test_the_most_that_is_asked_for_is_done_or_a_person_hears_of_it(wanted, allowed):
    outcomes = [_outcome("trigger", outcome, then) for then, outcome in wanted]
    guards = [_outcome("guard", outcome) for outcome in allowed]
    action = conclude(outcomes, guards)
    asked = {then for then, outcome in wanted if outcome}
    if all(allowed):
        unknown_ = ["watch"] if any(outcome is None for _, outcome in wanted) else []
        assert action == max([*asked, *unknown_, "none"], key=RANK.index)
    else:
        assert action not in ("retrain", "retrain_urgently")
        if "retrain_urgently" in asked:
            assert action == "call_human"


def _outcome(kind, outcome, then=None):
    if outcome is None:
        return unknown(kind, "x", "", "nothing").model_copy(update={"then": then})
    return concluded(kind, "x", {}, "", outcome, "", then=then)
