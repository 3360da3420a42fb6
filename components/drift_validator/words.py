"""Findings in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...beam_jobs.reports import Comparison, Distribution
from ...beam_jobs.slices import OVERALL
from .changes import Change, rise

AGAINST = {
    "training": "the training data",
    "previous": "the previous span",
    "reference": "the reference spans",
}
_ASPECTS = {
    "value": "{}",
    "length": "the number of values of {}",
    "text_length": "the length of {}",
    "token": "the words of {}",
    "norm": "the size of {}",
    "projection": "the direction of {}",
}
_NAMED = 3


def percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def listed(names: Sequence[str], named: int = _NAMED) -> str:
    """
    >>> listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 more')
    """
    if len(names) > named:
        return f"{', '.join(names[:named])} and {len(names) - named} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def sentence(
    found: Comparison, aspect: str, change: Change, slices: Sequence[str], spans: int, since: str
) -> str:
    """What changed, where, and for how long; ``found`` is the comparison that shows it best."""
    subject = _ASPECTS.get(aspect, "{}").format(found.feature)
    said = _said(found, change, AGAINST[found.against])
    subject = "" if change.kind in _OF_ROWS else f"{subject} "
    where = "" if OVERALL in slices else f", where {listed(slices)}"
    lasting = f"; so in {spans} spans in a row, since {since}" if spans > 1 else ""
    text = f"{subject}{said}{where}{lasting}."
    return text if change.kind not in _OF_ROWS else text[0].upper() + text[1:]


_OF_ROWS = ("rows_separable", "errors_rose", "errors_fell", "more_rows", "fewer_rows")


def _said(c: Comparison, change: Change, other: str) -> str:
    kind, detail, shares = change.kind, c.detail, c.distribution
    told = detail is not None and detail.before is not None and detail.after is not None
    amounts = f" from {_number(detail.before)} to {_number(detail.after)}" if told else ""
    if kind in ("errors_rose", "errors_fell"):
        verb = "rose" if kind == "errors_rose" else "fell"
        when = f" at {detail.since:%Y-%m-%d %H:%M}" if detail and detail.since else ""
        return f"errors {verb}{amounts}{when}"
    if kind == "correlation_changed":
        return f"are correlated otherwise than in {other}:{amounts or ' see its comparison'}"
    if kind == "rows_separable":
        by = sorted(detail.importance, key=detail.importance.get, reverse=True) if detail else []
        most = f", most by {listed(by)}" if by else ""
        return f"a classifier tells the rows from those of {other}{most}"
    if kind in ("more_rows", "fewer_rows"):
        return f"{c.n_current:,} rows, {c.n_baseline:,} in {other}"
    if kind == "new_values":
        return f"has values that {other} never had, in {percent(c.value)} of the rows"
    if kind in ("more_missing", "fewer_missing"):
        return (
            f"is missing in {percent(shares.current[0])} of the rows, "
            f"in {percent(shares.baseline[0])} of {other}'s"
        )
    if kind in ("values_rose", "values_fell"):
        larger = kind == "values_rose"
        odds = 0.5 + abs(rise(shares))
        return (
            f"{'rose' if larger else 'fell'}: in {percent(odds)} of pairs with a row of {other}, "
            f"the row now has the {'larger' if larger else 'smaller'} value (50 % if nothing "
            "changed)"
        )
    if kind in ("spread_grew", "spread_shrank"):
        return f"{'spreads wider' if kind == 'spread_grew' else 'is narrower'} than in {other}"
    if shares is None:
        return (
            f"differs from {other} ({c.distance.replace('_', ' ')} {_number(c.value)}, "
            f"threshold {_number(c.threshold)})"
        )
    place = _place(shares, change.category)
    before, now = percent(shares.baseline[place]), percent(shares.current[place])
    verb = {"category_grew": "grew", "category_shrank": "shrank"}.get(kind, "went")
    named = shares.bins[place]
    return f"changed: {named} {verb} from {before} of the rows of {other} to {now}"


def _place(shares: Distribution, category: str | None) -> int:
    if category is not None:
        return shares.bins.index(category)
    return int(np.argmax(np.abs(np.array(shares.current) - np.array(shares.baseline))))


def _number(value: float) -> str:
    return f"{value:.3g}"
