"""Evidence of a span on which all is well, to be changed by what a test is about."""

from datetime import timedelta

from tfx_vigil.components.retrain_gate.decide_retrain import decide_retrain
from tfx_vigil.components.retrain_gate.evidence import Past, Reports
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy

from .evidence import NOW, SPAN, drift, ingest, metric, slices


def days_ago(days):
    return NOW - timedelta(days=days)


def past(**changes):
    known = {
        "now": NOW,
        "reference": metric(0.5, model="candidate"),
        "labelled_rows": (("baseline", 3000),),
        "in_service_since": days_ago(100),
    }
    return Past(**{**known, **changes})


def good(**changes):
    return Reports(**{"ingest": ingest(), "drift": drift(), "slices": slices(0.5), **changes})


def decide(policy=None, reports=None, before=None, on_demand=False):
    policy = RetrainPolicy.model_validate(policy or {})
    return decide_retrain(policy, SPAN, reports or good(), before or past(), on_demand)[0]


def rule(decision, name):
    return next(r for r in decision.rules if r.rule.startswith(name))
