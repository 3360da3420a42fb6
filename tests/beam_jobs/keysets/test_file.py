import base64
import os
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


def test_a_missing_keyset_is_made_once(path):
    assert keysets.create_if_missing(path)
    made = Path(path).read_text()
    assert not keysets.create_if_missing(path)
    assert Path(path).read_text() == made


def test_a_destroyed_version_leaves_no_key_in_the_file_and_stays_listed(path):
    secret = base64.b64encode(keysets.create(path).key(1).material).decode()
    keysets.rotate(path)
    assert secret in Path(path).read_text()
    keyset = keysets.destroy(path, 1)
    assert secret not in Path(path).read_text()
    assert keysets.load(path) == keyset
    assert [(i.version, i.status, i.primary) for i in keysets.versions(path)] == [
        (1, "destroyed", False),
        (2, "enabled", True),
    ]
    with pytest.raises(KeysetError, match=f"{path}: key version 1 was destroyed"):
        keyset.key(1)
    assert keysets.rotate(path).primary == 3


@pytest.mark.parametrize(
    ("version", "message"),
    [(3, "is the primary"), (4, "no key version 4; there are 1, 2, 3"), (1, "destroyed already")],
)
def test_what_cannot_be_destroyed_is_refused(path, version, message):
    for change in (keysets.create, keysets.rotate, keysets.rotate):
        change(path)
    keysets.destroy(path, 1)
    before = Path(path).read_text()
    with pytest.raises(KeysetError, match=message):
        keysets.destroy(path, version)
    assert Path(path).read_text() == before


def test_a_keyset_that_anyone_may_replace_is_refused_with_the_remedy(path):
    keysets.create(path)
    folder = os.path.dirname(path)
    os.chmod(folder, 0o777)
    with pytest.raises(KeysetError, match=f"chmod o-w {folder}"):
        keysets.load(path)
    os.chmod(folder, 0o1777)
    assert keysets.load(path).primary == 1


def test_no_keyset_is_made_where_anyone_may_replace_it(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(KeysetError, match="anyone may replace"):
        keysets.create(str(tmp_path / "keyset.json"))
    assert not list(tmp_path.iterdir())


def test_behind_a_symbolic_link_the_file_itself_is_checked_and_replaced(path, tmp_path):
    keysets.create(path)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert keysets.rotate(str(link)).primary == 2
    assert link.is_symlink()
    assert keysets.load(path).primary == 2
    os.chmod(path, 0o644)
    with pytest.raises(KeysetError, match=f"chmod 600 {path}"):
        keysets.load(str(link))


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused_at_once(tmp_path, make):
    make(tmp_path / "keyset.json", 0o600)
    with pytest.raises(KeysetError, match=r"must be a file|Is a directory"):
        keysets.load(str(tmp_path / "keyset.json"))


def test_a_folder_that_cannot_be_written_gives_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeysetError, match="cannot be made: File exists"):
        keysets.create(str(tmp_path / "file" / "keyset.json"))


def test_what_breaks_off_leaves_the_keyset_as_it_was(path, monkeypatch):
    keysets.create(path)
    before = Path(path).read_text()

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(KeysetError, match="cannot be changed: No space left"):
        keysets.rotate(path)
    assert Path(path).read_text() == before
    assert os.listdir(os.path.dirname(path)) == ["keyset.json"]
