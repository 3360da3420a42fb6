"""A rider of the taxi demo is erased between two spans."""

import base64
import gzip
import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx_vigil.beam_jobs.reports import PrivacyReport, SliceReport
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.beam_jobs.subjects.receipts import Receipts
from tfx_vigil.components.history import History
from tfx_vigil.components.retrain_gate.decision import RetrainDecision
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.demo.demo import SEED, run_demo
from tfx_vigil.pipelines.demo.replay import replay
from tfx_vigil.pipelines.demo.taxi import trips
from tfx_vigil.pipelines.subject_orders import erasure
from tfx_vigil.pipelines.subject_rights import carry_out
from typer.testing import CliRunner

pytestmark = pytest.mark.e2e

FIRST, SECOND = "2014-01-01", "2014-07-01"


class Erased:
    """The demo of two spans, with a rider of both erased after the first."""

    def __init__(self, out: Path, later: Path):
        self.out = out
        outcomes = run_demo(out, spans=2)
        next(outcomes)
        self.config = load_config(out / "vigil.yaml")
        self.history = History(self.config.runtime.history_root)
        self.email, self.phone, self.later = self._rider(later)
        self.pseudonyms = {
            mark
            for identifier in (self.email, self.phone)
            for marks in marks_of(self.config.pseudonymizer, identifier).pseudonyms.values()
            for mark in marks
        }
        self.before = self.counts()
        self.held_before = self.files_with()
        self.of_rider = self.rows_of_rider()
        self.receipt = carry_out(self.config, self.email, erasure)
        self.after = self.counts()
        self.held_after = self.files_with()
        self.second = next(outcomes)
        assert next(outcomes, None) is None

    def _rider(self, later: Path) -> tuple[str, str, int]:
        """The one who rides most often in the first span among those who ride again."""
        window = self.config.spans.window_of(SECOND)
        frame = trips()
        frame = frame[(frame.end >= window.start) & (frame.end < window.end)]
        model = self.history.baseline().model
        replay(frame, model, "later", SECOND, later, SEED)
        again = self._rides(later / "logs" / SECOND)
        rides = self._rides(self.out / "logs" / FIRST)
        rider = max((r for r in rides if r in again), key=lambda r: (len(rides[r]), r))
        return (*rider, len(again[rider]))

    @staticmethod
    def _rides(logs: Path) -> dict[tuple[str, str], set[str]]:
        """Rider -> ids of requests; a damaged record is nobody's."""
        rides = {}
        for file in logs.iterdir():
            for record in json.loads(file.read_text()):
                if not record["reqType"].endswith(".request"):
                    continue
                try:
                    [row] = json.loads(base64.b64decode(record["bytes"]))["instances"]
                except ValueError:
                    continue
                rider = row["rider_email"], row["rider_phone"]
                rides.setdefault(rider, set()).add(record["id"])
        return rides

    def examples(self) -> dict[str, list[bytes]]:
        folder = Path(self.history.record(FIRST).examples)
        return {
            split: [
                row
                for file in (folder / f"Split-{split}").iterdir()
                for row in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator()
            ]
            for split in ("serving", "labelled")
        }

    def counts(self) -> dict[str, int]:
        return {split: len(rows) for split, rows in self.examples().items()}

    def rows_of_rider(self) -> Counter:
        found = Counter()
        for split, rows in self.examples().items():
            for row in rows:
                features = tf.train.Example.FromString(row).features.feature
                found[split] += features["rider_email"].bytes_list.value[0] in self.pseudonyms
        return found

    def files_with(self) -> list[str]:
        """Files under the demo's folder that hold a pseudonym, as they are or unzipped."""
        found = []
        for path in self.out.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            if content[:2] == b"\x1f\x8b":
                content += gzip.decompress(content)
            if any(pseudonym in content for pseudonym in self.pseudonyms):
                found.append(str(path))
        return found

    def report(self, span, name, kind):
        return self.history.report(self.history.record(span), name, kind)


@pytest.fixture(scope="module")
def erased(tmp_path_factory):
    return Erased(tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("later"))


def test_no_pseudonym_of_the_rider_is_left_and_just_the_riders_rows_are_gone(erased):
    assert len(erased.held_before) >= 3
    assert erased.held_after == []
    assert min(erased.of_rider.values()) > 0
    assert erased.before == {split: n + erased.of_rider[split] for split, n in erased.after.items()}
    held = {h.place: h.rows for h in erased.receipt.held}
    assert held[f"span {FIRST}"] == erased.of_rider["labelled"]
    assert sum(held.values()) == sum(erased.of_rider.values()) + erased.of_rider["labelled"]


def test_statistics_and_reports_are_made_anew(erased):
    folder = Path(erased.history.path(erased.history.record(FIRST)))
    for split, rows in erased.after.items():
        statistics = tfdv.load_stats_binary(
            str(folder / "statistics" / f"Split-{split}" / "FeatureStats.pb")
        )
        assert max(dataset.num_examples for dataset in statistics.datasets) == rows
    slices = erased.report(FIRST, "slices", SliceReport)
    assert slices.rows + sum(slices.dropped.values()) == erased.after["labelled"]
    privacy = erased.report(FIRST, "privacy", PrivacyReport)
    assert privacy.rows_written == sum(erased.after.values())
    assert privacy.rows_erased == sum(erased.of_rider.values())
    assert [note.receipt for note in erased.history.record(FIRST).revised] == [1]
    assert Receipts(erased.history.root).verify() == 1


def test_the_gate_names_the_model_and_the_date_and_takes_no_model_that_cannot_forget(erased):
    from tfx_vigil.pipelines.cli import app

    [model] = [m.model for m in erased.receipt.models if m.in_service]
    assert model == erased.history.record(FIRST).push.model
    due = datetime.now(timezone.utc).date() + timedelta(days=30)
    assert abs(erased.receipt.deadline.date() - due) <= timedelta(days=1)
    arguments = ["gate", "--replay", SECOND, "--config", str(erased.out / "vigil.yaml"), "--json"]
    shown = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)
    assert shown["action"] == "retrain"
    assert model in shown["next_step"]
    assert f"replaced by {erased.receipt.deadline:%Y-%m-%d}" in shown["next_step"]

    push = erased.report(SECOND, "push", RetrainDecision)
    forgets = {r.rule: r.outcome for r in push.rules if r.rule.endswith(": forgets")}
    assert forgets == {
        "fine_tuned: forgets": False,
        "from_scratch: forgets": True,
        "previous: forgets": True,
    }
    assert push.chosen in ("from_scratch", "previous", None)


def test_later_logs_do_not_bring_the_rider_back(erased):
    assert erased.later > 0
    privacy = erased.report(SECOND, "privacy", PrivacyReport)
    assert privacy.rows_erased >= erased.later
    assert privacy.rows_read == privacy.rows_written + privacy.rows_erased
    assert erased.files_with() == []
