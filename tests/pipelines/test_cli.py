"""The command line as a script sees it: exit codes, pure JSON, and the files it leaves."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.reports import IngestReport

EMAIL = "ada@example.org"
VIGIL_YAML = """\
model:
  name: tips
  features: {fare: float}
  serving_dir: serving
spans: {start: START}
logs:
  format: json_lines
  files: logs/*.jsonl
  horizon_days: 1
  ground_truth: {files: truth/*.jsonl}
privacy:
  default: keep
  keyset: keyset.json
  domain: tips
  fields:
    email: {method: hmac}
runtime:
  pipeline_root: pipeline
  history_root: history
"""


@pytest.fixture
def vigil_yaml(tmp_path):
    """Writes a vigil.yaml whose spans begin on a given day."""

    def write(start="2026-01-01"):
        path = tmp_path / "vigil.yaml"
        path.write_text(VIGIL_YAML.replace("START", start))
        return path

    return write


def test_ingest_leaves_examples_dead_letters_and_a_report(run, vigil_yaml, tmp_path):
    config = vigil_yaml()
    log = [
        {
            "request_id": str(n),
            "event_time": f"2026-01-01T0{n}:00:00Z",
            "prediction": 0.5,
            "fare": n,
        }
        for n in range(5)
    ]
    truth = [{"request_id": str(n), "time": "2026-01-01T06:00:00Z", "label": 1} for n in range(2)]
    for name, records in (("logs", log), ("truth", truth)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    window = ["--window-start", "2026-01-01", "--window-end", "2026-01-01T04:00:00Z"]
    ran = run("ingest", "-c", config, *window, "-o", "out", "--json")
    assert ran.code == 0
    report = IngestReport.model_validate(ran.json)
    assert (report.counts.rows_written, report.counts.labels_outside_window) == (4, 2)

    with (tmp_path / "logs" / "a.jsonl").open("a") as f:
        f.write("\n{\n")
    options = ["--format", "json_lines", "--logs", "logs/*.jsonl", "--labels", "truth/*.jsonl"]
    window[-1] = "2026-01-02"
    ran = run("ingest", *options, *window, "-o", "out")
    assert ran.code == 1
    assert "dead letters" in ran.err
    letters = b"".join(
        gzip.decompress(path.read_bytes()) for path in Path("out/dead_letter").iterdir()
    )
    assert json.loads(letters)["reason"] == "not_json"
    report = IngestReport.model_validate_json(Path("out/report.json").read_text())
    assert (report.counts.rows_written, report.counts.labels_joined) == (5, 2)
    for split in ("serving", "labelled"):
        assert any(Path(f"out/Split-{split}").iterdir())


def test_ingest_reads_its_dead_letters_again_and_never_over_themselves(run, tmp_path):
    record = {"request_id": "a", "event_time": "2026-01-01T01:00:00Z"}
    (tmp_path / "log").write_text(json.dumps(record) + "\n{\n")
    window = ["--window-start", "2026-01-01", "--window-end", "2026-01-02"]
    assert run("ingest", "--logs", "log", *window, "-o", "first").code == 1
    letters = sorted(Path("first/dead_letter").iterdir())
    ran = run("ingest", "--format", "json_lines", "--replay", "first", *window, "-o", "first")
    assert (ran.code, letters) == (1, sorted(Path("first/dead_letter").iterdir()))
    assert "give another output folder" in ran.err
    options = ["--format", "json_lines", "--payload-format", "parquet", "--json"]
    ran = run("ingest", "--replay", "first", *options, *window, "-o", "second")
    assert ran.code == 1
    report = IngestReport.model_validate_json(Path("second/report.json").read_text())
    assert report.dead_letter_reasons == {"not_json": 1}
    assert sorted(Path("second/Split-serving").glob("*.parquet"))


def test_pseudonymize_keeps_the_table_s_format_and_nothing_raw(run, vigil_yaml, tmp_path):
    vigil_yaml()
    keysets.create(str(tmp_path / "keyset.json"))
    frame = pd.DataFrame({"email": [EMAIL, EMAIL], "note": ["fine", f"mail {EMAIL}"]})
    frame.to_csv("riders.csv", index=False)
    ran = run("pseudonymize", "--data", "riders.csv", "-o", "out", "--json")
    assert ran.code == 0
    assert ran.json["rows_written"] == 2
    assert {(f["field"], f["method"]) for f in ran.json["fields"]} >= {("email", "hmac")}
    treated = pd.read_csv("out/riders.csv")
    assert treated.email.nunique() == 1
    assert EMAIL not in treated.to_string() + ran.out


def test_run_names_file_line_and_key_of_what_is_wrong(run, vigil_yaml):
    config = vigil_yaml()
    config.write_text(config.read_text() + "  beam_arguments: []\n")
    ran = run("run", "--config", config)
    assert (ran.code, ran.out) == (2, "")
    assert f"{config}:20: runtime.beam_arguments: unknown key" in ran.err


def test_run_without_a_configuration_says_what_to_give(run):
    ran = run("run")
    assert ran.code == 2
    assert "vigil.yaml: No such file" in ran.err


def test_run_waits_for_the_end_of_the_next_span(run, vigil_yaml):
    config = vigil_yaml(start="2999-01-01")
    ran = run("run", "-c", config)
    assert ran.code == 0
    assert "the next span has not ended yet" in ran.out
    assert run("run", "-c", config, "--json").json == {
        "span": None,
        "reason": "the next span has not ended yet",
    }
    assert not Path("history").exists()


def test_run_refuses_a_span_that_does_not_exist(run, vigil_yaml):
    ran = run("run", "-c", vigil_yaml(), "--span", "2026-01-01T07")
    assert ran.code == 2
    assert "--span: no span is called '2026-01-01T07'" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [["drift"], ["nonsense"], ["run", "--nonsense"], ["report", "--history", "absent"]],
)
def test_wrong_usage_exits_with_2(run, arguments):
    assert run(*arguments).code == 2


def test_a_failure_is_one_message_and_exit_code_1(run):
    ran = run("evaluate", "--data", "absent.parquet", "--label", "label", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "no table at absent.parquet" in ran.err
    assert "Traceback" not in ran.err
