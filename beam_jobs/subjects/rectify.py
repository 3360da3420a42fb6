"""Rectification: another value in a field of a person's rows (GDPR Art. 16)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..list_columns import first_values, rows_of_values, values_of
from ..privacy_account import PrivacyError, check_policy
from ..privacy_batch import BatchTreatment, load_keys, primary_version
from ..privacy_methods.contract import RowMethod
from ..privacy_policy import PrivacyConfig
from .batch_edit import BatchEdit, Edited
from .marks import Marks
from .wanted import Wanted

_BYTES = pa.large_binary()


class Rectify(BatchEdit):
    """Gives ``field`` the one ``value`` in all of the people's rows that have a value there.

    Args:
      value: as ``treated_value`` returns it, never raw. It takes the type that the field has in
        the data.
    """

    def __init__(self, people: Iterable[Marks], field: str, value: str):
        self._wanted = Wanted.of(people)
        self._field = field
        self._value = value

    def may_touch(self, data: bytes) -> bool:
        return self._field.encode() in data and self._wanted.may_be_in(data)

    def edit(self, batch: pa.RecordBatch) -> Edited:
        place = batch.schema.get_field_index(self._field)
        theirs = self._wanted.rows(batch)
        if place < 0 or not theirs.any():
            return Edited(batch)
        column = batch.column(place)
        value = self._scalar(values_of(column).type)
        held = np.bincount(rows_of_values(column), minlength=len(column))
        same = pc.equal(first_values(column), value).fill_null(False).to_numpy(zero_copy_only=False)
        changed = theirs & (held > 0) & ~((held == 1) & same)
        columns = batch.columns
        columns[place] = pa.array([[value.as_py()]] * len(column), column.type)
        return Edited(pa.RecordBatch.from_arrays(columns, batch.schema.names), changed=changed)

    def _scalar(self, kind: pa.DataType) -> pa.Scalar:
        try:
            return pa.array([self._value]).cast(kind)[0]
        except pa.ArrowInvalid:
            raise ValueError(f"field {self._field!r} holds {kind}: the new value is none") from None


def treated_value(config: PrivacyConfig, identifier: str, field: str, value: str) -> str:
    """The raw ``value`` of a person's ``field`` as the policy stores it, with the primary key.

    Raises:
      KeysetError: the keyset cannot be used.
      PrivacyError: the value breaks the policy, or its type does not suit the field's method.
      ValueError: the policy stores nothing of this field.
    """
    config.prepare()
    method = config.method_of(field)
    if method is None or method.drops_field:
        raise ValueError(f"the policy keeps nothing of field {field!r}: nothing to rectify")
    columns = {field: pa.array([value.encode()], _BYTES)}
    try:
        method.validate_type(_BYTES)
    except ValueError:
        columns[field] = pa.array([_number(field, value)])
    if isinstance(method, RowMethod) and method.subject_field:
        columns[method.subject_field] = pa.array([identifier.encode()], _BYTES)
    batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
    keys = load_keys(config, primary_version(config))
    treated, counts = BatchTreatment(config, "rectified", keys).treat(batch)
    check_policy(counts, config)
    (new,) = treated.column(treated.schema.get_field_index(field)).to_pylist()
    return new.decode() if isinstance(new, bytes) else str(new)


def _number(field: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise PrivacyError(f"field {field!r}: its method takes numbers, not this value") from None
