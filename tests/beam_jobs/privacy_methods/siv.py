"""AES-SIV as RFC 5297 defines it, from CMAC and CTR: slow, and independent of the methods."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.cmac import CMAC

_MASK = 2**128 - 1


def siv_encrypt(key: bytes, plain: bytes, associated: list[bytes]) -> bytes:
    half = len(key) // 2
    tag = _s2v(key[:half], [*associated, plain])
    counter = int.from_bytes(tag, "big") & ~(1 << 63 | 1 << 31)
    encryptor = Cipher(AES(key[half:]), CTR(counter.to_bytes(16, "big"))).encryptor()
    return tag + encryptor.update(plain)


def _s2v(key: bytes, strings: list[bytes]) -> bytes:
    *heads, last = strings
    state = _cmac(key, bytes(16))
    for text in heads:
        state = _xor(_doubled(state), _cmac(key, text))
    if len(last) >= 16:
        return _cmac(key, last[:-16] + _xor(last[-16:], state))
    return _cmac(key, _xor(_doubled(state), (last + b"\x80").ljust(16, b"\0")))


def _cmac(key: bytes, text: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(text)
    return mac.finalize()


def _doubled(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    return (number & _MASK ^ (0x87 if number > _MASK else 0)).to_bytes(16, "big")


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))
