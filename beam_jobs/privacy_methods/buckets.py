"""Generalization of quantities: a number becomes the lower edge of its bucket."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Literal

import numpy as np
import pyarrow as pa

from .contract import ValueMethod, is_text
from .texts import map_text


class Buckets(ValueMethod):
    """Replaces a number by the lower edge of its bucket; numbers keep their type, text its form.

    Text that is no number becomes ``[REDACTED]``.
    """

    method: Literal["generalize"] = "generalize"

    def suits_feature(self, kind: str) -> bool:
        return True

    @abstractmethod
    def lower_edges(self, numbers: np.ndarray) -> np.ndarray:
        """The lower edge of the bucket of each int64 or float64; NaN for NaN."""

    def validate_type(self, kind: pa.DataType) -> None:
        if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise ValueError(f"generalize needs numbers, or text with numbers, not {kind}")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        if is_text(values.type):
            return map_text(values, self._operate_text)
        wide = np.int64 if pa.types.is_integer(values.type) else np.float64
        numbers = values.to_numpy(zero_copy_only=False).astype(wide)
        with np.errstate(invalid="ignore"):
            return pa.array(self.lower_edges(numbers)).cast(values.type)

    def _operate_text(self, text: str) -> str:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
        return format(float(self.lower_edges(np.array([number]))[0]), ".17g")
