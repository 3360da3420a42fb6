"""Numbers, windows and outcomes as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...beam_jobs.reports import (
    Comparison,
    DriftFinding,
    EstimateCheck,
    FileClock,
    MetricChange,
    MetricEstimate,
    SliceFinding,
    SliceMetric,
)
from ...beam_jobs.slices import OVERALL
from ...components.history import SpanRecord

if TYPE_CHECKING:
    from .gather import Span

Bounded = SliceMetric | MetricChange | SliceFinding | MetricEstimate | EstimateCheck
MISSING = "–"
MOST_SHARES = 8
FLAGS = {
    "feature_stopped": "feature stopped",
    "new_model_version": "new model version",
    "traffic": "unusual traffic",
    "error_rate": "many errors",
    "clock_jump": "odd times",
    "duplicates": "many duplicates",
}
"""Kinds of red flags in plain words."""


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def number(value: float | None, signed: bool = False, digits: int = 3) -> str:
    """``digits`` decimals, fewer for larger values; whole numbers in full.

    >>> number(15002), number(0.84213), number(12.345), number(-0.00012), number(None)
    ('15,002', '0.842', '12.35', '−0.00012', '–')
    """
    if finite(value) is None:
        return MISSING
    sign, size = "+" if signed else "", abs(value)
    if isinstance(value, int):
        text = f"{value:{sign},}"
    elif 0 < size < 0.001:
        text = f"{value:{sign}.2g}"
    else:
        decimals = digits if size < 1 else max(0, digits - int(math.log10(size)))
        text = f"{value:{sign},.{decimals}f}"
    return text.replace("-", "−")


def percent(share: float | None) -> str:
    return MISSING if finite(share) is None else f"{100 * share:.3g}\N{NO-BREAK SPACE}%"


def interval(found: Bounded | None) -> str:
    """``[lower, upper]``, or nothing where there is no interval."""
    if found is None or found.lower is None or found.upper is None:
        return ""
    signed = isinstance(found, MetricChange)
    return f"[{number(found.lower, signed)}, {number(found.upper, signed)}]"


def window(record: SpanRecord) -> str:
    """The window in UTC; times of day only where a bound is not midnight."""
    bounds = record.window_start, record.window_end
    midnight = all((t.hour, t.minute, t.second) == (0, 0, 0) for t in bounds)
    return " to ".join(t.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M") for t in bounds)


def plain(value: Any) -> str:
    """A value out of a rule's inputs."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "none"
    return str(value)


def shares(counts: dict[str, int]) -> str:
    whole = sum(counts.values())
    largest_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = largest_first[:MOST_SHARES]
    if rest := whole - sum(n for _, n in shown):
        shown.append((f"{len(largest_first) - len(shown)} others", rest))
    return ", ".join(f"{name}: {percent(n / whole)}" for name, n in shown if n) or MISSING


def clock(found: FileClock | None) -> str:
    """What is odd about a file's times, in words; nothing where nothing is."""
    said = []
    if found and found.ahead:
        lead = _minutes(found.largest_lead_seconds)
        said.append(f"{plural(found.ahead, 'record')} stamped up to {lead} after it was written")
    if found and found.jumps_back:
        jump = _minutes(found.largest_jump_back_seconds)
        said.append(f"{plural(found.jumps_back, 'jump')} back in time, by up to {jump}")
    return "; ".join(said)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min"


def plural(n: int, thing: str) -> str:
    """
    >>> plural(1, "record"), plural(1200, "record")
    ('1 record', '1,200 records')
    """
    return f"{number(n)} {thing}{'s' * (n != 1)}"


def comparison_words(c: Comparison, against: str) -> list[tuple[str, str]]:
    """The facts of a comparison as (name, value) pairs."""
    return [
        (c.distance, number(c.value)),
        ("threshold", f"{number(c.threshold)} ({c.threshold_origin})"),
        ("chance of a false alarm", percent(c.p_value)),
        (f"rows, {against}", number(c.n_baseline)),
        ("rows, this span", number(c.n_current)),
        ("split", c.split),
    ]


def finding_facts(found: DriftFinding, against: Mapping[str, str]) -> str:
    """How long, how large, where and against what, in one line."""
    told = [f"against {', '.join(against[name] for name in found.against)}"]
    if found.times_threshold is not None:
        told.append(f"{number(found.times_threshold, digits=1)} times its threshold")
    if found.spans > 1:
        told.append(f"{found.spans} spans in a row")
    if found.since:
        told.append(f"since {found.since}")
    if found.seasonal:
        told.append(f"seasonal ({found.seasonal})")
    if found.explains_prediction is not None:
        error = 1.96 * (found.explains_prediction_error or 0)
        told.append(
            f"explains {percent(found.explains_prediction)} (± {percent(error)}) "
            "of the change of the mean prediction"
        )
    if found.separates is not None:
        told.append(f"the classifier of rows loses {number(found.separates)} without it")
    slices = [name for name in found.slices if name != OVERALL]
    if slices:
        where = ", ".join(slices[:MOST_SHARES])
        more = f" and {len(slices) - MOST_SHARES} more" if len(slices) > MOST_SHARES else ""
        told.append(f"in slices {where}{more}")
    return " · ".join(told)


def outcome(span: Span) -> tuple[str, str]:
    """What became of a span: one word for its badge, one sentence."""
    record, push = span.record, span.push
    if not record.complete:
        return "unfinished", "Retraining was asked for and has not finished."
    if record.push and record.push.restores:
        return "roll back", "Put the model back that served before: it does better."
    if record.push:
        return "push", f"Retrained and pushed the {record.push.candidate} model."
    if push and push.chosen:
        return "hold", f"Retrained and chose {push.chosen}, but the Pusher did not push it."
    if push:
        return "hold", "Retrained, but no candidate may be pushed: the model in service stays."
    if record.action == "call_human":
        return "call a human", "A person must look before anything is done."
    if record.action == "hold":
        return "hold", "Retraining is due but blocked by a guard."
    if record.action == "watch":
        return "watch", "The model in service stays; something needs watching."
    return "no action", "Nothing to do: the model in service holds."
