"""Which rows break a data contract, and how: whole columns at a time."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .data_contract import DataContract, FieldRule, Kind
from .data_contract_rules import rules_of

MARKS = "log_violations"
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True)
class Violations:
    """``found``: for each rule that some row breaks, as ``what:feature`` in the order of the
    rules, whether each row does; what: missing, wrong_type, out_of_domain, value_count."""

    rows: int
    found: dict[str, np.ndarray]

    def reasons(self) -> dict[int, str]:
        """Each row that breaks a rule to the first that it breaks, in the order of the rows."""
        places, kinds, broken = self._kinds()
        firsts = [names[0] for names in broken]
        return {place: firsts[kind] for place, kind in zip(places, kinds, strict=True)}

    def marks(self) -> pa.Array:
        """For each row all that it breaks, joined by commas; null where that is nothing."""
        places, kinds, broken = self._kinds()
        of_row = np.full(self.rows, -1)
        of_row[places] = kinds
        texts = pa.array([",".join(names) for names in broken], pa.large_string())
        return texts.take(pa.array(of_row, mask=of_row < 0))

    def _kinds(self) -> tuple[list[int], list[int], list[list[str]]]:
        """Rows that break a rule, the kind of each, and what rows of each kind break."""
        if not self.found:
            return [], [], []
        names, broken = list(self.found), np.array(list(self.found.values()))
        places = np.flatnonzero(broken.any(axis=0))
        bits = np.packbits(broken[:, places], axis=0).T.copy()
        buffers = [None, pa.py_buffer(bits)]
        kinds = pa.Array.from_buffers(pa.binary(bits.shape[1]), len(places), buffers)
        kinds = kinds.dictionary_encode()
        patterns = (np.unpackbits(np.frombuffer(x, np.uint8)) for x in kinds.dictionary.to_pylist())
        named = [[names[i] for i in np.flatnonzero(pattern)] for pattern in patterns]
        return places.tolist(), kinds.indices.to_pylist(), named


class Contract:
    """A DataContract whose rules are read, to check rows with.

    elsewhere: features that rows do not have yet, such as those that come with the label.
    Raises InvalidContract.
    """

    def __init__(self, contract: DataContract | None, elsewhere: Collection[str] = ()):
        rules = rules_of(contract) if contract else {}
        self.rules = {name: rule for name, rule in rules.items() if name not in elsewhere}
        self._marks = contract is not None and contract.on_violation == "mark"

    @property
    def kinds(self) -> dict[str, Kind]:
        """Types that the contract declares."""
        return {name: rule.kind for name, rule in self.rules.items() if rule.kind}

    def check(
        self, arrays: dict[str, pa.Array], rows: int, misfits: Mapping[int, str]
    ) -> dict[int, str]:
        """Rows that are none to the reason: ``misfits``, and those that break a rule.

        With ``mark`` these are rows; so are misfits that a rule's type refused
        (``bad_value:feature``), without that feature. Where any row has something wrong,
        ``arrays`` gets the column ``log_violations``.
        """
        violations = find_violations(arrays, self.rules, rows)
        if not self._marks:
            return violations.reasons() | dict(misfits)
        refused = {f"bad_value:{name}": name for name in self.kinds}
        found = violations.found
        for row, reason in misfits.items():
            if name := refused.get(reason):
                found.setdefault(f"wrong_type:{name}", np.zeros(rows, bool))[row] = True
                if (missing := found.get(f"missing:{name}")) is not None:
                    missing[row] = False
        if found:
            arrays[MARKS] = violations.marks()
        return {row: reason for row, reason in misfits.items() if reason not in refused}


def find_violations(
    columns: Mapping[str, pa.Array], rules: Mapping[str, FieldRule], rows: int
) -> Violations:
    """Checks ``rows`` rows: columns of int64, float64 or (large) strings, or (large) lists of
    them. A column that is not there is null."""
    found = {}
    for name, rule in rules.items():
        column = columns.get(name)
        if column is None:
            column = pa.nulls(rows)
        for what, broken in _check(column, rule):
            if broken.any():
                found[f"{what}:{name}"] = broken
    return Violations(rows, found)


def _check(column: pa.Array, rule: FieldRule) -> Iterator[tuple[str, np.ndarray]]:
    rows = len(column)
    if column.null_count == rows:
        yield "missing", np.full(rows, rule.required)
        return
    values, counts = column, None
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        values = column.flatten()
        counts = _mask(pc.fill_null(pc.list_value_length(column), 0))
    present = ~_mask(pc.is_null(values, nan_is_null=True))
    has_value = present if counts is None else counts > 0
    if rule.required:
        yield "missing", ~has_value
    misfit = _misfit(values, rule)
    if misfit is not None:
        yield "wrong_type", _any_of_row(misfit & present, counts)
    if misfit is not True:
        yield "out_of_domain", _any_of_row(_out_of_domain(values, rule) & present, counts)
    if (rule.min_values, rule.max_values) != (None, None):
        n = present.astype(np.int64) if counts is None else counts
        fewest, most = rule.min_values or 0, rule.max_values or _INT64.max
        yield "value_count", has_value & ((n < fewest) | (n > most))


def _any_of_row(broken: np.ndarray, counts: np.ndarray | None) -> np.ndarray:
    """Whether any value of a row is broken; counts: how many values each row has."""
    if counts is None:
        return broken
    of_row = np.zeros(len(counts), bool)
    if broken.any():
        of_row[np.repeat(np.arange(len(counts)), counts)[broken]] = True
    return of_row


def _misfit(values: pa.Array, rule: FieldRule) -> np.ndarray | bool | None:
    """Values that are of another type: True for all of them, None for none."""
    kind = rule.kind or ("float" if rule.is_number else None)
    if kind is None or pa.types.is_integer(values.type):
        return None
    if pa.types.is_floating(values.type):
        if kind != "int":
            return True if kind == "string" else None
        numbers = values.to_numpy(zero_copy_only=False)
        return (numbers != np.floor(numbers)) | (np.abs(numbers) >= 2.0**63)
    return None if kind == "string" and _is_text(values) else True


def _out_of_domain(values: pa.Array, rule: FieldRule) -> np.ndarray:
    broken = [np.zeros(len(values), bool)]
    if rule.min is not None:
        broken.append(_mask(pc.less(*_comparable(values, rule.min, math.ceil))))
    if rule.max is not None:
        broken.append(_mask(pc.greater(*_comparable(values, rule.max, math.floor))))
    if rule.values is not None:
        broken.append(~_mask(pc.is_in(values, value_set=_value_set(rule.values, values))))
    return np.logical_or.reduce(broken)


def _comparable(values: pa.Array, limit: float, to_int) -> tuple[pa.Array, pa.Scalar]:
    if pa.types.is_integer(values.type):
        limit = min(max(to_int(limit), int(_INT64.min)), int(_INT64.max))
        return values, pa.scalar(limit, pa.int64())
    with np.errstate(over="ignore"):
        return values.cast(pa.float32()), pa.scalar(np.float32(limit))


def _value_set(allowed: list[str | int], values: pa.Array) -> pa.Array:
    """``allowed`` as values of the column's type; what none of them can be is left out."""
    if _is_text(values):
        return pa.array([str(value) for value in allowed], values.type)
    numbers = [value for value in map(_number, allowed) if value is not None]
    return pa.array(numbers, pa.int64()).cast(values.type, safe=False)


def _number(value: str | int) -> int | None:
    try:
        number = int(value)
    except ValueError:
        return None
    return number if str(number) == str(value) and _INT64.min <= number <= _INT64.max else None


def _is_text(values: pa.Array) -> bool:
    return pa.types.is_string(values.type) or pa.types.is_large_string(values.type)


def _mask(array: pa.Array) -> np.ndarray:
    filled = pc.fill_null(array, False) if pa.types.is_boolean(array.type) else array
    return filled.to_numpy(zero_copy_only=False)
