import base64
import hashlib
import hmac

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.privacy_methods import Hmac

from .treating import KEYS, NEXT_KEYS, OTHER_DOMAIN, TEXT_TYPES, operate


def test_behind_the_seal_is_the_hmac_of_the_value():
    decryptor = Cipher(AES(KEYS.versioned("hmac")), ECB()).decryptor()
    [pseudonym] = operate(Hmac(), ["ada@example.com"])
    tag = decryptor.update(bytes.fromhex(pseudonym.removeprefix("v1.")))
    assert tag == hmac.digest(KEYS.lasting("hmac"), b"ada@example.com", hashlib.sha256)[:16]


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
