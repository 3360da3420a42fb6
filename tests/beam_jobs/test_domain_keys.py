import copy
import pickle

import pytest
from tfx_vigil.beam_jobs.domain_keys import DomainKeys

ROOT, FIRST, SECOND = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
KEYS = DomainKeys(ROOT, FIRST, 1, "riders")


@pytest.mark.parametrize(
    ("derive", "expected"),
    [  # openssl kdf -keylen 32 -kdfopt digest:SHA256 ... -kdfopt info:<purpose and domain> HKDF
        (KEYS.lasting, "2184c9c136094356935c2c85bd21448161c93f605b5e3777f6ab6d2332261b1f"),
        (KEYS.versioned, "6489c16f94f3f22f1f9bf6f94020b95a62b17bd22d644f80dfd498058e3dfc20"),
    ],
)
def test_keys_are_those_of_hkdf(derive, expected):
    assert derive("hmac").hex() == expected


def test_no_two_purposes_domains_versions_or_lifetimes_share_a_key():
    keys = [
        derive(purpose)
        for domain in ("riders", "drivers")
        for version, material in ((1, FIRST), (2, SECOND))
        for keyring in [DomainKeys(ROOT, material, version, domain)]
        for purpose in ("hmac", "fpe")
        for derive in (keyring.versioned, *([keyring.lasting] if version == 1 else []))
    ]
    assert len(set(keys)) == len(keys) == 12


def test_lasting_keys_outlive_the_version():
    assert DomainKeys(ROOT, SECOND, 2, "riders").lasting("hmac") == KEYS.lasting("hmac")
    assert (KEYS.label, DomainKeys(ROOT, SECOND, 12, "riders").label) == (b"v1.", b"v12.")


def test_a_key_has_the_size_asked_for():
    assert len(KEYS.versioned("aes_siv", 64)) == 64


def test_secrets_are_hidden_and_cannot_be_pickled_or_copied():
    assert repr(KEYS) == "DomainKeys(version=1, keys hidden)"
    for copier in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            copier(KEYS)
