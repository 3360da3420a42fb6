"""Rows of people who are in the register: told apart before their fields are treated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..domain_keys import DomainKeys
from ..list_columns import rows_of_values, values_of
from ..privacy_methods.contract import to_bytes
from ..privacy_policy import PrivacyConfig
from .marks import tags
from .register import SubjectRegister


class Apart(NamedTuple):
    """A batch's rows: those to use, those to keep aside, and how many to drop."""

    used: pa.RecordBatch
    restricted: pa.RecordBatch
    erased: int


class Lookup:
    """Looks up the raw values of the subject fields of ``config``.

    A row with values of several people is dropped when one of them is erased, and kept aside when
    one is restricted.
    """

    def __init__(self, config: PrivacyConfig, register: SubjectRegister, keys: DomainKeys | None):
        self._config = config
        self._register = register
        self._keys = keys

    def apart(self, batch: pa.RecordBatch) -> Apart:
        erased, restricted = np.zeros((2, batch.num_rows), bool)
        for name in self._subject_fields(batch):
            column = batch.column(batch.schema.get_field_index(name))
            if not pa.types.is_null(column.type):
                self._look_up(column, erased, restricted)
        restricted &= ~erased
        if not (erased.any() or restricted.any()):
            return Apart(batch, batch.slice(0, 0), 0)
        return Apart(
            batch.filter(pa.array(~(erased | restricted))),
            batch.filter(pa.array(restricted)),
            int(erased.sum()),
        )

    def _subject_fields(self, batch: pa.RecordBatch) -> Iterable[str]:
        if self._register.is_empty:
            return ()
        return self._config.subject_fields_among(batch.schema.names)

    def _look_up(self, column: pa.Array, erased: np.ndarray, restricted: np.ndarray) -> None:
        """Marks the rows with a value of the column that the register knows."""
        values, rows = values_of(column), rows_of_values(column)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        values = values.dictionary_encode()
        held = values.is_valid().to_numpy(zero_copy_only=False)
        codes = values.indices.drop_null().to_numpy()
        known = tags(to_bytes(values.dictionary), self._keys)
        for people, found in (
            (self._register.erased, erased),
            (self._register.restricted, restricted),
        ):
            among = np.fromiter((tag in people for tag in known), bool, len(known))
            found[rows[held][among[codes]]] = True
