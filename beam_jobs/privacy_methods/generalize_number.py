"""Numbers to buckets."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, FiniteFloat, model_validator

from .buckets import Buckets


class GeneralizeNumber(Buckets):
    """Replaces a number by the lower edge of its bucket.

    Give ``width`` for buckets [k width, (k+1) width), or ascending ``edges``: a value becomes
    the largest edge that is not above it, and below the first edge the first edge (bottom
    coding; the last edge top-codes). Integers need whole widths or edges. Text that is no finite
    number becomes ``[REDACTED]``.

    A bucket hides a person only among those who share it: see k-anonymity in the PrivacyReport.

    Reference: Samarati and Sweeney (1998), generalization; top and bottom coding: Willenborg and
    de Waal (2001), Elements of Statistical Disclosure Control.
    """

    kind: Literal["number"] = "number"
    width: FiniteFloat | None = Field(default=None, gt=0)
    edges: tuple[FiniteFloat, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_way(self) -> GeneralizeNumber:
        if (self.width is None) == (self.edges is None):
            raise ValueError("give either width or edges")
        if self.edges and any(a >= b for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must ascend")
        return self

    def validate_type(self, kind: pa.DataType) -> None:
        super().validate_type(kind)
        steps = self.edges or (self.width,)
        if pa.types.is_integer(kind) and not all(float(step).is_integer() for step in steps):
            raise ValueError(f"width or edges must be whole for a field of {kind}")

    def lower_edges(self, numbers: np.ndarray) -> np.ndarray:
        if self.edges:
            edges = np.array(self.edges).astype(numbers.dtype)
            lower = edges[np.maximum(np.searchsorted(edges, numbers, side="right") - 1, 0)]
            return np.where(np.isnan(numbers), numbers, lower)
        return numbers - numbers % numbers.dtype.type(self.width)
