import gzip

import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.subjects.edit_files import edit_files
from tfx_vigil.beam_jobs.subjects.erase import Erase
from tfx_vigil.beam_jobs.subjects.leftovers import find_leftovers
from tfx_vigil.beam_jobs.subjects.marks import Marks, marks_of
from tfx_vigil.beam_jobs.subjects.preview import preview_files
from tfx_vigil.beam_jobs.subjects.restrict import Restrict

from .stored_rows import batch, policy, treat, write


@pytest.fixture
def config(tmp_path):
    keysets.create(str(tmp_path / "keys.json"))
    return policy(tmp_path / "keys.json")


@pytest.fixture
def files(tmp_path, config):
    rows = batch(
        rider=["ann", "bob", "ann", "cid"],
        referrer=["cid", "ann", None, "bob"],
        fare=[1.0, 2.0, 3.0, 4.0],
    )
    others = batch(rider=["bob", "cid"], referrer=["bob", None], fare=[5.0, 6.0])
    return [
        write(tmp_path / "a" / "Split-labelled" / "data_tfrecord-0.gz", treat(config, rows)),
        write(tmp_path / "a" / "Split-serving" / "data_tfrecord-0", treat(config, others)),
    ]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("edit", [Erase, Restrict])
def test_a_preview_foretells_the_edit_and_changes_nothing(tmp_path, config, files, edit):
    edit = edit([marks_of(config, "ann")])
    before = contents(tmp_path)
    foretold = preview_files(files, edit)
    assert contents(tmp_path) == before
    assert foretold == edit_files(files, edit)
    assert [r.rows_removed for r in foretold] == [2, 0]


def test_leftovers_are_found_plain_and_gzipped_and_gone_after_the_edit(config, files):
    ann = marks_of(config, "ann")
    assert find_leftovers(files, [ann]) == [files[0]]
    assert find_leftovers(files, [ann, marks_of(config, "cid")]) == sorted(files)
    edit_files(files, Erase([ann]))
    assert find_leftovers(files, [ann]) == []


def test_a_leftover_across_two_blocks_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tfx_vigil.beam_jobs.subjects.leftovers._BLOCK", 16)
    ann = Marks("tag", {"rider": frozenset([b"v1.0123456789abcdef"])})
    for shift in range(40):
        path = tmp_path / f"{shift}.json.gz"
        path.write_bytes(gzip.compress(b"x" * shift + b"v1.0123456789abcdef" + b"y" * 9))
    assert len(find_leftovers(map(str, tmp_path.iterdir()), [ann])) == 40
    assert find_leftovers(map(str, tmp_path.iterdir()), [Marks("", {"a": frozenset([b"7"])})]) == []
