"""Whether a change is the season's: a Sunday that differs from other days and not from Sundays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from ...beam_jobs.reports import Comparison
from ..spans import utc

Season = Literal["weekday", "month"]

_LONGEST_DAY = timedelta(hours=36)


def same_season(span: str | None, references: Sequence[str]) -> dict[Season, list[str]]:
    """The reference spans of the same season as ``span``, by season, where others are at hand too.

    Args:
      span, references: names, which are ISO dates or times where there are seasons at all; the
        references in order of time.

    >>> same_season("2014-06-08", ["2014-06-01", "2014-06-06", "2014-06-07"])
    {'weekday': ['2014-06-01']}
    >>> same_season("2014-06-01", ["2013-06-01", "2014-04-01", "2014-05-01"])
    {'month': ['2013-06-01']}
    """
    now, starts = _start(span), {name: _start(name) for name in references}
    if now is None or None in starts.values():
        return {}
    found: dict[Season, list[str]] = {
        "weekday": [name for name, start in starts.items() if _of_week(start) == _of_week(now)]
        if _daily([*starts.values(), now])
        else [],
        "month": [
            name
            for name, start in starts.items()
            if start.month == now.month and start.year < now.year
        ],
    }
    return {season: names for season, names in found.items() if 0 < len(names) < len(references)}


def explained_by(
    drifted: Sequence[Comparison],
    seasons: Mapping[Season, Iterable[Comparison]],
    lasting: Iterable[Comparison],
) -> Season | None:
    """The season that explains a finding, or None.

    It does where the finding's comparisons with earlier spans are no drift when made with those of
    the same season, which could have shown a change as large; and where the other spans do not
    differ from training in the same way.

    Args:
      drifted: the finding's comparisons, all of them drift.
      seasons: the same comparisons, made with the spans of each season only.
      lasting: comparisons of the earlier spans of other seasons with training.
    """
    recent = [c for c in drifted if c.against != "training"]
    always = {_what(c) for c in lasting if c.verdict == "drift"}
    if not recent or any(_what(c) in always for c in drifted):
        return None
    for season, comparisons in seasons.items():
        made = {_what(c): c for c in sorted(comparisons, key=lambda c: c.against == "reference")}
        if all(_vanishes(c, made.get(_what(c))) for c in recent):
            return season
    return None


def _vanishes(now: Comparison, then: Comparison | None) -> bool:
    return then is not None and then.verdict == "ok" and then.threshold < now.value


def _what(comparison: Comparison) -> tuple[str, str, str, str]:
    return comparison.feature, comparison.aspect, comparison.slice, comparison.distance


def _start(span: str | None) -> datetime | None:
    try:
        return utc(span) if span and not span.isdigit() else None
    except ValueError:
        return None


def _of_week(start: datetime) -> tuple[int, int, int]:
    return start.weekday(), start.hour, start.minute


def _daily(starts: list[datetime]) -> bool:
    ordered = sorted(starts)
    steps = [after - before for before, after in pairwise(ordered)]
    return bool(steps) and min(steps) <= _LONGEST_DAY
