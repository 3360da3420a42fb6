import string

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.privacy_methods.ff1 import FF1, MIN_DOMAIN

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94")
SHORT, LONG = b"9876543210", b"7777pqrs777"
NUMERALS = string.digits + string.ascii_lowercase
# NIST's sample vectors for FF1: bytes of KEY, radix, tweak, plaintext, ciphertext.
SAMPLES = [
    (16, 10, b"", "0123456789", "2433477484"),
    (16, 10, SHORT, "0123456789", "6124200773"),
    (16, 36, LONG, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (24, 10, b"", "0123456789", "2830668132"),
    (24, 10, SHORT, "0123456789", "2496655549"),
    (24, 36, LONG, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (32, 10, b"", "0123456789", "6657667009"),
    (32, 10, SHORT, "0123456789", "1001623463"),
    (32, 36, LONG, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


def rows(*texts):
    return np.array([[NUMERALS.index(character) for character in text] for text in texts])


@pytest.mark.parametrize(("size", "radix", "tweak", "plain", "encrypted"), SAMPLES)
def test_nist_s_samples(size, radix, tweak, plain, encrypted):
    cipher = FF1(KEY[:size], radix, tweak)
    treated = cipher.encrypt(rows(plain, plain[::-1]))
    assert treated[0].tolist() == rows(encrypted)[0].tolist()
    assert cipher.decrypt(treated).tolist() == rows(plain, plain[::-1]).tolist()


def one_by_one(key, radix, tweak, numerals):
    """Algorithm 7 of SP 800-38G, step by step."""

    def number(digits):
        total = 0
        for digit in digits:
            total = total * radix + digit
        return total

    def prf(text):
        return Cipher(AES(key), CBC(bytes(16))).encryptor().update(text)[-16:]

    n, t = len(numerals), len(tweak)
    u = n // 2
    v = n - u
    a, b = numerals[:u], numerals[u:]
    size = -(-(radix**v - 1).bit_length() // 8)
    d = 4 * -(-size // 4) + 4
    p = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256])
    p += n.to_bytes(4, "big") + t.to_bytes(4, "big")
    for i in range(10):
        q = tweak + bytes((-t - size - 1) % 16) + bytes([i]) + number(b).to_bytes(size, "big")
        r = prf(p + q)
        s, j = r, 1
        while len(s) < d:
            s += prf(bytes(x ^ y for x, y in zip(r, j.to_bytes(16, "big"), strict=True)))
            j += 1
        m = u if i % 2 == 0 else v
        c = (number(a) + int.from_bytes(s[:d], "big")) % radix**m
        a, b = b, [c // radix ** (m - 1 - k) % radix for k in range(m)]
    return a + b


@given(st.data(), st.sampled_from([2, 3, 10, 36, 62, 95]), st.binary(max_size=40))
@settings(max_examples=150, deadline=None)
def test_many_strings_at_once_are_encrypted_as_one_by_one(data, radix, tweak):
    shortest = next(n for n in range(2, 21) if radix**n >= MIN_DOMAIN)
    length = data.draw(st.integers(shortest, 70))
    numeral = st.integers(0, radix - 1)
    strings = data.draw(
        st.lists(st.lists(numeral, min_size=length, max_size=length), min_size=1, max_size=4)
    )
    key = KEY[: data.draw(st.sampled_from([16, 24, 32]))]
    cipher = FF1(key, radix, tweak)
    treated = cipher.encrypt(np.array(strings))
    assert treated.tolist() == [one_by_one(key, radix, tweak, s) for s in strings]
    assert cipher.decrypt(treated).tolist() == strings


@pytest.mark.parametrize("numeral", ["first", "last"])
@pytest.mark.parametrize(("radix", "length"), [(36, 12), (36, 22), (36, 24), (2, 126), (2, 127)])
def test_the_largest_numbers_of_each_arithmetic_come_back(radix, length, numeral):
    strings = np.full((3, length), 0 if numeral == "first" else radix - 1)
    cipher = FF1(KEY, radix)
    treated = cipher.encrypt(strings)
    assert treated[0].tolist() == one_by_one(KEY, radix, b"", strings[0].tolist())
    assert cipher.decrypt(treated).tolist() == strings.tolist()


def test_a_whole_domain_is_permuted():
    weights = 10 ** np.arange(6)
    every = np.arange(10**6)[:, None] // weights % 10
    assert len(np.unique(FF1(KEY, 10).encrypt(every) @ weights)) == 10**6


@pytest.mark.parametrize(
    ("radix", "length"), [(10, 5), (36, 3), (62, 3), (2, 19), (10, 0), (10, 1)]
)
def test_domains_below_a_million_are_refused(radix, length):
    for direction in (FF1(KEY, radix).encrypt, FF1(KEY, radix).decrypt):
        with pytest.raises(ValueError, match="1000000 possible strings"):
            direction(np.zeros((1, length), int))
