"""The data contract of logged features: what is required, of which type, in which domain."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, FiniteFloat, model_validator

from .parameters import Parameters

Kind = Literal["int", "float", "string"]


class FieldRule(Parameters):
    """What a feature promises.

    required: each row has a value; null, NaN and an empty list are none.
    min, max: bounds of each value, included; of floats as float32 holds them.
    values: all values there are.
    min_values, max_values: how many values a row has that has any; a scalar is one.
    """

    kind: Kind | None = None
    required: bool = False
    min: int | FiniteFloat | None = None
    max: int | FiniteFloat | None = None
    values: list[str | int] | None = Field(None, min_length=1)
    min_values: int | None = Field(None, ge=0)
    max_values: int | None = Field(None, ge=1)

    @property
    def is_number(self) -> bool:
        return self.kind in ("int", "float") or self.min is not None or self.max is not None

    @model_validator(mode="after")
    def _check(self) -> FieldRule:
        for low, high in (("min", "max"), ("min_values", "max_values")):
            bounds = getattr(self, low), getattr(self, high)
            if None not in bounds and bounds[0] > bounds[1]:
                raise ValueError(f"{low} {bounds[0]} is over {high} {bounds[1]}")
        if self.kind == "string" and self.is_number:
            raise ValueError("strings have no min and max")
        if self.is_number and not all(type(value) is int for value in self.values or ()):
            raise ValueError("the values of a number must be integers")
        return self


class DataContract(Parameters):
    """Rules of a TFDV schema (``schema_file``, a schema.pbtxt on any filesystem Beam knows) and of
    ``fields``: a field's rule stands in place of the schema's.

    on_violation: ``dead_letter`` takes the row out; ``mark`` keeps it, and says what is wrong in
      the column ``log_violations``.
    """

    schema_file: str | None = None
    fields: dict[str, FieldRule] = {}
    on_violation: Literal["dead_letter", "mark"] = "dead_letter"
