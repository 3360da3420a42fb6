"""Keys and columns that the tests of the methods share."""

from __future__ import annotations

import pyarrow as pa
from tfx_vigil.beam_jobs.domain_keys import DomainKeys

ROOT, MATERIAL = bytes(range(32)), bytes(range(32, 64))
KEYS = DomainKeys(ROOT, MATERIAL, 1, "riders")
NEXT_KEYS = DomainKeys(ROOT, bytes(range(64, 96)), 2, "riders")
OTHER_DOMAIN = DomainKeys(ROOT, MATERIAL, 1, "drivers")
TEXT_TYPES = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]


def operate(method, values, kind=None, keys=KEYS):
    array = pa.array(values, kind)
    method.validate_type(array.type)
    return method.operate(array, keys).to_pylist()
