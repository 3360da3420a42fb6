"""What holds for every edit, over rows of several people in several files and key versions."""

import shutil
import tempfile
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from apache_beam.io.filesystems import FileSystems
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.subjects.batch_edit import BatchEdit, Edited
from tfx_vigil.beam_jobs.subjects.edit_files import edit_file, edit_files
from tfx_vigil.beam_jobs.subjects.erase import Erase
from tfx_vigil.beam_jobs.subjects.file_rows import DamagedFile, NewFile, read_rows
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.beam_jobs.subjects.restrict import Lift, Restrict

from .stored_rows import batch, parsed, policy, read, treat, write

PEOPLE = ["ada", "bob", "cyd"]
NAMES = ["Split-labelled/d.gz", "Split-labelled/e", "Split-serving/d", "labelled/d.gz"]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keyset.json"
    keysets.create(str(path))
    keysets.rotate(str(path))
    return policy(path)


someone = st.none() | st.sampled_from(PEOPLE) | st.lists(st.sampled_from(PEOPLE), max_size=2)
row = st.tuples(someone, someone, someone, st.sampled_from([None, 1, 2]))
stored = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.lists(row, min_size=1, max_size=6), st.sampled_from([1, 2])),
    min_size=1,
)


def store(config, folder, files):
    """Writes the rows of each file under a key version, and returns the paths."""
    paths = []
    for name, (rows, version) in files.items():
        rider, driver, referrer, seats = zip(*rows, strict=True)
        columns = batch(
            rider=rider, driver=driver, referrer=referrer, seats=seats, n=range(len(rows))
        )
        paths.append(write(Path(folder, name), treat(config, columns, version)))
    return paths


def is_of(person, row):
    return any(person == who or (who and person in who) for who in row[:2] if who != [])


def content(folder):
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): [*chain(*read_rows(str(path)))] for path in files}


def all_rows(folder):
    return Counter(row for rows in content(folder).values() for row in rows)


def edit(paths, edit):
    return {path: edit_file(path, edit) for path in paths}


properties = settings(max_examples=25, deadline=None)


@properties
@given(stored)
def test_erase_takes_exactly_the_persons_rows_and_leaves_no_pseudonym_of_theirs(config, files):
    marks = marks_of(config, "ada")
    with tempfile.TemporaryDirectory() as folder:
        paths = store(config, folder, files)
        before = {path: read(path) for path in paths}
        results = edit(paths, Erase([marks]))
        after = content(folder)
        for (rows, _), path in zip(files.values(), paths, strict=True):
            theirs = [is_of("ada", row) for row in rows]
            left = after[str(Path(path).relative_to(folder))]
            assert (results[path].rows_removed, len(left)) == (sum(theirs), len(rows) - sum(theirs))
            others = [old for old, gone in zip(before[path], theirs, strict=True) if not gone]
            changed = sum(old != new for old, new in zip(others, left, strict=True))
            assert results[path].rows_changed == changed
        written = b"".join(row for rows in after.values() for row in rows)
        assert not [p for made in marks.pseudonyms.values() for p in made if p in written]
        assert not [p for p in marks.mentions if p in written]
        again = edit(paths, Erase([marks])).values()
        assert not any(result.rows_removed or result.rows_changed for result in again)
        assert content(folder) == after


@properties
@given(stored)
def test_restricted_rows_lie_apart_and_come_back_as_they_were(config, files):
    marks = marks_of(config, "ada")
    with tempfile.TemporaryDirectory() as folder:
        paths = store(config, folder, files)
        before = all_rows(folder)
        places = {row: path.split("/")[0] for path, rows in content(folder).items() for row in rows}
        edit(paths, Restrict([marks]))
        assert all_rows(folder) == before
        apart = {p: rows for p, rows in content(folder).items() if "restricted" in p.split("/")[0]}
        theirs = sum(is_of("ada", row) for rows, _ in files.values() for row in rows)
        assert sum(map(len, apart.values())) == theirs
        again = edit(paths, Restrict([marks])).values()
        assert not any(result.rows_removed for result in again)

        edit([f"{folder}/{path}" for path in apart], Lift([marks]))
        assert all_rows(folder) == before
        for path, rows in content(folder).items():
            assert all(places[row].removeprefix("Split-") in path for row in rows)
            assert not rows or "restricted" not in path.split("/")[0]


def test_a_killed_worker_leaves_the_file_or_its_successor_and_loses_no_row(
    config, tmp_path, monkeypatch
):
    """Killed before each rename, then run again."""
    rows = [("ada", None, None, n) for n in range(3)] + [("bob", None, None, 9)]
    (path,) = store(config, tmp_path, {"Split-labelled/d.gz": (rows, 1)})
    before, edit = all_rows(tmp_path), Restrict([marks_of(config, "ada")])
    rename = FileSystems.rename
    for renames in (0, 1):
        with monkeypatch.context() as killed:
            left = [renames]

            def until_killed(sources, targets, left=left):
                if not left[0]:
                    raise KeyboardInterrupt
                left[0] -= 1
                rename(sources, targets)

            killed.setattr(FileSystems, "rename", until_killed)
            with pytest.raises(KeyboardInterrupt):
                edit_file(path, edit)
        assert Counter(read(path)) == before
    result = edit_file(path, edit)
    assert (result.rows_kept, result.rows_removed) == (1, 3)
    assert all_rows(tmp_path) == before


def test_what_a_killed_edit_has_left_is_gone_after_the_next_one(config, tmp_path):
    (path,) = store(config, tmp_path, {"Split-labelled/d.gz": ([("bob", None, None, 1)], 1)})
    shutil.copy(path, tmp_path / "copy")
    NewFile(path).write(b"rows of ada")
    edit_files([path], Erase([marks_of(config, "ada")]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Split-labelled", "copy"]
    assert Path(path).read_bytes() == Path(tmp_path, "copy").read_bytes()


class DropAll(BatchEdit):
    def edit(self, batch):
        return Edited(batch, removed=np.ones(batch.num_rows, bool))


@pytest.mark.parametrize("name", ["d.gz", "d"])
def test_a_file_that_loses_all_its_rows_stays_as_an_empty_one(config, tmp_path, name):
    (path,) = store(config, tmp_path, {f"Split-a/{name}": ([("bob", None, None, 1)], 1)})
    (result,) = edit_files([path], DropAll())
    assert (result.rows_read, result.rows_kept, read(path)) == (1, 0, [])
    assert edit_files([path], DropAll())[0].rows_read == 0


def test_many_rows_are_edited_batch_by_batch_and_others_stay_byte_by_byte(config, tmp_path):
    rows = [(PEOPLE[n % 3], None, None, n) for n in range(9_000)]
    (path,) = store(config, tmp_path, {"Split-labelled/d.gz": (rows, 2)})
    before = read(path)
    (result,) = edit_files([path], Erase([marks_of(config, "bob")]))
    assert (result.rows_read, result.rows_removed) == (9_000, 3_000)
    assert read(path) == [row for n, row in enumerate(before) if n % 3 != 1]
    assert len(parsed(read(path))) == 6_000


@pytest.mark.parametrize("name", ["d.gz", "d"])
def test_a_damaged_file_is_an_error_and_stays_as_it_is(config, tmp_path, name):
    rows = [("ada", None, None, n) for n in range(50)]
    (path,) = store(config, tmp_path, {f"Split-a/{name}": (rows, 1)})
    Path(path).write_bytes(cut := Path(path).read_bytes()[:-30])
    with pytest.raises((DamagedFile, EOFError, OSError)):
        edit_files([path], Erase([marks_of(config, "ada")]))
    assert Path(path).read_bytes() == cut
    assert [p.name for p in tmp_path.iterdir()] == ["Split-a"]


def test_no_file_is_no_work(config):
    assert edit_files([], Erase([marks_of(config, "ada")])) == []
