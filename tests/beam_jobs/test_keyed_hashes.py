import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.keyed_hashes import keyed_hashes

# RFC 4231, cases 1 to 5, whose keys are no longer than a block: key, data, HMAC-SHA-256.
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
]


@pytest.mark.parametrize(("key", "data", "expected"), RFC_4231)
def test_hashes_are_the_vectors_of_rfc_4231(key, data, expected):
    size = len(expected) // 2
    assert [tag.hex() for tag in keyed_hashes(key, [data, data], size)] == [expected] * 2


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200)), st.integers(1, 32))
@settings(max_examples=100, deadline=None)
def test_hashes_are_python_s_hmac(key, values, size):
    expected = [hmac.digest(key, value, hashlib.sha256)[:size] for value in values]
    assert keyed_hashes(key, values, size) == expected


def test_longer_keys_are_refused():
    with pytest.raises(ValueError, match="at most 64 bytes"):
        keyed_hashes(bytes(65), [b""], 32)
