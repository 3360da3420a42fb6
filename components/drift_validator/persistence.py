"""In how many spans in a row a finding is found.

Only comparisons with a baseline that stays count, training and the window of references: a
difference from the span before is a step, and taken alone the way back from one bad span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from ...beam_jobs.reports import Comparison
from ..spans import utc
from .changes import Change, Subject, change_of, subject_of

Judge = Callable[[str, Sequence[str]], Sequence[Comparison]]
"""Comparisons of a reference span, by name, with training and with the references before it."""

_GAP = 1.5
Changed = dict[Subject, set[Change]]


def in_a_row(span: str | None, references: Sequence[str]) -> list[str]:
    """The references that follow one upon the other up to ``span``, the newest first.

    >>> in_a_row("2014-06-08", ["2014-06-01", "2014-06-06", "2014-06-07"])
    ['2014-06-07', '2014-06-06']
    """
    times = [_time(name) for name in (*references, span)]
    if None in times:
        return list(reversed(references))
    steps = [after - before for before, after in pairwise(times)]
    found = []
    for name, step in zip(reversed(references), reversed(steps), strict=True):
        if step > _GAP * min(steps):
            break
        found.append(name)
    return found


def lasting(comparisons: Sequence[Comparison]) -> Changed:
    """What differs from a baseline that stays, and in which way."""
    changed: Changed = {}
    for comparison in comparisons:
        if comparison.verdict == "drift" and comparison.against != "previous":
            changed.setdefault(subject_of(comparison), set()).add(change_of(comparison))
    return changed


def earlier_changes(
    now: Changed, span: str | None, references: Sequence[str], judge: Judge, most: int
) -> Iterator[tuple[str, Changed]]:
    """Spans before ``span``, newest first, and what of ``now`` had changed in the same way.

    Ends with the first span that has none of it, and after ``most`` spans.
    """
    left = now
    for name in in_a_row(span, references)[:most]:
        if not left:
            return
        then = lasting(judge(name, references[: references.index(name)]))
        left = {s: both for s, ways in left.items() if (both := ways & then.get(s, set()))}
        yield name, left


def _time(span: str | None) -> float | None:
    if not span:
        return None
    try:
        return float(span) if span.isdigit() else utc(span).timestamp()
    except ValueError:
        return None
