import base64

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.domain_keys import DomainKeys
from tfx_vigil.beam_jobs.privacy_methods import Hmac

from .treating import KEYS, NEXT_KEYS, OTHER_DOMAIN, TEXT_TYPES, operate

# RFC 4231, section 4: key, data, HMAC-SHA-256 (case 5 truncates to 128 bits, as Hmac does).
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
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


class GivenKey(DomainKeys):
    def __init__(self, key):
        super().__init__(b"", bytes(32), 1, "riders")
        self._key = key

    def lasting(self, purpose, size=32):
        return self._key


def unsealed(pseudonym, keys):
    decryptor = Cipher(AES(keys.versioned("hmac")), ECB()).decryptor()
    return decryptor.update(bytes.fromhex(pseudonym.partition(".")[2])).hex()


@pytest.mark.parametrize(("key", "data", "expected"), RFC_4231)
def test_behind_the_seal_are_the_vectors_of_rfc_4231(key, data, expected):
    keys = GivenKey(key)
    [pseudonym] = operate(Hmac(), [data], pa.binary(), keys)
    assert unsealed(pseudonym.decode(), keys) == expected[:32]


@pytest.mark.parametrize(
    ("method", "keys", "expected"),
    [  # openssl kdf HKDF, openssl dgst -mac HMAC, openssl enc -aes-256-ecb -nopad
        (Hmac(), KEYS, "v1.4fd1972fe3d472a9f80edb5d9719de48"),
        (Hmac(encoding="base32"), KEYS, "v1.j7izol7d2rzkt6ao3nozogo6ja"),
        (Hmac(), NEXT_KEYS, "v2.4fcd03a335f7ef07dc35e01d03f78178"),
        (Hmac(), OTHER_DOMAIN, "v1.fd38c42ddbd11838fa41ec61321866d6"),
    ],
)
def test_a_value_has_the_known_pseudonym_in_every_text_type(method, keys, expected):
    for kind in TEXT_TYPES:
        array = pa.array([b"ada@example.com"], pa.binary()).cast(kind)
        treated = method.operate(array, keys)
        assert treated.type == kind
        assert treated.cast(pa.binary()).to_pylist() == [expected.encode()]


def test_an_integer_has_the_pseudonym_of_its_decimal_text():
    assert operate(Hmac(), [42, -7]) == operate(Hmac(), ["42", "-7"])
    assert Hmac().operate(pa.array([42]), KEYS).type == pa.string()


def test_base32_is_the_rfc_4648_text_of_the_same_block():
    [code], [hexadecimal] = operate(Hmac(encoding="base32"), ["x"]), operate(Hmac(), ["x"])
    padded = code[3:].upper() + "=" * (-len(code[3:]) % 8)
    assert base64.b32decode(padded).hex() == hexadecimal[3:]


@given(
    st.lists(st.binary(max_size=30), unique=True, max_size=30), st.sampled_from(["hex", "base32"])
)
@settings(max_examples=30, deadline=None)
def test_distinct_values_get_distinct_pseudonyms_that_move_to_the_next_version(values, encoding):
    method = Hmac(encoding=encoding)
    first, second = (operate(method, values, pa.binary(), keys) for keys in (KEYS, NEXT_KEYS))
    assert len(set(first)) == len(values)
    assert {len(text) for text in first} <= {len("v1.") + (32 if encoding == "hex" else 26)}
    assert method.rewrap(pa.array(first, pa.binary()), KEYS, NEXT_KEYS).to_pylist() == second
    assert method.rewrap(pa.array(second, pa.binary()), NEXT_KEYS, KEYS).to_pylist() == first


@pytest.mark.parametrize("encoding", ["hex", "base32"])
def test_rewrap_leaves_all_that_is_no_pseudonym_of_the_old_version(encoding):
    method = Hmac(encoding=encoding)
    [mine], [theirs] = operate(method, ["x"]), operate(method, ["x"], keys=NEXT_KEYS)
    others = [
        theirs,
        "",
        "v1.",
        "v1.00",
        "v1.zebra",
        "[REDACTED]",
        mine[3:],
        f"{mine}\n",
        f"{mine}0",
    ]
    others += [mine.upper(), mine[:-1] + "b" * (encoding == "base32"), "v11" + mine[2:]]
    moved = method.rewrap(pa.array([*others, mine]), KEYS, NEXT_KEYS).to_pylist()
    assert moved == [*others, theirs]


def test_other_types_and_shorter_codes_are_refused():
    for kind in (pa.float32(), pa.bool_(), pa.list_(pa.string())):
        with pytest.raises(ValueError, match="redact or generalize"):
            Hmac().validate_type(kind)
    with pytest.raises(ValueError, match="bits"):
        Hmac(bits=64)
