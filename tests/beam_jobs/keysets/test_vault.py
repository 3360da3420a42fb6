"""The Transit provider, against a local stand-in of Vault's API."""

import base64
import hashlib
import hmac
import socket
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.keysets import KeysetError, vault_api

from .transit_server import Refused, TransitServer

SOURCE = "vault:transit/tfx"


@pytest.fixture
def vault(monkeypatch):
    with TransitServer().running() as server:
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.setenv("VAULT_TOKEN", server.token)
        monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
        monkeypatch.delenv("VAULT_CACERT", raising=False)
        yield server


@pytest.fixture
def made(vault):
    keysets.create(SOURCE)
    return vault


def statuses():
    return [info.status for info in keysets.versions(SOURCE)]


def test_a_key_is_vault_s_hmac_of_a_fixed_input(made):
    keyset = keysets.load(SOURCE)
    assert (keyset.primary, keyset.enabled) == (1, [1])
    for name, secret in (("tfx", keyset.key(1).material), ("tfx-root", keyset.root)):
        expected = hmac.digest(made.keys[name].secrets[1], b"tfx-vigil keyset", hashlib.sha256)
        assert secret == expected
    assert keysets.load(SOURCE) == keyset


def test_no_key_of_vault_s_own_is_ever_asked_for(made):
    keysets.rotate(SOURCE)
    keysets.destroy(SOURCE, 1)
    assert not [path for path in made.requests if "export" in path or "backup" in path]


def test_rotation_adds_a_primary_keeps_the_root_and_earlier_versions(made):
    before = keysets.load(SOURCE)
    after = keysets.rotate(SOURCE)
    assert (after.primary, after.enabled, after.root) == (2, [1, 2], before.root)
    assert after.key(1) == before.key(1)
    assert after.key(2).material != after.key(1).material
    assert made.keys["tfx-root"].latest == 1


def test_a_rotation_by_vault_itself_is_the_keyset_s(made):
    made.keys["tfx"].rotate()
    assert keysets.load(SOURCE).primary == 2


def test_a_destroyed_version_is_gone_in_vault_and_stays_listed(made):
    keysets.rotate(SOURCE)
    keyset = keysets.destroy(SOURCE, 1)
    assert list(made.keys["tfx"].secrets) == [2]
    assert statuses() == ["destroyed", "enabled"]
    assert keyset.primary == 2
    with pytest.raises(KeysetError, match="key version 1 was destroyed"):
        keyset.key(1)


def test_versions_are_destroyed_oldest_first(made):
    for _ in range(3):
        keysets.rotate(SOURCE)
    with pytest.raises(KeysetError, match="destroy version 1 before 2"):
        keysets.destroy(SOURCE, 2)
    assert statuses() == ["enabled"] * 4
    for version in (1, 2):
        keysets.destroy(SOURCE, version)
    assert statuses() == ["destroyed", "destroyed", "enabled", "enabled"]


def test_a_destruction_that_broke_off_is_finished_by_the_next(made):
    keysets.rotate(SOURCE)
    made.forbidden.add("keys/tfx/trim")
    with pytest.raises(KeysetError, match="lacks 'update' on transit/keys/tfx/trim"):
        keysets.destroy(SOURCE, 1)
    assert statuses() == ["disabled", "enabled"]
    with pytest.raises(KeysetError, match="key version 1 is disabled"):
        keysets.load(SOURCE).key(1)
    made.forbidden.clear()
    keysets.destroy(SOURCE, 1)
    assert statuses() == ["destroyed", "enabled"]


@pytest.mark.parametrize(
    ("version", "message"),
    [(2, "is the primary"), (3, "no key version 3; there are 1, 2"), (1, "destroyed already")],
)
def test_what_cannot_be_destroyed_is_refused(made, version, message):
    keysets.rotate(SOURCE)
    keysets.destroy(SOURCE, 1)
    with pytest.raises(KeysetError, match=message):
        keysets.destroy(SOURCE, version)
    assert list(made.keys["tfx"].secrets) == [2]


def test_create_never_touches_keys_that_are_there(made):
    before = dict(made.keys["tfx"].secrets)
    with pytest.raises(KeysetError, match="exists already"):
        keysets.create(SOURCE)
    assert made.keys["tfx"].secrets == before


def test_versions_are_listed_without_asking_for_a_key(made):
    made.requests.clear()
    (info,) = keysets.versions(SOURCE)
    assert (info.version, info.status, info.primary) == (1, "enabled", True)
    assert info.created.endswith("+00:00")
    assert made.requests == ["/v1/transit/keys/tfx"]


def test_the_token_may_come_from_the_file_of_vault_s_command_line(made, monkeypatch, tmp_path):
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(KeysetError, match=r"no token .* VAULT_TOKEN"):
        keysets.load(SOURCE)
    Path(tmp_path, ".vault-token").write_text(made.token)
    assert keysets.load(SOURCE).primary == 1


def test_the_namespace_is_sent(vault, monkeypatch):
    vault.namespace = "team"
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    assert keysets.create(SOURCE).primary == 1


def test_mounts_may_have_slashes(vault):
    vault.mount = "eu/transit"
    assert keysets.create("vault:eu/transit/tfx").primary == 1


def sealed(vault, monkeypatch):
    vault.sealed = True


def other_token(vault, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", "hvs.another-token")


def no_right(vault, monkeypatch):
    vault.forbidden.add("hmac/tfx-root")


def no_key(vault, monkeypatch):
    vault.keys.clear()


def no_root(vault, monkeypatch):
    del vault.keys["tfx-root"]


def no_mount(vault, monkeypatch):
    vault.mount = "elsewhere"


def no_address(vault, monkeypatch):
    monkeypatch.delenv("VAULT_ADDR")


def nobody_listens(vault, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{free.getsockname()[1]}")


def no_tls(vault, monkeypatch):
    monkeypatch.setenv("VAULT_ADDR", vault.address.replace("http:", "https:"))


def too_slow(vault, monkeypatch):
    monkeypatch.setattr(vault_api, "TIMEOUT_SECONDS", 0.1)
    vault.delay = 0.5


def not_vault(vault, monkeypatch):
    monkeypatch.setattr(vault, "answer", lambda *_: {"hello": 1})


def internal_error(vault, monkeypatch):
    def fail(*_):
        raise Refused(500, "boom")

    monkeypatch.setattr(vault, "transit", fail)


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (sealed, "is sealed"),
        (other_token, "refuses the token"),
        (no_right, "lacks 'update' on transit/hmac/tfx-root"),
        (no_key, "Vault has no transit/keys/tfx: make it by tfx-vigil keys new vault:transit/tfx"),
        (no_root, "refuses transit/hmac/tfx-root: encryption key not found"),
        (no_mount, "no secrets engine at transit: enable"),
        (no_address, "VAULT_ADDR is not set"),
        (nobody_listens, "is not reachable: see VAULT_ADDR"),
        (no_tls, "is not trusted|is not reachable"),
        (too_slow, "does not answer within 0.1 s"),
        (not_vault, "does not answer as Vault's Transit does"),
        (internal_error, "fails on transit/keys/tfx with InternalServerError"),
    ],
)
def test_each_trouble_with_vault_gives_one_clear_error_without_secrets(
    made, monkeypatch, trouble, message
):
    secrets = [*made.keys["tfx"].secrets.values(), made.token.encode()]
    trouble(made, monkeypatch)
    with pytest.raises(KeysetError, match=message) as error:
        keysets.load(SOURCE)
    text = str(error.value)
    assert text.startswith(f"{SOURCE}: ")
    assert "\n" not in text
    assert error.value.__suppress_context__ or error.value.__context__ is None
    for secret in secrets:
        assert secret not in text.encode()
        assert base64.b64encode(secret) not in text.encode()


@pytest.mark.parametrize("name", ["tfx", "/tfx", "transit/", "transit/t x", "", "transit/.."])
def test_a_source_that_names_no_mount_and_key_is_refused(name):
    with pytest.raises(KeysetError, match="write vault:MOUNT/KEY"):
        keysets.load(f"vault:{name}")
