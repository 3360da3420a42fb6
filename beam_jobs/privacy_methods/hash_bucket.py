"""Keyed hashing into buckets, for models that learn from identifiers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from ..domain_keys import DomainKeys
from ..keyed_hashes import keyed_hashes
from .contract import ValueMethod, from_bytes, require_text_or_integers, to_bytes


class HashBucket(ValueMethod):
    """Replaces a value by one of ``buckets`` numbers from 0.

    The first 64 bits of HMAC-SHA-256 under a key of the domain, modulo ``buckets``. Without the
    key nobody can tell which values a bucket holds. A value keeps its bucket in all key versions,
    or models would have to be trained anew after each rotation; so buckets of one domain stay
    linkable as long as the keyset is kept.

    Of n distinct values, n - b (1 - (1 - 1/b)^n) are expected to find their bucket of b taken by
    another: 37 % of as many values as buckets, 57 % of twice as many. Only where many values
    share each bucket does a bucket hide a person: with more buckets than people it is a pseudonym.

    Args:
      buckets: how many.
      output: ``integer`` (int64), or ``text``, its decimal text in the field's own type; for a
        model's feature that is declared a string.

    Reference: Weinberger et al. (2009), Feature hashing for large scale multitask learning;
    RFC 2104.
    """

    is_keyed: ClassVar[bool] = True
    method: Literal["hash_bucket"] = "hash_bucket"
    buckets: int = Field(ge=2, le=2**31)
    output: Literal["integer", "text"] = "integer"

    def suits_feature(self, kind: str) -> bool:
        return kind == ("int" if self.output == "integer" else "string")

    def validate_type(self, kind: pa.DataType) -> None:
        require_text_or_integers(self.method, kind)

    def operate(self, values: pa.Array, keys: DomainKeys | None) -> pa.Array:
        heads = keyed_hashes(keys.lasting(self.method), to_bytes(values), 8)
        numbers = (np.frombuffer(b"".join(heads), ">u8") % self.buckets).astype(np.int64)
        if self.output == "integer":
            return pa.array(numbers)
        return from_bytes([b"%d" % number for number in numbers.tolist()], values.type)
