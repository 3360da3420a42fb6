"""Credentials drawn at random; no line here looks like one to a secret scanner."""

from __future__ import annotations

import base64
import json
import string
from random import Random

_ALPHABET = string.ascii_letters + string.digits
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HEX = "0123456789abcdef"
# Prefix, alphabet and length of what follows it.
_PREFIXED = (
    ("AK" + "IA", _CAPITALS, 16),
    ("gh" + "p_", _ALPHABET, 36),
    ("gl" + "pat-", _ALPHABET + "-_", 20),
    ("AI" + "za", _ALPHABET + "-_", 35),
    ("xo" + "xb-", string.digits, 24),
    ("sk" + "_live_", _ALPHABET, 24),
    ("rk" + "_test_", _ALPHABET, 24),
    ("sk" + "-proj-", _ALPHABET + "_", 48),
    ("np" + "m_", _ALPHABET, 36),
    ("hf" + "_", string.ascii_letters, 34),
    ("hv" + "s.", _ALPHABET, 24),
    ("da" + "pi", _HEX, 32),
)


def api_key(random: Random) -> tuple[str, str]:
    """A text with ``{}`` in place of the secret, and the secret."""
    sort = random.randrange(10)
    if sort == 0:
        return "{}", _jwt(random)
    if sort == 1:
        return "{}", _private_key(random)
    if sort == 2:
        return "Authorization: Bearer {}", _drawn(random, _ALPHABET, 40)
    prefix, alphabet, size = random.choice(_PREFIXED)
    return random.choice(["{}", "key {} used", "key={}"]), prefix + _drawn(random, alphabet, size)


def url_credentials(random: Random) -> tuple[str, str]:
    """A URL with ``{}`` in place of the secret, and the secret."""
    if random.random() < 0.5:
        scheme = random.choice(["https", "postgresql", "amqp", "redis"])
        return scheme + "://{}@db.example.com:5432/a", f"svc{random.randrange(99)}:" + _drawn(
            random, _ALPHABET + "!$", 12
        )
    name = random.choice(
        ["access_token", "api_key", "apikey", "token", "password", "X-Amz-Signature"]
    )
    end = random.choice(["", "&page=2", "#top"])
    return f"https://api.example.com/v1/x?a=1&{name}={{}}{end}", _drawn(random, _ALPHABET, 24)


def _drawn(random: Random, alphabet: str, size: int) -> str:
    return "".join(random.choices(alphabet, k=size))


def _jwt(random: Random) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": _drawn(random, string.digits, 8)})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), _drawn(random, _ALPHABET, 43)])


def _private_key(random: Random) -> str:
    kind = random.choice(["", "RSA ", "EC "]) + "PRIVATE KEY"
    return f"-----BEGIN {kind}-----\n{_drawn(random, _ALPHABET, 64)}\n-----END {kind}-----"
