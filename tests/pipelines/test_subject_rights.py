"""Erasure, restriction and their end, on runs with rows of people in all places."""

import shutil
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs.subjects import register
from tfx_vigil.beam_jobs.subjects.leftovers import find_leftovers
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.beam_jobs.subjects.receipts import Receipts
from tfx_vigil.pipelines.subject_orders import erasure
from tfx_vigil.pipelines.subject_rights import carry_out

from .people_history import LABELLED, SERVED, SPANS, build

ANN = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return build(tmp_path_factory.mktemp("world") / "w")


@pytest.fixture
def world(made):
    """A copy in the same place, since records name places: the original is put back after."""
    kept = made.folder.with_name("kept")
    shutil.copytree(made.folder, kept)
    yield made
    shutil.rmtree(made.folder)
    kept.rename(made.folder)


def everything(world):
    return [str(p) for p in world.folder.rglob("*") if p.is_file() and "kept" not in p.parts]


def test_erasing_a_person_leaves_nothing_of_them_anywhere(world):
    ann = marks_of(world.config.pseudonymizer, "ann")
    held = find_leftovers(everything(world), [ann])
    assert len(held) == 9
    receipt = carry_out(world.config, "ann", erasure)
    assert find_leftovers(everything(world), [ann]) == []
    for span in SPANS:
        assert world.labelled(span) == LABELLED - LABELLED // 4
        assert world.served(span) == SERVED - SERVED // 4
    assert {h.place: h.rows for h in receipt.held if h.done == "erased"} == {
        **{f"span {span}": LABELLED // 4 for span in SPANS},
        **{f"PIIPseudonymizer/examples/{n}": (SERVED + LABELLED) // 4 for n in (3, 4, 5)},
    }
    assert sum(h.rows for h in receipt.held if h.done != "erased") > 0
    assert receipt.rows == 3 * (SERVED + 2 * LABELLED)
    assert not list(Path(world.folder, "pipeline", "TrainingExamples").rglob("*tfrecord*"))
    assert Receipts(world.history.root).verify() == 1
    assert register.load(world.history.root).erased == {ann.tag}
    assert not any("ann" in text for text in receipt.model_dump_json().split('"'))
