"""Keeping a field as it is."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from .contract import ValueMethod


class Keep(ValueMethod):
    """Leaves values as they are; kept text is still scanned for undeclared identifiers."""

    method: Literal["keep"] = "keep"

    def suits_feature(self, kind: str) -> bool:
        return True

    def validate_type(self, kind: pa.DataType) -> None:
        if pa.types.is_nested(kind):
            raise ValueError(f"values of {kind} cannot be scanned: flatten or redact them")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        return values
