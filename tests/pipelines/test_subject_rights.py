"""Erasure, restriction and rectification, on runs with rows of people in all places."""

import shutil
from datetime import timedelta
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_vigil.beam_jobs.drift_statistics.files import (
    SplitStatistics,
    read_statistics,
    write_statistics,
)
from tfx_vigil.beam_jobs.reports import DriftReport, PrivacyReport, SliceReport
from tfx_vigil.beam_jobs.select_training_rows import select_training_rows
from tfx_vigil.beam_jobs.subjects import register
from tfx_vigil.beam_jobs.subjects.leftovers import find_leftovers
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.beam_jobs.subjects.receipts import Receipts
from tfx_vigil.components.retrain_gate.erasures import read_erasures
from tfx_vigil.pipelines import subject_rights
from tfx_vigil.pipelines.stored_data import stored_data
from tfx_vigil.pipelines.subject_orders import erasure, lifting, rectification, restriction
from tfx_vigil.pipelines.subject_rights import carry_out, foretell

from ..beam_jobs.subjects.stored_rows import read
from .people_history import FIRST, LABELLED, RIDERS, SECOND, SERVED, build

ANN = "ann"
EMPTY = statistics_pb2.DatasetFeatureStatisticsList()
HERS = {"span 2014-01-01": LABELLED // 4, "PIIPseudonymizer/examples/3": (SERVED + LABELLED) // 4}
LESS = {"serving": SERVED - SERVED // 4, "labelled": LABELLED - LABELLED // 4}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return build(tmp_path_factory.mktemp("runs") / "world")


@pytest.fixture
def world(made):
    """As it was made, whatever a test does to it; in the same place, since records name it."""
    kept = made.folder.with_name("kept")
    shutil.copytree(made.folder, kept)
    yield made
    shutil.rmtree(made.folder)
    kept.rename(made.folder)


def files_with(world, person):
    marks = marks_of(world.config.pseudonymizer, person)
    return find_leftovers([str(p) for p in world.folder.rglob("*") if p.is_file()], [marks])


def own(receipt, done="erased"):
    return {held.place: held.rows for held in receipt.held if held.done == done}


def rows(world, span=FIRST):
    return {"serving": world.served(span), "labelled": world.labelled(span)}


def measured(world, span=FIRST):
    folder = Path(world.history.path(world.history.record(span)), "statistics")
    files = folder.glob("Split-*/FeatureStats.pb")
    return {
        file.parent.name.removeprefix("Split-"): max(
            dataset.num_examples for dataset in tfdv.load_stats_binary(str(file)).datasets
        )
        for file in files
    }


def sampled(world, span=FIRST):
    """How many rows the samples beside the statistics have."""
    folder = Path(world.history.path(world.history.record(span)), "statistics")
    found = {split: read_statistics(str(folder), split).rows for split in measured(world, span)}
    return {split: rows and rows.num_rows for split, rows in found.items()}


def learned_from(world, folder):
    """How many rows a model retrained on both spans would have learned from."""
    spans = {f"{world.history.labelled_path(span)}/*": 1.0 for span in (FIRST, SECOND)}
    with beam.Pipeline() as pipeline:
        select_training_rows(pipeline, spans, 1e-9, 0.0, ["fare"], str(folder))
    return sum(len(read(file)) for file in (folder / "Split-train").iterdir())


def report(world, name, kind, span=FIRST):
    return world.history.report(world.history.record(span), name, kind)


def documents(world, span=FIRST):
    folder = Path(world.history.path(world.history.record(span)))
    return {p.name: p.read_text() for p in folder.glob("*.json")}


def test_an_erased_person_is_nowhere_and_all_that_was_made_of_the_rows_is_made_anew(world):
    assert len(files_with(world, ANN)) == 3
    before = {span: documents(world, span) for span in (FIRST, SECOND)}
    foretold = foretell(world.config, ANN, erasure)
    assert rows(world) == measured(world) == {"serving": SERVED, "labelled": LABELLED}

    of_a_run = f"{world.config.runtime.pipeline_root}/DriftValidator/span_statistics/5"
    drawn = pa.table({"fare": [1.0]})
    write_statistics(of_a_run, "serving", SplitStatistics(EMPTY, drawn, drawn))

    receipt = carry_out(world.config, ANN, erasure)
    assert files_with(world, ANN) == []
    assert rows(world) == measured(world) == sampled(world) == LESS
    assert read_statistics(of_a_run, "serving") == SplitStatistics(EMPTY)
    assert rows(world, SECOND) == {"serving": SERVED, "labelled": LABELLED}
    assert receipt.held == foretold
    assert own(receipt) == HERS
    assert receipt.rows == 2 * (SERVED + 2 * LABELLED)

    slices = report(world, "slices", SliceReport)
    assert slices.rows == LESS["labelled"]
    assert not any("Blue" in metric.slice for metric in slices.metrics)
    privacy = report(world, "privacy", PrivacyReport)
    assert privacy.rows_written == sum(LESS.values())
    assert (
        privacy.rows_erased
        == privacy.rows_read - privacy.rows_written
        == HERS["PIIPseudonymizer/examples/3"]
    )
    assert [risk.rows for risk in privacy.risk] == [LESS["labelled"], LESS["serving"]]
    assert {risk.classes for risk in privacy.risk} == {1}
    after = {span: documents(world, span) for span in (FIRST, SECOND)}
    for name in ("decision.json", "ingest.json", "plan.json"):
        assert after[FIRST][name] == before[FIRST][name]
    changed = {name for name in after[SECOND] if after[SECOND][name] != before[SECOND][name]}
    assert changed == {"drift.json"}
    notes = {s: world.history.record(s).revised for s in (FIRST, SECOND)}
    assert [(n.request, n.receipt) for n in notes[FIRST]] == [("erase", 1)]
    assert [n.names for n in notes[SECOND]] == [["drift report"]]
    assert not list(world.folder.glob("pipeline/TrainingExamples/**/*tfrecord*"))


def test_the_receipt_names_the_models_to_replace_and_what_was_not_done(world):
    receipt = carry_out(world.config, ANN, erasure)
    assert [(m.model, m.learned_from, m.in_service) for m in receipt.models] == [
        ("/serving/2", [FIRST], True)
    ]
    assert receipt.deadline == receipt.time + timedelta(days=30)
    [owed] = read_erasures(world.history, SECOND)
    assert (owed.model, owed.receipt, owed.deadline) == ("/serving/2", 1, receipt.deadline)
    told = " ".join(receipt.not_done)
    assert "raw logs" in told
    assert "backups" in told
    assert "baseline" in told
    text = receipt.model_dump_json()
    assert ANN not in text.replace("channel", "")
    assert Receipts(world.history.root).verify() == 1

    again = carry_out(world.config, ANN, erasure)
    assert (again.number, again.held, again.models) == (2, [], [])
    stranger = carry_out(world.config, "zoe", erasure)
    assert (stranger.held, stranger.deadline) == ([], None)
    assert len(register.load(world.history.root).erased) == 2


STEPS = ("Revision.edit_in_place", "recompute_span", "signer")


def test_an_erasure_killed_at_any_step_and_made_again_ends_in_the_same_receipt(world, monkeypatch):
    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    for step in STEPS:
        module = "span_revision" if step == "recompute_span" else "subject_rights"
        with monkeypatch.context() as patch:
            patch.setattr(f"tfx_vigil.pipelines.{module}.{step}", killed)
            with pytest.raises(KeyboardInterrupt):
                carry_out(world.config, ANN, erasure)
        assert register.load(world.history.root).erased
        assert Receipts(world.history.root).head() == (0, None)
        assert world.history.record(FIRST).span == FIRST
    receipt = carry_out(world.config, ANN, erasure)
    assert own(receipt) == HERS
    assert [m.model for m in receipt.models] == ["/serving/2"]
    assert files_with(world, ANN) == []
    assert rows(world) == measured(world) == LESS
    assert [n.receipt for n in world.history.record(FIRST).revised] == [1]
    assert not list(Path(world.history.root, "subjects", "pending").iterdir())
    assert not [p for p in world.folder.rglob("*") if "staging" in p.name or ".edits" in p.name]


def test_restricted_rows_are_kept_and_used_for_nothing_until_the_restriction_is_lifted(world):
    before = documents(world)
    receipt = carry_out(world.config, ANN, restriction)
    assert own(receipt, "kept aside") == HERS
    assert (receipt.models, receipt.deadline) == ([], None)
    assert rows(world) == measured(world) == LESS
    privacy = report(world, "privacy", PrivacyReport)
    assert privacy.rows_restricted == privacy.rows_read - privacy.rows_written
    assert privacy.rows_restricted == HERS["PIIPseudonymizer/examples/3"]
    assert [p.parent.name for p in world.folder.rglob("*") if p.parent.name.endswith("restricted")]
    assert register.load(world.history.root).restricted

    lifted = carry_out(world.config, ANN, lifting)
    assert own(lifted, "used again") == HERS
    assert rows(world) == measured(world) == {"serving": SERVED, "labelled": LABELLED}
    assert not register.load(world.history.root).restricted
    drift, again = before["drift.json"], report(world, "drift", DriftReport)
    assert again == DriftReport.model_validate_json(drift)
    assert documents(world)["privacy.json"] == before["privacy.json"]


def test_no_model_learns_from_rows_that_are_restricted_or_erased(world, tmp_path):
    rows = learned_from(world, tmp_path / "before")
    counts = []
    for order in (restriction, lifting, erasure):
        carry_out(world.config, ANN, order)
        counts.append(learned_from(world, tmp_path / order.__name__))
    assert counts == [rows - LABELLED // 4, rows, rows - LABELLED // 4]


def test_a_value_put_right_is_in_all_places_and_in_what_is_made_of_them(world):
    order = rectification(world.config, ANN, "company", "Green")
    receipt = carry_out(world.config, ANN, order)
    assert own(receipt, "company put right") == HERS
    slices = report(world, "slices", SliceReport)
    found = {metric.slice for metric in slices.metrics} | set(slices.small_slices)
    assert any("Green" in name for name in found)
    assert not any("Blue" in name for name in found)
    assert carry_out(world.config, ANN, order).held == []


def test_rows_that_are_gone_are_told_of(world):
    shutil.rmtree(world.examples(FIRST))
    receipt = carry_out(world.config, ANN, erasure)
    assert own(receipt) == {"span 2014-01-01": LABELLED // 4}
    assert measured(world) == {"serving": SERVED, "labelled": LESS["labelled"]}
    assert sampled(world) == {"serving": None, "labelled": LESS["labelled"]}
    assert any("statistics of its requests" in told for told in receipt.not_done)
    assert report(world, "slices", SliceReport).rows == LESS["labelled"]


def test_every_place_with_rows_is_known(world):
    data = stored_data(world.config, world.history)
    assert {name for name, files in data.places() if files} == {
        *(f"span {span}" for span in (FIRST, SECOND)),
        *(f"PIIPseudonymizer/examples/{n}" for n in (3, 4)),
    }
    assert len(data.training) == 2
    assert sorted(RIDERS)[0] == ANN
    assert subject_rights.signer(world.config).public_key()
