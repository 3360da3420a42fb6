"""What a privacy job did, told from its counts; and whether the policy allows what it met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .accounting import check_identity
from .privacy_measures import Measure
from .privacy_policy import PrivacyConfig
from .privacy_risk import split_risks
from .privacy_rules import idle_rules, overruled_rules
from .reports import FieldTreatment, PrivacyReport, ScanFinding

_ACTIONS = {"redact": "redacted", "pseudonymize": "pseudonymized", "fail": "failed"}
_ROWS = ("rows_written", "rows_restricted", "rows_erased")
"""What can become of a row."""
_FINDINGS = ("found", "misnamed")


class PrivacyError(RuntimeError):
    """The data break the policy; the message holds no value of the data."""


def privacy_report(
    counts: Mapping[Measure, int],
    config: PrivacyConfig,
    splits: Sequence[str],
    key_version: int | None,
) -> PrivacyReport:
    """Makes the report of a job; fields of the policy that the data lack are in it with 0 values.

    Raises:
      AccountError: a split's rows were not all written, kept aside or dropped.
    """
    for split in splits:
        rows = {f"{m.name}[{m.split}]": n for m, n in counts.items() if not m.field}
        check_identity(rows, f"rows_read[{split}]", [f"{part}[{split}]" for part in _ROWS])
    seen = {measure: n for measure, n in counts.items() if measure.name == "values"}
    named = {
        Measure(split, "values", field, policy.method): 0
        for split in splits
        for field, policy in config.fields.items()
    }
    fields = sorted({measure.field for measure in seen})
    return PrivacyReport(
        **{name: _total(counts, name) for name in ("rows_read", *_ROWS)},
        fields=[
            _field_treatment(m, n, config, key_version) for m, n in sorted((named | seen).items())
        ],
        findings=[
            ScanFinding(
                field=m.field,
                split=m.split,
                kind=m.of,
                values=n,
                action=_action(m, config),
            )
            for m, n in sorted(counts.items())
            if m.name in _FINDINGS
        ],
        key_version=key_version,
        input_purged=False,
        overruled=list(overruled_rules(config, fields)),
        idle_rules=idle_rules(config, fields),
        risk=split_risks(counts, splits, config.min_group_rows),
    )


def _field_treatment(
    measure: Measure, values: int, config: PrivacyConfig, key_version: int | None
) -> FieldTreatment:
    rule, method = config.given(measure.field)
    return FieldTreatment(
        field=measure.field,
        split=measure.split,
        method=measure.of,
        values=values,
        key_version=key_version if method.is_keyed else None,
        role=method.role,
        rule=rule,
    )


def _action(finding: Measure, config: PrivacyConfig) -> str:
    leaves_out = finding.name == "misnamed" and config.undeclared != "fail"
    return "left_out" if leaves_out else _ACTIONS[config.undeclared]


def _total(counts: Mapping[Measure, int], name: str) -> int:
    return sum(n for measure, n in counts.items() if measure.name == name)


def check_policy(counts: Mapping[Measure, int], config: PrivacyConfig) -> None:
    """Raises PrivacyError, which names all, for fields not listed and findings not allowed."""
    problems = []
    if unlisted := sorted({m.field for m in counts if m.name == "unlisted"}):
        problems.append(
            f"fields without a rule in the policy: {', '.join(unlisted)}; give each a method, or "
            "state a default: keep or redact"
        )
    found = sorted((m, n) for m, n in counts.items() if m.name in _FINDINGS)
    if found and config.undeclared == "fail":
        listed = "; ".join(f"{m.field} ({m.split}): {n} values with {m.of}" for m, n in found)
        problems.append(f"undeclared identifiers in {listed}; give these fields a method")
    if problems:
        raise PrivacyError(". ".join(problems))
