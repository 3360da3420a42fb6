"""Guards on how often, when and with whose leave a model is retrained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from .conclude import APPROVAL
from .decision import RuleOutcome, concluded
from .evidence import Past, Reports
from .guard_policy import Freeze

VETO = "veto"
_MONTH = timedelta(days=30)
_outcome = partial(concluded, "guard")


def cool_down(least_days: float, past: Past) -> RuleOutcome:
    comparison = f">= {least_days:g} days since the last push"
    if past.last_push is None:
        return _outcome("cool_down", {}, comparison, True, "nothing was pushed yet")
    days = (past.now - past.last_push).total_seconds() / 86400
    return _outcome(
        "cool_down",
        {"days": days},
        comparison,
        days >= least_days,
        f"the last push was {days:.1f} days ago",
        value=days,
        threshold=least_days,
    )


def budget(most: int, past: Past) -> RuleOutcome:
    spent = sum(past.now - time < _MONTH for time in past.retrainings)
    return _outcome(
        "budget",
        {"retrainings": spent},
        f"retrainings within 30 days < {most}",
        spent < most,
        f"{spent} retrainings within 30 days, {most} are allowed",
        value=spent,
        threshold=most,
    )


def freeze(times: Sequence[Freeze], past: Past) -> RuleOutcome:
    frozen = [each for each in times if each.start <= past.now < each.end]
    until = max((each.end for each in frozen), default=None)
    return _outcome(
        "freeze",
        {"until": until and until.isoformat()},
        "not within a freeze",
        not frozen,
        f"nothing is retrained before {until:%Y-%m-%d %H:%M}" if frozen else "no freeze is on",
    )


def approval(span: str, reports: Reports, past: Past) -> RuleOutcome:
    ruling = past.ruling
    if ruling is None:
        found = f"nobody has approved yet: tfx-vigil gate --approve {span}"
    elif ruling.evidence != reports.fingerprints():
        found = f"{ruling.by} decided on other evidence: look again"
    else:
        found = f"{ruling.by} has {'approved' if ruling.approve else 'refused'}"
        found += f": {ruling.comment}" if ruling.comment else ""
    approved = bool(ruling) and ruling.approve and ruling.evidence == reports.fingerprints()
    return _outcome(APPROVAL, {}, "a person approves on this evidence", approved, found)


def veto(past: Past) -> RuleOutcome:
    """Where a person refused, also on other evidence."""
    by, comment = past.ruling.by, past.ruling.comment
    found = f"{by} has refused" + (f": {comment}" if comment else "")
    return _outcome(VETO, {}, "nobody refuses", False, found)
