"""Which provider serves a source, and how often it is asked."""

import sys

import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.keysets import KeysetError, passphrase
from tfx_vigil.beam_jobs.keysets.file import FileKeys

from .fixed_keyset import ENCRYPTED, PASSPHRASE, PLAIN


@pytest.fixture
def asked(monkeypatch):
    """The sources that were read from files, as often as they were."""
    read, sources = FileKeys.load, []

    def load(self):
        sources.append(self.source)
        return read(self)

    monkeypatch.setattr(FileKeys, "load", load)
    return sources


def test_keys_are_fetched_once_in_a_process(tmp_path, asked):
    path = str(tmp_path / "keyset.json")
    keysets.create(path)
    keysets.load(path)
    made = [keysets.domain_keys(path, 1, "riders").lasting("hmac") for _ in range(5)]
    assert len(set(made)) == 1
    assert asked == [path]


def test_a_version_that_came_since_is_fetched(tmp_path):
    path = str(tmp_path / "keyset.json")
    keysets.create(path)
    FileKeys(path).rotate()  # as another process does
    assert keysets.domain_keys(path, 2, "riders").version == 2


def test_a_version_destroyed_here_is_not_kept(tmp_path):
    path = str(tmp_path / "keyset.json")
    keysets.create(path)
    keysets.rotate(path)
    keysets.domain_keys(path, 1, "riders")
    keysets.destroy(path, 1)
    with pytest.raises(KeysetError, match="key version 1 was destroyed"):
        keysets.domain_keys(path, 1, "riders")


def test_what_load_finds_replaces_what_was_kept(tmp_path):
    path = tmp_path / "keyset.json"
    keysets.create(str(path))
    before = keysets.domain_keys(str(path), 1, "riders").lasting("hmac")
    path.unlink()
    FileKeys(str(path)).create()
    keysets.load(str(path))
    assert keysets.domain_keys(str(path), 1, "riders").lasting("hmac") != before


def test_a_version_that_is_nowhere_gives_one_clear_error(tmp_path):
    path = str(tmp_path / "keyset.json")
    keysets.create(path)
    with pytest.raises(KeysetError, match=f"{path}: no key version 9: restore it from its copy"):
        keysets.domain_keys(path, 9, "riders")


@pytest.mark.parametrize("text", [PLAIN, ENCRYPTED], ids=["plain", "encrypted"])
def test_a_keyset_in_the_environment_is_read_like_a_file(monkeypatch, text):
    monkeypatch.setenv("KEYS", text.decode())
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    assert keysets.load("env:KEYS").enabled == [2, 3]
    assert not keysets.create_if_missing("env:KEYS")


@pytest.mark.parametrize(("value", "message"), [("", "is not set"), ("{", "not a valid keyset")])
def test_an_unusable_environment_gives_one_clear_error(monkeypatch, value, message):
    monkeypatch.setenv("KEYS", value)
    with pytest.raises(KeysetError, match=f"env:KEYS: .*{message}"):
        keysets.load("env:KEYS")


@pytest.mark.parametrize(
    ("change", "command"),
    [
        (keysets.create, "tfx-vigil keys new keyset.json"),
        (keysets.rotate, "tfx-vigil keys rotate keyset.json"),
        (lambda s: keysets.destroy(s, 2), "tfx-vigil keys destroy keyset.json --version 2"),
    ],
)
def test_an_environment_variable_is_only_read_and_the_error_says_how_to_go_on(change, command):
    with pytest.raises(KeysetError, match=command):
        change("env:KEYS")


@pytest.mark.parametrize("source", ["vualt:transit/tfx", "gs://bucket/keyset.json"])
def test_a_source_of_no_known_provider_is_refused(source):
    for use in (keysets.load, keysets.create_if_missing):
        with pytest.raises(KeysetError, match=r"no key provider is called .* env:, vault:"):
            use(source)


def test_an_installed_package_may_add_a_provider(tmp_path, monkeypatch):
    (tmp_path / "own_kms.py").write_text(
        "from tfx_vigil.beam_jobs.keysets import Key, Keyset\n"
        "class OwnKms:\n"
        "    def __init__(self, name):\n"
        "        self.source = f'own-kms:{name}'\n"
        "    def load(self):\n"
        "        return Keyset(self.source, bytes(32), 1, (Key(1, 'unknown', bytes(32)),))\n"
        "    def versions(self):\n"
        "        return self.load().infos\n"
    )
    folder = tmp_path / "own_kms-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: own-kms\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[{keysets.PROVIDERS}]\nown-kms = own_kms:OwnKms\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_kms", raising=False)
    assert keysets.load("own-kms:riders").source == "own-kms:riders"
    assert keysets.domain_keys("own-kms:riders", 1, "riders").version == 1
    assert [info.primary for info in keysets.versions("own-kms:riders")] == [True]
    assert not keysets.create_if_missing("own-kms:riders")


def test_a_keyset_is_encrypted_where_a_passphrase_is_given_and_stays_so(
    tmp_path, monkeypatch, cheap_scrypt
):
    path = tmp_path / "keyset.json"
    keysets.create(str(path))
    assert b"scrypt" not in path.read_bytes()
    monkeypatch.setenv(passphrase.VARIABLE, PASSPHRASE)
    keyset = keysets.rotate(str(path))
    assert b"scrypt" in path.read_bytes()
    assert keysets.destroy(str(path), 1) == keysets.load(str(path))
    assert b"scrypt" in path.read_bytes()
    assert keysets.load(str(path)).key(2) == keyset.key(2)
