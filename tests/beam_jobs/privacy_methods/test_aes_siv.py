import base64

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.privacy_methods import AesSiv

from .siv import siv_encrypt
from .treating import KEYS, NEXT_KEYS, OTHER_DOMAIN, TEXT_TYPES, operate

# RFC 5297, appendix A: key, associated data, plaintext, SIV and ciphertext.
RFC_5297 = [
    (
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        ["101112131415161718191a1b1c1d1e1f2021222324252627"],
        "112233445566778899aabbccddee",
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c",
    ),
    (
        "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
        [
            "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0",
            "09f911029d74e35bd84156c5635688c0",
        ],
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349"
        "562d414553",
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3"
        "f748ba8af829ea64ad544a272e9c485b62a3fd5c0d",
    ),
]


@pytest.mark.parametrize(("key", "associated", "plain", "expected"), RFC_5297)
def test_the_cipher_and_its_reference_give_the_vectors_of_rfc_5297(
    key, associated, plain, expected
):
    key, plain = bytes.fromhex(key), bytes.fromhex(plain)
    associated = [bytes.fromhex(data) for data in associated]
    assert AESSIV(key).encrypt(plain, associated).hex() == expected
    assert siv_encrypt(key, plain, associated).hex() == expected


@given(st.binary(max_size=100))
@settings(max_examples=50, deadline=None)
def test_pseudonyms_are_aes_256_siv_without_associated_data(value):
    expected = siv_encrypt(KEYS.versioned("aes_siv", 64), value, [])
    [text] = operate(AesSiv(), [value], pa.binary())
    assert text == b"v1." + base64.urlsafe_b64encode(expected).rstrip(b"=")
    [text] = operate(AesSiv(encoding="base32"), [value], pa.binary())
    assert text == b"v1." + base64.b32encode(expected).rstrip(b"=").lower()


@pytest.mark.parametrize(
    ("method", "keys", "expected"),
    [  # siv_encrypt under keys of openssl kdf HKDF
        (AesSiv(), KEYS, "v1.r3yAjzrlIuwfRWfSa6UNVi5ZqyaeVO94FV-LUb6uvA"),
        (AesSiv(encoding="base32"), KEYS, "v1.v56ibdz24uroyh2fm7jgxjinkyxftkzgtzko66avl6fvdpvoxq"),
        (AesSiv(), NEXT_KEYS, "v2.zcJS_nCzevZlAho95SSMl1j2t7OuSDh7i3dFrHPErQ"),
        (AesSiv(), OTHER_DOMAIN, "v1.g4GRp5suP1VCjpUmSNeQ6CTnR8B3A8korZpzf6POkg"),
    ],
)
def test_a_value_has_the_known_pseudonym_in_every_text_type(method, keys, expected):
    for kind in TEXT_TYPES:
        treated = method.operate(pa.array([b"ada@example.com"], pa.binary()).cast(kind), keys)
        assert treated.type == kind
        assert treated.cast(pa.binary()).to_pylist() == [expected.encode()]
        back = method.reverse(treated, keys)
        assert back.type == kind
        assert back.cast(pa.binary()).to_pylist() == [b"ada@example.com"]


def test_integers_come_back_as_text():
    treated = AesSiv().operate(pa.array([42, -7]), KEYS)
    assert treated.equals(AesSiv().operate(pa.array(["42", "-7"]), KEYS))
    assert AesSiv().reverse(treated, KEYS).to_pylist() == ["42", "-7"]


@pytest.mark.parametrize("encoding", ["base64url", "base32"])
def test_what_is_no_pseudonym_of_the_version_is_not_reversed_and_not_rewrapped(encoding):
    method = AesSiv(encoding=encoding)
    # 16 + 15 bytes: their last base64 character has two unused bits, and base32's three.
    [mine], [theirs] = (operate(method, ["x" * 15], keys=keys) for keys in (KEYS, NEXT_KEYS))
    last = {"base64url": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"}
    symbols = last.get(encoding, "abcdefghijklmnopqrstuvwxyz234567")
    other_spelling = mine[:-1] + symbols[symbols.index(mine[-1]) + 1]
    changed = mine[:3] + ("b" if mine[3] == "a" else "a") + mine[4:]
    others = [
        theirs,
        "",
        "v1.",
        "v1.x",
        "[REDACTED]",
        mine[3:],
        mine + "\n",
        other_spelling,
        changed,
    ]
    moved = method.rewrap(pa.array([*others, mine]), KEYS, NEXT_KEYS).to_pylist()
    assert moved == [*others, theirs]
    for other in others:
        with pytest.raises(ValueError, match="no aes_siv pseudonym of key version 1") as error:
            method.reverse(pa.array([mine, other]), KEYS)
        assert not other or other not in str(error.value)


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="redact or generalize"):
        AesSiv().validate_type(pa.float64())
