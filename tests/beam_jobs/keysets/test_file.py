import copy
import json
import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.keysets import KeysetError


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "keys" / "keyset.json")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_new_keyset_is_owner_only_and_loads_as_created(path):
    created = keysets.create(path)
    assert mode(path) == 0o600
    assert mode(os.path.dirname(path)) == 0o700
    assert os.listdir(os.path.dirname(path)) == ["keyset.json"]
    loaded = keysets.load(path)
    assert loaded == created
    assert len(loaded.key(loaded.primary).material) == keysets.KEY_BYTES


def test_two_keysets_have_different_keys(tmp_path):
    a, b = (keysets.create(str(tmp_path / name)) for name in "ab")
    assert a.key(1).material != b.key(1).material


def test_create_never_replaces_a_keyset(path):
    keysets.create(path)
    before = Path(path).read_text()
    with pytest.raises(KeysetError, match="exists already"):
        keysets.create(path)
    assert Path(path).read_text() == before


def test_of_concurrent_creators_one_wins_and_all_read_its_key(path):
    def create(_):
        try:
            return keysets.create(path)
        except KeysetError:
            return None

    with ThreadPoolExecutor(8) as pool:
        winners = [made for made in pool.map(create, range(16)) if made]
    assert winners == [keysets.load(path)]
    assert os.listdir(os.path.dirname(path)) == ["keyset.json"]


def test_rotation_adds_a_primary_and_keeps_earlier_versions(path):
    first = keysets.create(path)
    rotated = keysets.rotate(path)
    assert rotated.primary == 2
    assert rotated.key(1) == first.key(1)
    assert rotated.key(2).material != rotated.key(1).material
    assert keysets.load(path) == rotated
    assert mode(path) == 0o600


def test_concurrent_rotations_are_all_kept(path):
    keysets.create(path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keysets.rotate, [path] * 16))
    assert [key.version for key in keysets.load(path).versions] == list(range(1, 18))


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o644, 0o660])
def test_a_keyset_open_to_others_is_refused_with_the_remedy(path, open_mode):
    keysets.create(path)
    os.chmod(path, open_mode)
    with pytest.raises(KeysetError) as error:
        keysets.load(path)
    assert f"{open_mode:04o}" in str(error.value)
    assert f"chmod 600 {path}" in str(error.value)
    with pytest.raises(KeysetError):
        keysets.rotate(path)


def test_a_missing_keyset_is_named(path):
    with pytest.raises(KeysetError, match="No such file"):
        keysets.load(path)


def damaged(change):
    def apply(document):
        change(document)
        return json.dumps(document)

    return apply


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda d: "", id="empty"),
        pytest.param(lambda d: json.dumps(d)[:-20], id="cut short"),
        pytest.param(lambda d: json.dumps([d]), id="not an object"),
        pytest.param(damaged(lambda d: d.pop("primary")), id="no primary"),
        pytest.param(damaged(lambda d: d["versions"].clear()), id="no versions"),
        pytest.param(damaged(lambda d: d.update(primary=7)), id="primary not among versions"),
        pytest.param(damaged(lambda d: d["versions"][0].update(key="AAAA")), id="short key"),
        pytest.param(damaged(lambda d: d["versions"][0].update(key="?" * 44)), id="no base64"),
        pytest.param(damaged(lambda d: d["versions"].append(d["versions"][0])), id="repeated"),
        pytest.param(damaged(lambda d: d["versions"][0].update(status="disabled")), id="disabled"),
    ],
)
def test_a_damaged_keyset_gives_one_clear_error_without_the_key(path, damage):
    keysets.create(path)
    document = json.loads(Path(path).read_text())
    secret = document["versions"][0]["key"]
    Path(path).write_text(damage(document))
    with pytest.raises(KeysetError, match="restore it from its copy") as error:
        keysets.load(path)
    assert path in str(error.value)
    assert secret not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_keys_are_hidden_in_reprs_and_cannot_be_pickled(path):
    made = keysets.create(path)
    assert str(made.key(1).material) not in repr(made)
    for copier in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            copier(made)


def test_a_keyset_in_the_environment_is_read_like_a_file(path, monkeypatch):
    created = keysets.create(path)
    monkeypatch.setenv("KEYS", Path(path).read_text())
    assert keysets.load("env:KEYS").versions == created.versions
    assert not keysets.create_if_missing("env:KEYS")


@pytest.mark.parametrize(("value", "message"), [("", "is not set"), ("{", "not a valid keyset")])
def test_an_unusable_environment_gives_one_clear_error(monkeypatch, value, message):
    monkeypatch.setenv("KEYS", value)
    with pytest.raises(KeysetError, match=f"env:KEYS: .*{message}"):
        keysets.load("env:KEYS")


def test_a_missing_keyset_is_made_once(path):
    assert keysets.create_if_missing(path)
    made = Path(path).read_text()
    assert not keysets.create_if_missing(path)
    assert Path(path).read_text() == made
