"""What every method offers: Presidio's operator contract, over Arrow arrays instead of text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import pyarrow as pa

from ..domain_keys import DomainKeys
from ..parameters import Parameters

REDACTED = "[REDACTED]"
Role = Literal["direct_identifier", "quasi_identifier", "sensitive", "subject_id"]


class Method(Parameters, ABC):
    """One way to treat a field; its parameters are the fields of the pydantic model.

    ``role``: what the field is in the policy, see ``PrivacyConfig``.
    """

    is_keyed: ClassVar[bool] = False
    method: str
    role: Role | None = None

    @property
    def drops_field(self) -> bool:
        """Whether the field is left out, whatever its type; nothing else is called then."""
        return False

    def suits_feature(self, kind: Literal["float", "int", "string"]) -> bool:
        """Whether a model can still learn from a feature of ``kind`` that was treated."""
        return False

    def with_paths(self, at: Callable[[str], str]) -> Method:
        """The method with ``at`` of each path in its parameters."""
        return self

    def prepare(self) -> None:
        """Reads the files that the method needs. Called where a job is built, so that all its
        workers use the same content.

        Raises:
          ValueError: names file and line of what is wrong.
        """

    @abstractmethod
    def validate_type(self, kind: pa.DataType) -> None:
        """Raises ValueError, which says what to do, when values of ``kind`` can't be treated."""


class ValueMethod(Method):
    """Treats equal values equally."""

    @abstractmethod
    def operate(self, values: pa.Array, keys: DomainKeys | None) -> pa.Array:
        """Treats distinct values.

        Args:
          values: distinct values without nulls, of a type that ``validate_type`` accepts.
          keys: None when no field of the policy needs them.

        Returns:
          One output value, not null, for each input value, in order.
        """


class Pseudonym(ValueMethod):
    """Replaces a value by one that stands for it, and that the key's holder finds again.

    ``is_labelled``: its text begins with the label of the key version that made it.
    """

    is_keyed: ClassVar[bool] = True
    is_labelled: ClassVar[bool] = True

    @abstractmethod
    def rewrap(self, values: pa.Array, old: DomainKeys, new: DomainKeys) -> pa.Array:
        """The pseudonyms of version ``old`` among distinct ``values`` as those of ``new``; all
        else as it is."""


class Reversible(Pseudonym):
    """A pseudonym from which the key's holder gets the value back."""

    @abstractmethod
    def reverse(self, values: pa.Array, keys: DomainKeys) -> pa.Array:
        """The values behind distinct pseudonyms of one version.

        Raises:
          ValueError: a value is no pseudonym of these keys; the message does not quote it.
        """


class RowMethod(Method):
    """Treats a value by more than itself: equal values may become different ones."""

    @property
    def subject_field(self) -> str | None:
        """The field whose raw value in the same row it needs."""
        return None

    @abstractmethod
    def operate_rows(
        self, values: pa.Array, subjects: pa.Array | None, keys: DomainKeys | None
    ) -> pa.Array:
        """Treats a column's values, nulls among them, which stay.

        Args:
          subjects: for each value the raw one of ``subject_field`` in its row, the first where it
            has several; None when the method names no such field.
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
    """The values of a text or integer array, as bytes; of integers the decimal text.

    So an id has one pseudonym as a number and as text.
    """
    texts = values if is_text(values.type) else values.cast(pa.string())
    return texts.cast(pa.large_binary()).to_pylist()


def from_bytes(values: list[bytes], kind: pa.DataType) -> pa.Array:
    """An array of the text type ``kind``, or of strings where ``kind`` is no text."""
    return pa.array(values, pa.large_binary()).cast(kind if is_text(kind) else pa.string())


def require_text_or_integers(method: str, kind: pa.DataType) -> None:
    """Raises ValueError for other types; floats are refused, for equal ids may differ by
    rounding."""
    if not (is_text(kind) or pa.types.is_integer(kind)):
        raise ValueError(f"{method} needs text or integers, not {kind}: redact or generalize it")
