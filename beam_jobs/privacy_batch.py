"""Applies a privacy policy to one Arrow record batch, and counts what it did."""

from __future__ import annotations

from collections import Counter
from functools import cache, partial

import numpy as np
import pyarrow as pa

from . import keysets
from .domain_keys import DomainKeys
from .identifiers import IdentifierScanner
from .list_columns import first_values, rows_of_values, values_of, with_values
from .privacy_account import PrivacyError, check_policy
from .privacy_measures import Measure
from .privacy_methods.contract import Method, RowMethod, is_text
from .privacy_methods.hmac_sha256 import Hmac
from .privacy_methods.keep import Keep
from .privacy_policy import PrivacyConfig


class BatchTreatment:
    """Applies ``config`` to the record batches of a split.

    Columns hold values, or lists of values as tfx-bsl reads tf.Examples. Each method sees the
    distinct values of a column in a batch; nulls and the lengths of lists stay. Left out and
    counted are fields that the policy ought to list, and those whose very name holds an
    identifier: one odd record must not stop all others.

    Args:
      keys: None when the policy needs no key.
    """

    def __init__(self, config: PrivacyConfig, split: str, keys: DomainKeys | None):
        self._config = config
        self._split = split
        self._keys = keys
        self._scanner = IdentifierScanner(config.phone_region, config.names_model)
        self._method_of = cache(config.method_of)
        self._scanned_name = cache(self._scanner.scan_text)

    def treat(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[Measure]]:
        """Returns the treated batch and its counts.

        Raises:
          PrivacyError: a field's type does not suit its method, or the method failed. It names
            the field only, for the cause might quote a value.
        """
        counts = Counter({Measure(self._split, "rows_read"): batch.num_rows})
        treated = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            shown, kinds = self._scanned_name(name)
            if kinds:
                for kind in kinds:
                    counts[Measure(self._split, "misnamed", shown, kind)] += _values(column)
                continue
            method = self._method_of(name)
            if method is None:
                counts[Measure(self._split, "unlisted", name)] += batch.num_rows
            elif method.drops_field:
                counts[Measure(self._split, "values", name, method.method)] += _values(column)
            else:
                subjects = self._subjects(batch, name, method)
                treated[name] = self._treat_column(name, column, method, subjects, counts)
        if not treated:
            check_policy(counts, self._config)
            raise PrivacyError(f"split {self._split!r}: the policy leaves no field at all")
        return pa.RecordBatch.from_arrays(list(treated.values()), names=list(treated)), counts

    def _treat_column(
        self,
        name: str,
        column: pa.Array,
        method: Method,
        subjects: pa.Array | None,
        counts: Counter[Measure],
    ) -> pa.Array:
        if pa.types.is_null(column.type):
            return column
        values = values_of(column)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        try:
            method.validate_type(values.type)
        except ValueError as error:
            raise PrivacyError(f"field {name!r}: {error}") from None
        counts[Measure(self._split, "values", name, method.method)] += _values(values)
        try:
            values = self._treat_values(name, values, method, subjects, counts)
        except Exception as error:
            kind = type(error).__name__
            raise PrivacyError(f"field {name!r}: {method.method} failed with {kind}") from None
        return with_values(column, values)

    def _treat_values(
        self,
        name: str,
        values: pa.Array,
        method: Method,
        subjects: pa.Array | None,
        counts: Counter[Measure],
    ) -> pa.Array:
        if isinstance(method, RowMethod):
            return method.operate_rows(values, subjects, self._keys)
        keeps = isinstance(method, Keep)
        if keeps and (name in self._config.scan_exempt or not is_text(values.type)):
            return values
        encoded = values.dictionary_encode()
        if not keeps:
            return method.operate(encoded.dictionary, self._keys).take(encoded.indices)
        pseudonymize = self._config.undeclared == "pseudonymize"
        treated, found = self._scanner.scan(
            encoded.dictionary, partial(Hmac().operate, keys=self._keys) if pseudonymize else None
        )
        if not found:
            return values
        occurrences = np.bincount(
            encoded.indices.drop_null().to_numpy(), minlength=len(encoded.dictionary)
        )
        for kind, positions in found.items():
            counts[Measure(self._split, "found", name, kind)] += int(occurrences[positions].sum())
        return treated.take(encoded.indices)

    def _subjects(self, batch: pa.RecordBatch, name: str, method: Method) -> pa.Array | None:
        """For each value of column ``name`` the raw subject of its row, where its method asks."""
        if not isinstance(method, RowMethod) or method.subject_field is None:
            return None
        place = batch.schema.get_field_index(method.subject_field)
        if place < 0:
            raise PrivacyError(f"field {name!r}: its subject, {method.subject_field!r}, is missing")
        subjects = first_values(batch.column(place))
        column = batch.column(batch.schema.get_field_index(name))
        return subjects.take(pa.array(rows_of_values(column)))

    def refuse_identifying_names(self, names: list[str]) -> None:
        """Raises PrivacyError, by position only, for the first name that holds an identifier."""
        for position, name in enumerate(names):
            if kinds := self._scanned_name(name)[1]:
                raise PrivacyError(
                    f"split {self._split!r}: the name of field {position} (counted from 0) holds "
                    f"an identifier ({', '.join(sorted(kinds))}): rename it, or add a header row"
                )


def load_keys(config: PrivacyConfig, version: int | None) -> DomainKeys | None:
    """The keys of a version; None when ``version`` is, for a policy that needs no key."""
    if version is None:
        return None
    return keysets.domain_keys(config.keyset, version, config.domain)


def primary_version(config: PrivacyConfig) -> int | None:
    """The key version that a job starting now uses to its end; None when it needs no key."""
    return keysets.load(config.keyset).primary if config.needs_key else None


def _values(column: pa.Array) -> int:
    values = values_of(column)
    return len(values) - values.null_count
