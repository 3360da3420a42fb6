"""Redaction: the value goes, whole."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from .contract import REDACTED, ValueMethod, from_bytes, is_text


class Redact(ValueMethod):
    """Replaces each value by ``[REDACTED]``, or leaves the whole field out.

    ``leave="text"`` keeps the number of values and which rows have none, and needs a text field;
    ``leave="nothing"`` takes any type.
    """

    method: Literal["redact"] = "redact"
    leave: Literal["text", "nothing"] = "text"

    @property
    def drops_field(self) -> bool:
        return self.leave == "nothing"

    def validate_type(self, kind: pa.DataType) -> None:
        if not is_text(kind):
            raise ValueError(f"redact cannot leave text in a field of {kind}: use leave: nothing")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        return from_bytes([REDACTED.encode()] * len(values), values.type)
