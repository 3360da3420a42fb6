"""Postcodes to their first characters."""

from __future__ import annotations

import re
from typing import Literal

import pyarrow as pa
from pydantic import Field

from .contract import ValueMethod, is_text
from .texts import map_text

_POSTCODE = re.compile(r"[A-Z0-9]{3,10}", re.ASCII)


class GeneralizePostcode(ValueMethod):
    """Replaces a postcode by its first ``prefix`` letters and digits: ``60614`` by ``606``.

    Spaces and hyphens are left out and letters become upper case: ``sw1a 1aa`` and ``SW1A-1AA``
    are one postcode. Text that is none, of 3 to 10 letters and digits, or that has no more than
    ``prefix`` of them, becomes ``[REDACTED]``. Numbers are refused, for they lose leading zeros.

    Reference: 45 CFR 164.514(b)(2)(i)(B) (HIPAA Safe Harbor): the first three digits, where more
    than 20,000 people live under them.
    """

    method: Literal["generalize"] = "generalize"
    kind: Literal["postcode"] = "postcode"
    prefix: int = Field(default=3, ge=1, le=9)

    def suits_feature(self, kind: str) -> bool:
        return True

    def validate_type(self, kind: pa.DataType) -> None:
        if not is_text(kind):
            raise ValueError(f"generalize postcode needs text, not {kind}")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        return map_text(values, self._area)

    def _area(self, text: str) -> str:
        code = re.sub(r"[ -]", "", text).upper()
        if not _POSTCODE.fullmatch(code) or len(code) <= self.prefix:
            raise ValueError
        return code[: self.prefix]
