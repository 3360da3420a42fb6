"""What every method offers: Presidio's operator contract, over Arrow arrays instead of text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pyarrow as pa

from ..parameters import Parameters

if TYPE_CHECKING:
    from .hmac_sha256 import KeyedMac

REDACTED = "[REDACTED]"


class Method(Parameters, ABC):
    """One way to treat a field; its parameters are the fields of the pydantic model."""

    method: str

    @property
    def drops_field(self) -> bool:
        """Whether the field is left out, whatever its type; nothing else is called then."""
        return False

    @abstractmethod
    def validate_type(self, kind: pa.DataType) -> None:
        """Raises ValueError, which says what to do, when values of ``kind`` can't be treated."""

    @abstractmethod
    def operate(self, values: pa.Array, mac: KeyedMac | None) -> pa.Array:
        """Treats distinct values.

        Args:
          values: distinct values without nulls, of a type that ``validate_type`` accepts.
          mac: the pseudonymization key; None when no field of the policy needs one.

        Returns:
          One output value, not null, for each input value, in order.
        """


def is_text(kind: pa.DataType) -> bool:
    """Whether values of ``kind`` are strings or bytes."""
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def to_bytes(values: pa.Array) -> list[bytes]:
    """The values of a text array, as bytes."""
    return values.cast(pa.large_binary()).to_pylist()


def from_bytes(values: list[bytes], kind: pa.DataType) -> pa.Array:
    """An array of the text type ``kind``."""
    return pa.array(values, pa.large_binary()).cast(kind)
