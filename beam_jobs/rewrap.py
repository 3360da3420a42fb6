"""Moves stored pseudonyms to the primary key version, without the values behind them.

After it joins work across a rotation, and the versions that are left can be destroyed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import keysets
from .domain_keys import DomainKeys
from .list_columns import rows_of_values, values_of, with_values
from .privacy_methods import Hmac
from .privacy_methods.contract import Pseudonym, is_text
from .privacy_policy import PrivacyConfig
from .subjects.batch_edit import BatchEdit, Edited

_LABEL = r"^v(?P<version>[0-9]{1,9})\."
_IN_TEXT = re.compile(rb"(?<=:)v([0-9]{1,9})\.[0-9a-f]{32}(?=\])")
_BYTES = pa.large_binary()


class Rewrap(BatchEdit):
    """Moves the pseudonyms of all enabled key versions to the primary one, of the moment when it
    is made: in fields with a pseudonym by the policy, and in texts where the scanner left one,
    ``[EMAIL:v1.5c...]``.

    Pseudonyms without a label (``fpe``) move with the labelled ones of their row, which name the
    version that made all of it; where these name none or several, they stay. What versions made
    that are destroyed or missing stays too. ``held_versions`` counts both.

    Raises:
      KeysetError: the keyset cannot be used.
    """

    def __init__(self, config: PrivacyConfig):
        self._config = config
        self.primary = keysets.load(config.keyset).primary
        self._other_label = re.compile(rb"v(?!%d\.)[0-9]{1,9}\." % self.primary)

    def setup(self) -> None:
        self._old = keysets.all_domain_keys(self._config.keyset, self.primary, self._config.domain)
        self._new = self._old.pop(self.primary)

    def may_touch(self, data: bytes) -> bool:
        return self._other_label.search(data) is not None

    def edit(self, batch: pa.RecordBatch) -> Edited:
        names, changed = batch.schema.names, np.zeros(batch.num_rows, bool)
        made_by = versions_of_rows(self._config, batch)
        columns = [
            self._moved(name, column, made_by, changed)
            for name, column in zip(names, batch.columns, strict=True)
        ]
        return Edited(pa.RecordBatch.from_arrays(columns, names=names), changed=changed)

    def _moved(
        self, name: str, column: pa.Array, made_by: np.ndarray, changed: np.ndarray
    ) -> pa.Array:
        """The column with what moves, whose rows are marked in ``changed``."""
        values = values_of(column)
        if not is_text(values.type):
            return column
        method, rows = self._config.method_of(name), rows_of_values(column)
        if not isinstance(method, Pseudonym):
            after = _each_distinct(values, self._moved_text)
        elif method.is_labelled:
            after = _each_distinct(values, lambda distinct: self._moved_labelled(method, distinct))
        else:
            after = self._moved_by_row(method, values, made_by[rows])
        same = pc.equal(values, after).fill_null(True).to_numpy(zero_copy_only=False)
        if same.all():
            return column
        changed[rows[~same]] = True
        return with_values(column, after)

    def _moved_labelled(self, method: Pseudonym, values: pa.Array) -> pa.Array:
        for keys in self._keys_of(versions_of(values)):
            values = method.rewrap(values, keys, self._new)
        return values

    def _moved_text(self, values: pa.Array) -> pa.Array:
        texts = values.cast(_BYTES).to_pylist()
        held = {match[0] for text in texts for match in _IN_TEXT.finditer(text)}
        if not held:
            return values
        before = pa.array(sorted(held), _BYTES)
        after = self._moved_labelled(Hmac(), before).to_pylist()
        new = dict(zip(before.to_pylist(), after, strict=True))
        moved = [_IN_TEXT.sub(lambda match: new[match[0]], text) for text in texts]
        return pa.array(moved, _BYTES).cast(values.type)

    def _moved_by_row(self, method: Pseudonym, values: pa.Array, made_by: np.ndarray) -> pa.Array:
        for keys in self._keys_of(made_by):
            theirs = (made_by == keys.version) & values.is_valid().to_numpy(zero_copy_only=False)
            moved = _each_distinct(
                values.filter(pa.array(theirs)),
                lambda distinct, old=keys: method.rewrap(distinct, old, self._new),
            )
            values = pc.replace_with_mask(values, pa.array(theirs), moved)
        return values

    def _keys_of(self, versions: np.ndarray) -> list[DomainKeys]:
        return [self._old[int(v)] for v in np.unique(versions) if int(v) in self._old]


def versions_of(values: pa.Array) -> np.ndarray:
    """For each value of a labelled pseudonym its key version; 0 for what has no label."""
    found = pc.extract_regex(values.cast(_BYTES), _LABEL)
    numbers = pc.if_else(found.is_valid(), found.field("version"), pa.scalar(b"0", _BYTES))
    return numbers.cast(pa.large_string()).cast(pa.int64()).to_numpy()


def versions_in_texts(values: pa.Array) -> list[int]:
    """The key version of each pseudonym inside of texts."""
    texts = values.cast(_BYTES).drop_null().to_pylist()
    return [int(match[1]) for text in texts for match in _IN_TEXT.finditer(text)]


def versions_of_rows(config: PrivacyConfig, batch: pa.RecordBatch) -> np.ndarray:
    """For each row the one version that its labelled pseudonyms name; 0 for none or several."""
    low = np.full(batch.num_rows, np.iinfo(np.int64).max)
    high = np.zeros(batch.num_rows, np.int64)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        method, values = config.method_of(name), values_of(column)
        if isinstance(method, Pseudonym) and method.is_labelled and is_text(values.type):
            versions, rows = versions_of(values), rows_of_values(column)
            is_labelled = versions > 0
            np.minimum.at(low, rows[is_labelled], versions[is_labelled])
            np.maximum.at(high, rows[is_labelled], versions[is_labelled])
    return np.where(low == high, high, 0)


def _each_distinct(values: pa.Array, work: Callable[[pa.Array], pa.Array]) -> pa.Array:
    encoded = values.dictionary_encode()
    return work(encoded.dictionary).take(encoded.indices)
