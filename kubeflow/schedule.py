"""A five-field cron expression, as Kubeflow Pipelines wants it: six fields, seconds first."""

from __future__ import annotations

from calendar import monthrange

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = {
    "minute": (0, 59, {}),
    "hour": (0, 23, {}),
    "day of month": (1, 31, {}),
    "month": (1, 12, {name: i for i, name in enumerate(_MONTHS, 1)}),
    "day of week": (0, 6, {name: i for i, name in enumerate(_DAYS)}),
}


def kfp_cron(cron: str) -> str:
    """``0 6 * * *`` (every day at 6:00) becomes ``0 0 6 * * *``.

    The backend reads cron with robfig/cron v1: the first field is the second, and where the last
    is missing it takes the day of week as given. Five fields would be taken, and mean something
    else. The time zone is the cluster's CRON_SCHEDULE_TIMEZONE, UTC unless it was changed.

    Raises:
      ValueError: which field, what was found, what it may be.
    """
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"{cron!r} has {len(fields)} fields; five are expected: minute, hour, day of month, "
            "month, day of week, as in '0 6 * * *', every day at 6:00 UTC"
        )
    values = {name: _values(name, field) for name, field in zip(_FIELDS, fields, strict=True)}
    longest = max(monthrange(2024, month)[1] for month in values["month"])
    if min(values["day of month"]) > longest and fields[4][0] in "*?":
        raise ValueError(f"{cron!r} never comes: no such day in that month")
    return " ".join(["0", *fields])


def _values(name: str, field: str) -> set[int]:
    """The values that a field stands for."""
    lowest, highest, names = _FIELDS[name]
    allowed = f"{lowest} to {highest}" + (f" or {', '.join(names)}" if names else "")

    def number(text: str) -> int:
        value = names.get(text.lower(), int(text) if text.isdecimal() else -1)
        if lowest <= value <= highest:
            return value
        sunday = "; Sunday is 0" if name == "day of week" and value == 7 else ""
        raise ValueError(f"{name} {field!r}: {text!r} is not {allowed}{sunday}")

    values: set[int] = set()
    for part in field.split(","):
        span, has_step, step = part.partition("/")
        first, has_last, last = span.partition("-")
        if has_step and not (step.isdecimal() and int(step)):
            raise ValueError(f"{name} {field!r}: the step {step!r} is not a number above 0")
        if span in ("*", "?"):
            start, end = lowest, highest
        else:
            start = number(first)
            end = number(last) if has_last else highest if has_step else start
        if start > end:
            raise ValueError(f"{name} {field!r}: {first} comes after {last}")
        values.update(range(start, end + 1, int(step or 1)))
    return values
