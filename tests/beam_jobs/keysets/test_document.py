"""Keyset documents: damage, encryption, and what they have always meant."""

import base64
import copy
import hashlib
import hmac
import json
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.keysets import KeysetError, passphrase
from tfx_vigil.beam_jobs.keysets.document import read_document, write_document
from tfx_vigil.beam_jobs.keysets.keyset import new_keyset

from .fixed_keyset import ENCRYPTED, PASSPHRASE, PLAIN

KEYSET = new_keyset("keyset.json").rotated().without(1)


def resealed(change):
    """The document with a change that its digest agrees to."""
    document = json.loads(write_document(KEYSET, None))
    del document["sha256"]
    change(document)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    document["sha256"] = hashlib.sha256(canonical.encode()).hexdigest()
    return json.dumps(document)


def test_a_keyset_survives_its_document():
    assert read_document("keyset.json", resealed(lambda d: None)) == (KEYSET, None)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="no object"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param(resealed(lambda d: d.pop("primary")), id="no primary"),
        pytest.param(resealed(lambda d: d.pop("root")), id="no root"),
        pytest.param(resealed(lambda d: d["versions"].clear()), id="no versions"),
        pytest.param(resealed(lambda d: d.update(primary=7)), id="primary not there"),
        pytest.param(resealed(lambda d: d.update(root="AAAA")), id="short root"),
        pytest.param(resealed(lambda d: d["versions"][1].update(key="AAAA")), id="short key"),
        pytest.param(resealed(lambda d: d["versions"][1].update(key="?" * 44)), id="no base64"),
        pytest.param(resealed(lambda d: d["versions"][1].update(status="new")), id="status"),
        pytest.param(resealed(lambda d: d["versions"].append(d["versions"][0])), id="repeated"),
        pytest.param(resealed(lambda d: d["versions"].append(3)), id="no entry"),
    ],
)
def test_a_document_that_is_no_keyset_gives_one_clear_error(text):
    with pytest.raises(KeysetError, match=r"^here: .*restore it from its copy") as error:
        read_document("here", text)
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_a_primary_that_was_destroyed_is_refused():
    with pytest.raises(KeysetError, match="key version 1 was destroyed"):
        read_document("here", resealed(lambda d: d.update(primary=1)))


@pytest.mark.parametrize("secret", [None, PASSPHRASE])
def test_damage_of_any_byte_is_found_and_no_key_told(secret, monkeypatch, cheap_scrypt):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    text = write_document(KEYSET, secret)
    secrets = [base64.b64encode(key).decode() for key in (KEYSET.root, KEYSET.key(2).material)]

    @settings(deadline=None)
    @given(st.integers(0, len(text) - 1), st.integers(1, 255))
    def flip(at, by):
        damaged = bytearray(text)
        damaged[at] ^= by
        check(bytes(damaged))

    @settings(deadline=None)
    @given(st.integers(0, len(text) - 1))
    def cut(at):
        check(text[:at])

    def check(damaged):
        try:
            read, message = read_document("keyset.json", damaged)[0], ""
        except KeysetError as error:
            read, message = None, str(error)
        # White space and the unused last bits of base64 carry nothing.
        assert read == KEYSET or message.startswith("keyset.json: ")
        assert not any(secret in message for secret in secrets)

    flip()
    cut()
    for at in range(len(text)):
        check(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])


def test_every_part_of_an_encrypted_document_is_bound_to_the_rest(monkeypatch, cheap_scrypt):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    documents = [json.loads(write_document(KEYSET, PASSPHRASE)) for _ in range(2)]
    for part in ("salt", "nonce", "ciphertext"):
        mixed = {**documents[0], part: documents[1][part]}
        with pytest.raises(KeysetError, match="does not open this keyset"):
            read_document("here", json.dumps(mixed))
    for part, other in (("n", 4), ("kdf", "pbkdf2"), ("cipher", "AES-128-GCM"), ("more", 1)):
        with pytest.raises(KeysetError, match="not an encrypted keyset as this tfx-vigil"):
            read_document("here", json.dumps({**documents[0], part: other}))


def test_an_encrypted_document_hides_all_and_says_how_it_is_sealed():
    text = write_document(KEYSET, PASSPHRASE).decode()
    document = json.loads(text)
    assert (document["kdf"], document["n"], document["r"], document["p"]) == ("scrypt", 2**17, 8, 1)
    assert document["cipher"] == "AES-256-GCM"
    for hidden in (KEYSET.root, KEYSET.key(2).material):
        assert base64.b64encode(hidden).decode() not in text
    assert "versions" not in document


def test_another_passphrase_gives_one_clear_error_that_says_where_it_was(monkeypatch):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE.upper())
    with pytest.raises(
        KeysetError, match=f"here: the passphrase from {passphrase.VARIABLE} does not open"
    ) as error:
        read_document("here", ENCRYPTED)
    assert PASSPHRASE.upper() not in str(error.value)


def test_a_short_passphrase_encrypts_nothing():
    with pytest.raises(KeysetError, match="needs 15 characters"):
        write_document(KEYSET, "fourteen chars")


def test_a_passphrase_is_the_same_however_its_letters_are_composed(monkeypatch, cheap_scrypt):
    text = write_document(KEYSET, "Straße nach Zu\u0308rich")
    monkeypatch.setenv(passphrase.VARIABLE, "Straße nach Z\u00fcrich")
    assert read_document("keyset.json", text)[0] == KEYSET


@pytest.mark.parametrize("text", [PLAIN, ENCRYPTED], ids=["plain", "encrypted"])
def test_a_fixed_keyset_means_the_same_for_ever(text, monkeypatch):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    keyset, _ = read_document("here", text)
    assert (keyset.primary, keyset.enabled) == (3, [2, 3])
    assert keyset.root == bytes(range(32))
    assert keyset.key(2).material == bytes(range(32, 64))
    keys = keyset.domain_keys(3, "riders")
    # HKDF-SHA256 (RFC 5869) by hand: one block, from a salt of zeros.
    for made, secret in (
        (keys.lasting("hmac"), bytes(range(32))),
        (keys.versioned("hmac"), bytes(range(64, 96))),
    ):
        extracted = hmac.digest(bytes(32), secret, "sha256")
        assert made == hmac.digest(extracted, b"tfx-vigil\0hmac\0riders\x01", "sha256")


def test_keys_are_hidden_in_reprs_and_cannot_be_pickled():
    for secret in (KEYSET.root, KEYSET.key(2).material):
        assert str(secret) not in repr(KEYSET)
    for holder in (KEYSET, KEYSET.key(2), KEYSET.domain_keys(2, "riders")):
        for copier in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="never pickled"):
                copier(holder)


def test_nothing_about_a_keyset_is_logged(tmp_path, monkeypatch, caplog, cheap_scrypt):
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    caplog.set_level(logging.DEBUG)
    path = str(tmp_path / "keyset.json")
    keyset = keysets.create(path)
    keysets.rotate(path)
    assert PASSPHRASE not in caplog.text
    assert str(keyset.root) not in caplog.text


def test_a_passphrase_comes_from_an_owner_only_file(tmp_path, monkeypatch):
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    monkeypatch.setenv(passphrase.FILE_VARIABLE, str(file))
    file.chmod(0o644)
    with pytest.raises(KeysetError, match=r"the passphrase \(mode 0644\): chmod 600"):
        read_document("here", ENCRYPTED)
    file.chmod(0o400)
    assert read_document("here", ENCRYPTED)[0].primary == 3
    file.chmod(0o600)
    for content, message in ((b"\n", "no passphrase is in"), (b"\xff", "is no UTF-8")):
        file.write_bytes(content)
        with pytest.raises(KeysetError, match=message):
            read_document("here", ENCRYPTED)


def test_without_a_passphrase_all_its_places_are_named():
    with pytest.raises(keysets.PassphraseNeeded) as error:
        read_document("here", ENCRYPTED)
    for place in (passphrase.VARIABLE, passphrase.FILE_VARIABLE, "keyring set tfx-vigil here"):
        assert place in str(error.value)


def test_the_system_s_keyring_is_asked_last_and_for_encrypted_keysets_only(tmp_path):
    (tmp_path / "own_keyring.py").write_text(
        "import keyring.backend\n"
        "class Own(keyring.backend.KeyringBackend):\n"
        "    priority = 1\n"
        "    set_password = delete_password = None\n"
        "    def get_password(self, service, user):\n"
        "        print('asked', service, user)\n"
        f"        return {PASSPHRASE!r}\n"
    )
    (tmp_path / "keyset.json").write_bytes(ENCRYPTED)
    (tmp_path / "plain.json").write_bytes(PLAIN)
    for name in ("keyset.json", "plain.json"):
        (tmp_path / name).chmod(0o600)
    code = (
        "from tfx_vigil.beam_jobs import keysets\n"
        "print(keysets.load('plain.json').primary, keysets.load('keyset.json').primary)\n"
        f"import os; os.environ[{passphrase.VARIABLE!r}] = {PASSPHRASE!r}\n"
        "print(keysets.load('keyset.json').primary)\n"
    )
    environment = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "own_keyring.Own",
        "PYTHONPATH": f"{tmp_path}:{Path(keysets.__file__).parents[3]}",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    expected = f"asked tfx-vigil {tmp_path}/keyset.json\n3 3\n3\n"
    assert (done.stdout, done.returncode) == (expected, 0), done.stderr
