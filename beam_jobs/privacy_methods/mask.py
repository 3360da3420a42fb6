"""Masking: some characters stay, for people to recognise a value by."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
from pydantic import Field

from .contract import ValueMethod, require_text_or_integers
from .texts import map_text


class Mask(ValueMethod):
    """Keeps a value's first and last characters and masks the others: ``************1111``.

    A value of which fewer than ``min_masked`` characters would be masked is masked whole.

    What stays is raw, and equal values stay equal: a masked field is still personal data, and its
    values are no pseudonyms, for many people share one.

    Args:
      keep_first, keep_last: how many characters (Unicode code points) stay.
      character: what masks a character.
      hide_length: always ``min_masked`` masking characters, however many there were.
      min_masked: the fewest characters that hide something.

    Reference: PCI DSS 4.0, requirement 3.4, lets at most the first six and last four digits of a
    payment card number be displayed.
    """

    method: Literal["mask"] = "mask"
    keep_first: int = Field(default=0, ge=0)
    keep_last: int = Field(default=0, ge=0)
    character: str = Field(default="*", min_length=1, max_length=1)
    hide_length: bool = False
    min_masked: int = Field(default=4, ge=1)

    def validate_type(self, kind: pa.DataType) -> None:
        require_text_or_integers(self.method, kind)

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        return map_text(values, self._masked)

    def _masked(self, text: str) -> str:
        first, last = self.keep_first, self.keep_last
        if len(text) < first + last + self.min_masked:
            first = last = 0
        masked = self.min_masked if self.hide_length else len(text) - first - last
        return text[:first] + self.character * masked + text[len(text) - last :]
