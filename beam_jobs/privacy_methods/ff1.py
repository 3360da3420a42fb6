"""FF1 of NIST SP 800-38G, on many numeral strings of one length at once.

The FF1 libraries on PyPI treat one string a call, at some 40 us; here the ten AES rounds of all
strings go through ``cryptography``'s AES together, and the arithmetic through numpy.
"""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

MIN_DOMAIN = 10**6
_ROUNDS, _BLOCK = 10, 16
_FITS_64_BITS = 2**63
"""Up to it numbers and their doubles are 64-bit integers; above, numpy holds Python's."""


class FF1:
    """The permutation of strings of one length that a key and a tweak name.

    Args:
      key: of AES: 16, 24 or 32 bytes.
      radix: how many numerals there are, 2 to 2^16.
      tweak: need not be secret.

    Reference: NIST SP 800-38G (2016), algorithms 7 and 8; Revision 1 (second draft, 2025) demands
    domains of at least a million strings.
    """

    def __init__(self, key: bytes, radix: int, tweak: bytes = b""):
        self._encrypt_blocks = Cipher(AES(key), ECB()).encryptor().update
        self._radix = radix
        self._tweak = tweak

    def encrypt(self, numerals: np.ndarray) -> np.ndarray:
        """Encrypts each row of a matrix of numerals.

        Raises:
          ValueError: there are fewer than a million strings of this length.
        """
        left, right, lengths, function = self._start(numerals)
        for step in range(_ROUNDS):
            modulus = self._radix ** lengths[step % 2]
            left, right = right, (left + function(step, right, modulus)) % modulus
        return self._joined(left, right, lengths)

    def decrypt(self, numerals: np.ndarray) -> np.ndarray:
        """The inverse of ``encrypt``."""
        left, right, lengths, function = self._start(numerals)
        for step in reversed(range(_ROUNDS)):
            modulus = self._radix ** lengths[step % 2]
            left, right = (right + (modulus - function(step, left, modulus))) % modulus, left
        return self._joined(left, right, lengths)

    def _start(self, numerals: np.ndarray) -> tuple:
        length = numerals.shape[1]
        if self._radix**length < MIN_DOMAIN:
            raise ValueError(f"FF1 needs {MIN_DOMAIN} possible strings of a length or more")
        half = length // 2
        lengths = (half, length - half)
        kind = np.uint64 if self._radix ** lengths[1] <= _FITS_64_BITS else object
        left = self._number(numerals[:, :half], kind)
        right = self._number(numerals[:, half:], kind)
        return left, right, lengths, self._round_function(length, lengths[1])

    def _round_function(self, length: int, longer: int):
        number_bytes = -(-(self._radix**longer - 1).bit_length() // 8)
        output_bytes = 4 * -(-number_bytes // 4) + 4
        tweak = self._tweak
        head = bytes([1, 2, 1]) + self._radix.to_bytes(3, "big") + bytes([10, length // 2 % 256])
        head += length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        first = np.frombuffer(self._encrypt_blocks(head), np.uint8)
        constant = tweak + bytes((-len(tweak) - number_bytes - 1) % _BLOCK)

        def function(step: int, numbers: np.ndarray, modulus: int) -> np.ndarray:
            blocks = np.empty((len(numbers), len(constant) + 1 + number_bytes), np.uint8)
            blocks[:, : len(constant)] = np.frombuffer(constant, np.uint8)
            blocks[:, len(constant)] = step
            for place in range(number_bytes):
                shift = 8 * (number_bytes - 1 - place)
                blocks[:, len(constant) + 1 + place] = numbers >> shift & 255
            state = first
            for start in range(0, blocks.shape[1], _BLOCK):
                state = self._encrypted(blocks[:, start : start + _BLOCK] ^ state)
            stream = [state]
            for count in range(1, -(-output_bytes // _BLOCK)):
                mask = np.frombuffer(count.to_bytes(_BLOCK, "big"), np.uint8)
                stream.append(self._encrypted(state ^ mask))
            return _remainder(np.hstack(stream)[:, :output_bytes], modulus, numbers.dtype)

        return function

    def _encrypted(self, blocks: np.ndarray) -> np.ndarray:
        return np.frombuffer(self._encrypt_blocks(blocks.tobytes()), np.uint8).reshape(blocks.shape)

    def _number(self, numerals: np.ndarray, kind: type) -> np.ndarray:
        number = np.zeros(len(numerals), kind)
        for column in numerals.T.astype(kind):
            number = number * self._radix + column
        return number

    def _joined(self, left: np.ndarray, right: np.ndarray, lengths: tuple[int, int]) -> np.ndarray:
        return np.hstack([self._numerals(left, lengths[0]), self._numerals(right, lengths[1])])

    def _numerals(self, number: np.ndarray, length: int) -> np.ndarray:
        numerals = np.empty((len(number), length), np.int32)
        for place in reversed(range(length)):
            number, numerals[:, place] = number // self._radix, number % self._radix
        return numerals


def _remainder(numbers: np.ndarray, modulus: int, kind: np.dtype) -> np.ndarray:
    """Big-endian numbers, a row of bytes each, modulo ``modulus``."""
    room = 32 if kind.hasobject else 64 - (modulus - 1).bit_length()
    step = next(bits for bits in (32, 8, 4, 2, 1) if bits <= room)
    if step == 32:
        digits = np.ascontiguousarray(numbers).view(">u4")
    else:
        shifts = np.arange(8 - step, -1, -step, dtype=np.uint8)
        digits = numbers[:, :, None] >> shifts & np.uint8(2**step - 1)
    remainder = np.zeros(len(numbers), kind)
    for column in digits.reshape(len(numbers), -1).T.astype(kind):
        remainder = (remainder * 2**step + column) % modulus
    return remainder
