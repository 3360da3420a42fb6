"""Requirements on how a candidate serves: it works, on the same inputs, fast and small enough."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...beam_jobs.reports import IN_SERVICE, ServingCheck, ServingReport
from .decision import RuleOutcome, concluded, unknown
from .push_policy import ServingBounds

_outcome = partial(concluded, "requirement")
_unknown = partial(unknown, "requirement")


def serving_requirements(
    bounds: ServingBounds, name: str, report: ServingReport | None
) -> Iterator[RuleOutcome]:
    """Every requirement of one candidate that is switched on."""
    found = report and report.of(name)
    if found is None:
        yield _unknown(f"{name}: serves", _SERVES, f"no serving report on {name}")
        return
    before = report.of(IN_SERVICE)
    if before is not None and before.problem:
        before = None
    yield _serves(name, found, before)
    if found.problem:
        return
    if bounds.same_inputs:
        yield _same_inputs(name, found, before)
    latency, size = found.latency_ms.p50, found.size_bytes / 1e6
    limits = [
        ("latency_p99", "99th percentile of the latency", "ms", found.latency_ms.p99),
        ("size", "size", "MB", size),
    ]
    for (rule, what, unit, value), most in zip(
        limits, (bounds.max_latency_ms, bounds.max_size_mb), strict=True
    ):
        if most is not None:
            yield _at_most(name, rule, what, value, most, unit)
    relative = [
        ("latency_ratio", "median latency", latency, before and before.latency_ms.p50),
        ("size_ratio", "size", size, before and before.size_bytes / 1e6),
    ]
    for (rule, what, value, base), most in zip(
        relative, (bounds.max_latency_ratio, bounds.max_size_ratio), strict=True
    ):
        if most is not None and base:
            yield _at_most(name, rule, what, value / base, most, "times that in service")
        elif most is not None:
            missing = "the model in service could not be measured"
            yield _unknown(f"{name}: {rule}", f"{what} <= {most:g} times that in service", missing)


_SERVES = "loads and serves real requests with finite outputs, as in service"


def _serves(name: str, found: ServingCheck, before: ServingCheck | None) -> RuleOutcome:
    """Outputs are held against those of the model in service, where that could be loaded."""
    problems = [found.problem] if found.problem else []
    if not problems:
        problems += [] if found.requests else ["there was no request to serve"]
        problems += [] if found.finite else ["outputs that are no finite numbers"]
        if before is not None and found.outputs != before.outputs:
            problems.append(f"outputs are {found.outputs}, in service {before.outputs}")
    return _outcome(
        f"{name}: serves",
        {"requests": found.requests, "problems": problems},
        _SERVES,
        not problems,
        f"{name} does not serve: {'; '.join(problems)}"
        if problems
        else f"{name} served {found.requests} requests",
    )


def _same_inputs(name: str, found: ServingCheck, before: ServingCheck | None) -> RuleOutcome:
    rule, comparison = f"{name}: same_inputs", "takes what the model in service takes"
    if before is None:
        return _unknown(rule, comparison, "the model in service could not be loaded")
    changed = sorted(
        f"{key} is {found.inputs.get(key, 'absent')}, in service {before.inputs.get(key, 'absent')}"
        for key in found.inputs.keys() | before.inputs.keys()
        if found.inputs.get(key) != before.inputs.get(key)
    )
    return _outcome(
        rule,
        {"inputs": len(found.inputs), "changed": changed},
        comparison,
        not changed,
        f"{name} takes other inputs: {'; '.join(changed)}"
        if changed
        else f"{name} takes the same {len(found.inputs)} inputs",
    )


def _at_most(name: str, rule: str, what: str, value: float, most: float, unit: str) -> RuleOutcome:
    return _outcome(
        f"{name}: {rule}",
        {"value": value},
        f"{what} <= {most:g} {unit}",
        value <= most,
        f"the {what} of {name} is {value:.3g} {unit}",
        value=value,
        threshold=most,
    )
