import gzip
import json
import traceback
from pathlib import Path

import pytest
import tensorflow as tf
from pydantic import ValidationError
from tfx.components.statistics_gen.executor import Executor as StatisticsGenExecutor
from tfx.types import channel_utils, standard_artifacts
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.parameters import to_json
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.reports import PrivacyReport, read_report
from tfx_vigil.beam_jobs.subjects import register
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.components import PIIPseudonymizer, artifacts
from tfx_vigil.components.pii_pseudonymizer import executor

EMAIL, PHONE, IP = "ada@example.com", "+1 312 555 0142", "203.0.113.77"
RAW = [text.encode() for text in (EMAIL, PHONE, IP)]
SPLITS = '["serving", "labelled"]'


def example(i, email=EMAIL):
    def of(text):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))

    features = {
        "rider_email": of(email),
        "rider_phone": of(PHONE),
        "client_ip": of(IP),
        "note": of(f"mail {EMAIL}" if i % 2 else "fine"),
        "fare": tf.train.Feature(float_list=tf.train.FloatList(value=[i])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def content(folder):
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in files
    )


class Run:
    """One execution of the component on artifacts under ``root``."""

    def __init__(self, root, others=()):
        self.raw = standard_artifacts.Examples()
        self.raw.uri = str(root / "raw")
        self.raw.split_names = SPLITS
        self.raw.span = 7
        for split in ("serving", "labelled"):
            folder = root / "raw" / f"Split-{split}"
            folder.mkdir(parents=True)
            with tf.io.TFRecordWriter(str(folder / "data.gz"), "GZIP") as writer:
                for i, email in enumerate([EMAIL] * 6 + list(others)):
                    writer.write(example(i, email))
        self.raw_letters = artifacts.DeadLetters()
        self.raw_letters.uri = str(root / "raw_letters")
        Path(self.raw_letters.uri).mkdir()
        letter = {"file": "a.log", "offset": 3, "reason": "not JSON", "bytes": EMAIL}
        with gzip.open(f"{self.raw_letters.uri}/dead_letters-0.jsonl.gz", "wt") as file:
            file.write(json.dumps(letter) + "\n")

        self.examples = standard_artifacts.Examples()
        self.report = artifacts.PrivacyReport()
        self.letters = artifacts.DeadLetters()
        for name in ("examples", "report", "letters"):
            getattr(self, name).uri = str(root / name)

        self.config = {
            "fields": {
                "rider_email": {"method": "hmac"},
                "rider_phone": {"method": "hmac"},
                "client_ip": {"method": "generalize", "kind": "ip"},
            },
            "keyset": str(root / "keyset.json"),
            "domain": "riders",
            "default": "keep",
        }
        keysets.create(self.config["keyset"])

    def do(self, letters=False, purge=0, history="", **config):
        inputs = {"raw_examples": [self.raw]}
        outputs = {"examples": [self.examples], "report": [self.report]}
        if letters:
            inputs["raw_dead_letters"] = [self.raw_letters]
            outputs["dead_letters"] = [self.letters]
        executor.Executor().Do(
            inputs,
            outputs,
            {
                "config": to_json(PrivacyConfig, self.config | config),
                "purge_input": purge,
                "history_root": history,
            },
        )

    def content_of_raw(self):
        return content(self.raw.uri) + content(self.raw_letters.uri)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_the_outputs_hold_all_rows_and_nothing_raw(run):
    before = run.content_of_raw()
    run.do(letters=True)
    outputs = [content(artifact.uri) for artifact in (run.examples, run.report, run.letters)]
    assert not [raw for raw in RAW for output in outputs if raw in output]
    assert json.loads(outputs[2]) == {"file": "a.log", "offset": 3, "reason": "not JSON"}
    assert run.examples.split_names == SPLITS
    assert run.examples.span == 7
    assert run.report.get_int_custom_property("rows") == 12
    assert run.report.get_int_custom_property("findings") == 6
    assert not read_report(run.report.uri, PrivacyReport).input_purged
    assert run.content_of_raw() == before


def statistics_of(examples, folder):
    """What stock StatisticsGen makes of the artifact, by split."""
    import tensorflow_data_validation as tfdv

    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(folder)
    StatisticsGenExecutor().Do(
        {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"}
    )
    return {
        path.parent.name: tfdv.load_stats_binary(str(path)).datasets[0]
        for path in folder.rglob("FeatureStats.pb")
    }


def test_stock_statistics_gen_reads_the_examples(run, tmp_path):
    run.do()
    found = statistics_of(run.examples, tmp_path / "statistics")
    assert set(found) == {"Split-serving", "Split-labelled"}
    assert {dataset.num_examples for dataset in found.values()} == {6}
    assert {len(dataset.features) for dataset in found.values()} == {5}


def test_rows_of_erased_people_are_dropped_and_those_of_restricted_ones_are_seen_by_nobody(
    tmp_path,
):
    run = Run(tmp_path, ["bob@example.com", "cyd@example.com", "cyd@example.com"])
    run.config["fields"]["rider_email"]["role"] = "subject_id"
    history = str(tmp_path / "history")
    config = PrivacyConfig.model_validate(run.config)
    bob, cyd = (marks_of(config, f"{name}@example.com").tag for name in ("bob", "cyd"))
    register.save(history, register.SubjectRegister(erased={bob}, restricted={cyd}))

    run.do(history=history)

    report = read_report(run.report.uri, PrivacyReport)
    assert (report.rows_read, report.rows_written) == (18, 12)
    assert (report.rows_restricted, report.rows_erased) == (4, 2)
    assert run.report.get_int_custom_property("rows_restricted") == 4
    assert run.report.get_int_custom_property("rows_erased") == 2
    restricted = sorted(Path(run.examples.uri, "Split-restricted").iterdir())
    assert [path.name.partition(".")[0] for path in restricted] == ["labelled", "serving"]
    assert run.examples.split_names == SPLITS
    found = statistics_of(run.examples, tmp_path / "statistics")
    assert {name: dataset.num_examples for name, dataset in found.items()} == {
        "Split-serving": 6,
        "Split-labelled": 6,
    }


def test_purging_deletes_the_raw_input_and_says_so(run):
    run.do(letters=True, purge=1)
    assert list(Path(run.raw.uri).iterdir()) == []
    assert list(Path(run.raw_letters.uri).iterdir()) == []
    assert read_report(run.report.uri, PrivacyReport).input_purged
    assert read_report(run.report.uri, PrivacyReport).rows_written == 12


def test_a_purge_that_fails_is_never_reported_as_done(run, monkeypatch):
    def explode(uri):
        raise OSError("disk gone")

    monkeypatch.setattr(executor, "_purge", explode)
    with pytest.raises(OSError, match="disk gone"):
        run.do(purge=1)
    assert not read_report(run.report.uri, PrivacyReport).input_purged


def test_a_job_that_fails_keeps_the_raw_input_and_quotes_nothing(run, caplog):
    before = run.content_of_raw()
    with pytest.raises(RuntimeError, match=r"note \(serving\): 3 values with EMAIL") as error:
        run.do(letters=True, purge=1, undeclared="fail")
    said = ("".join(traceback.format_exception(error.value)) + caplog.text).encode()
    assert not [raw for raw in RAW if raw in said]
    assert not [raw for raw in RAW if raw in content(run.examples.uri)]
    assert run.content_of_raw() == before


def test_a_purged_input_is_an_error_and_not_an_empty_output(run):
    run.do(purge=1)
    with pytest.raises(OSError, match="No files found"):
        run.do()


def test_examples_of_another_payload_are_refused(run):
    run.raw.set_string_custom_property("payload_format", "FORMAT_PARQUET")
    with pytest.raises(ValueError, match="FORMAT_PARQUET"):
        run.do()


def test_the_component_has_dead_letters_only_when_given(run):
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    letters = channel_utils.as_channel([artifacts.DeadLetters()])
    without = PIIPseudonymizer(examples, run.config)
    assert set(without.outputs) == {"examples", "report"}
    assert without.exec_properties["purge_input"] == 0
    both = PIIPseudonymizer(examples, json.dumps(run.config), letters, purge_input=True)
    assert set(both.outputs) == {"examples", "report", "dead_letters"}
    assert both.exec_properties["purge_input"] == 1
    assert both.exec_properties["config"] == without.exec_properties["config"]


def test_the_component_refuses_an_unknown_key_when_it_is_made(run):
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    with pytest.raises(ValidationError, match="keyst"):
        PIIPseudonymizer(examples, run.config | {"keyst": "x"})
