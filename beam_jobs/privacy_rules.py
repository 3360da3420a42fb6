"""How the rules of a policy met the fields of the data: which did nothing, which were overruled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .privacy_policy import PrivacyConfig
from .reports import OverruledRules


def overruled_rules(config: PrivacyConfig, fields: Iterable[str]) -> Iterator[OverruledRules]:
    """The fields that a later rule, too, is about, and would treat in another way."""
    for field in fields:
        given = list(config.rules_about(field))
        others = [other.rule for other in given[1:] if other.method != given[0].method]
        if others:
            yield OverruledRules(field=field, applied=given[0].rule, overruled=others)


def idle_rules(config: PrivacyConfig, fields: Sequence[str]) -> list[str]:
    """The rules that are about none of ``fields``, in the policy's order."""
    met = {given.rule for field in fields for given in config.rules_about(field)}
    patterns = [f"pattern {pattern}" for pattern in config.patterns]
    annotations = [f"annotation {tag}" for tag in config.annotations]
    idle = [f"field {name}" for name in config.fields if name not in fields]
    return idle + [rule for rule in (*patterns, *annotations) if rule not in met]
