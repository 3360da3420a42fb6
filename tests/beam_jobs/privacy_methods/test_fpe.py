import re
import string

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tfx_vigil.beam_jobs.domain_keys import DomainKeys
from tfx_vigil.beam_jobs.privacy_methods import FieldPolicy, Fpe
from tfx_vigil.beam_jobs.privacy_methods.fpe import ALPHABETS

from .treating import KEYS, NEXT_KEYS, OTHER_DOMAIN, TEXT_TYPES, operate

NIST_KEY = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94"


class NistKeys(DomainKeys):
    def __init__(self):
        super().__init__(b"", b"", 1, "riders")

    def versioned(self, purpose, size=32):
        return bytes.fromhex(NIST_KEY)


@pytest.mark.parametrize(
    ("method", "plain", "encrypted"),
    [  # NIST's samples 7 to 9 for FF1, AES-256
        (Fpe(), "0123456789", "6657667009"),
        (Fpe(), "(012) 345-6789", "(665) 766-7009"),
        (Fpe(tweak="9876543210"), "0123456789", "1001623463"),
        (Fpe(alphabet="lower", tweak="7777pqrs777"), "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
        (Fpe(alphabet="upper", tweak="7777pqrs777"), "0123456789ABCDEFGHI", "XS8A0AZH2AVYALYZUWD"),
        (Fpe(alphabet="abcdefghij"), "abcdefghij", "ggfhgghaaj"),
    ],
)
def test_nist_s_samples_with_separators_in_place(method, plain, encrypted):
    for kind in TEXT_TYPES:
        treated = method.operate(pa.array([plain.encode()], pa.binary()).cast(kind), NistKeys())
        assert treated.type == kind
        assert treated.cast(pa.string()).to_pylist() == [encrypted]
        assert method.reverse(treated, NistKeys()).cast(pa.string()).to_pylist() == [plain]


def test_an_integer_is_its_decimal_text():
    assert operate(Fpe(), [41555501, -41555501]) == operate(Fpe(), ["41555501", "-41555501"])


@pytest.mark.parametrize(
    ("method", "value"),
    [
        (Fpe(), ""),
        (Fpe(), "12345"),
        (Fpe(), "1-2-3-4-5"),
        (Fpe(), "Ada 312 555 0142"),
        (Fpe(), "312\n555\n0142"),
        (Fpe(), "312٣555٣0142"),
        (Fpe(), "1" * 257),
        (Fpe(alphabet="lower"), "abc"),
        (Fpe(alphabet="lower"), "Ada1815"),
        (Fpe(alphabet="alphanumeric"), "a@b.c"),
        (Fpe(alphabet="alphanumeric"), "zoë@example.org"),
    ],
)
def test_what_cannot_be_encrypted_is_redacted_and_not_left_raw(method, value):
    assert operate(method, [value, "[REDACTED]", "4155550142"])[:2] == ["[REDACTED]"] * 2


def test_bytes_that_are_no_utf_8_are_redacted():
    assert operate(Fpe(), [b"\xff123456789"], pa.binary()) == [b"[REDACTED]"]


TEXTS = st.text(string.ascii_letters + string.digits + "-@. +", max_size=40)


@given(
    st.lists(TEXTS, max_size=20, unique=True),
    st.sampled_from(["digits", "lower", "upper", "alphanumeric"]),
)
@settings(max_examples=100, deadline=None)
def test_pseudonyms_keep_the_format_are_told_apart_and_come_back(values, alphabet):
    method = Fpe(alphabet=alphabet)
    treated = operate(method, values, pa.string())
    pairs = [(v, t) for v, t in zip(values, treated, strict=True) if t != "[REDACTED]"]
    assert len({text for _, text in pairs}) == len(pairs)
    for value, text in pairs:
        assert re.sub("[0-9A-Za-z]", "x", text) == re.sub("[0-9A-Za-z]", "x", value)
        assert {*text} - {*" -@.+"} <= {*ALPHABETS[alphabet]}
    back = method.reverse(pa.array(treated, pa.string()), KEYS).to_pylist()
    assert back == [v if t != "[REDACTED]" else t for v, t in zip(values, treated, strict=True)]


def test_an_alphabet_may_hold_a_separator():
    method = Fpe(alphabet="0123456789-")
    [text] = operate(method, ["312-555-0142"])
    assert operate(Fpe(), ["312-555-0142"]) != [text]
    assert method.reverse(pa.array([text]), KEYS).to_pylist() == ["312-555-0142"]


def test_domain_version_and_tweak_give_other_pseudonyms():
    value = ["4111 1111 1111 1111"]
    treated = [operate(Fpe(), value, keys=keys)[0] for keys in (KEYS, NEXT_KEYS, OTHER_DOMAIN)]
    assert len({*treated, *operate(Fpe(tweak="cards"), value)}) == 4


def test_rewrap_moves_all_that_it_can_decrypt_and_leaves_the_rest():
    mine = Fpe().operate(pa.array(["312-555-0142", "12345"]), KEYS)
    others = pa.array(["v1.abc", ""])
    moved = Fpe().rewrap(pa.concat_arrays([mine, others]), KEYS, NEXT_KEYS).to_pylist()
    assert moved[:2] == operate(Fpe(), ["312-555-0142", "12345"], keys=NEXT_KEYS)
    assert moved[2:] == ["v1.abc", ""]


@pytest.mark.parametrize("value", ["v1.abc", "12345", ""])
def test_what_fpe_never_makes_is_not_reversed(value):
    with pytest.raises(ValueError, match="no fpe pseudonym"):
        Fpe().reverse(pa.array(["312-555-0142", value]), KEYS)


def test_a_slice_of_an_array_is_treated_as_its_values():
    whole = pa.array(["x", "312-555-0142", "", "4111111111111111", "y"], pa.large_binary())
    assert Fpe().operate(whole[1:4], KEYS).equals(Fpe().operate(whole, KEYS)[1:4])


@pytest.mark.parametrize("alphabet", ["", "0", "0120", "äöü", "01\n"])
def test_alphabets_that_make_no_sense_are_refused(alphabet):
    with pytest.raises(ValidationError, match=r"different characters|printable ASCII"):
        Fpe(alphabet=alphabet)


@pytest.mark.parametrize("name", ["ff3", "FF3-1", "ff3_1"])
def test_ff3_is_refused_with_the_reason(name):
    with pytest.raises(ValidationError, match=r"NIST withdrew FF3 and FF3-1.*use fpe"):
        TypeAdapter(FieldPolicy).validate_python({"method": name})


def test_floats_are_refused():
    with pytest.raises(ValueError, match="redact or generalize"):
        Fpe().validate_type(pa.float64())
