import json
import stat
from datetime import datetime, timezone

import pydantic
import pytest
import tensorflow_data_validation as tfdv
from tfx.components.statistics_gen.executor import Executor as StatisticsGenExecutor
from tfx.orchestration import data_types
from tfx.types import standard_artifacts
from tfx_vigil.beam_jobs import ingest_logs
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.reports import IngestReport as IngestReportDocument
from tfx_vigil.beam_jobs.reports import read_report
from tfx_vigil.components import LogIngest
from tfx_vigil.components.artifacts import DeadLetters, IngestReport
from tfx_vigil.components.log_ingest.executor import Executor

WINDOW = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-01-02T00:00:00Z"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("log_ingest")


@pytest.fixture(scope="module")
def config(folder):
    log = [
        {"request_id": str(n), "event_time": f"2026-01-01T0{n}:00:00Z", "prediction": 0.5, "x": n}
        for n in range(5)
    ]
    truth = [{"request_id": str(n), "time": "2026-01-01T06:00:00Z", "label": 1} for n in range(2)]
    (folder / "log.jsonl").write_text("\n".join([*map(json.dumps, log), "{\n"]))
    (folder / "truth.jsonl").write_text("\n".join(map(json.dumps, truth)))
    return IngestConfig(
        format="json_lines",
        logs=f"{folder}/log.jsonl",
        ground_truth={"files": f"{folder}/truth.jsonl"},
        horizon_hours=24,
        max_dead_letter_share=0.5,
    )


def ingest(config, folder, window):
    artifacts = {
        "examples": standard_artifacts.Examples(),
        "report": IngestReport(),
        "dead_letters": DeadLetters(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(folder / name)
        (folder / name).mkdir()
    Executor().Do(
        {},
        {name: [artifact] for name, artifact in artifacts.items()},
        {"config": config.model_dump_json(), **window, "fingerprint": "", "history_root": ""},
    )
    return artifacts


@pytest.fixture(scope="module")
def outputs(config, folder):
    return ingest(config, folder, WINDOW)


def test_a_window_without_anything_is_an_error_that_says_so(config, tmp_path):
    later = {"window_start": "2026-02-01T00:00:00Z", "window_end": "2026-02-02T00:00:00Z"}
    with pytest.raises(ingest_logs.NoLogs, match=r"none of them between 2026-02-01T00:00:00Z"):
        ingest(config, tmp_path, later)


def test_the_artifacts_carry_their_counts(outputs):
    facts = {"rows": 5, "labelled_rows": 2, "dead_letters": 1}
    for name in ("examples", "report"):
        assert {f: outputs[name].get_int_custom_property(f) for f in facts} == facts
    assert outputs["dead_letters"].get_int_custom_property("dead_letters") == 1
    counts = read_report(outputs["report"].uri, IngestReportDocument).counts
    assert (counts.rows_written, counts.labels_joined, counts.records_dead_lettered) == (5, 2, 1)


def test_stock_statistics_gen_takes_the_examples(outputs, tmp_path):
    examples, statistics = outputs["examples"], standard_artifacts.ExampleStatistics()
    statistics.uri = str(tmp_path / "statistics")
    StatisticsGenExecutor().Do(
        {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"}
    )
    assert json.loads(statistics.split_names) == ["serving", "labelled"]
    for split, rows in (("serving", 5), ("labelled", 2)):
        stats = tfdv.load_stats_binary(f"{statistics.uri}/Split-{split}/FeatureStats.pb")
        assert stats.datasets[0].num_examples == rows


def test_personal_data_is_readable_by_its_owner_alone(outputs, folder):
    for name in ("examples/Split-serving", "examples/Split-labelled", "dead_letters"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700


def test_the_component_takes_its_config_in_any_form(config):
    given = (config, config.model_dump(), config.model_dump_json())
    components = [LogIngest(config=form, **WINDOW) for form in given]
    assert len({component.exec_properties["config"] for component in components}) == 1
    assert components[0].outputs["examples"].type is standard_artifacts.Examples
    assert components[0].outputs["report"].type is IngestReport
    assert components[0].outputs["dead_letters"].type is DeadLetters


def test_the_window_may_be_a_runtime_parameter(config):
    start = data_types.RuntimeParameter(name="start", ptype=str)
    component = LogIngest(config, window_start=start, window_end=WINDOW["window_end"])
    assert component.exec_properties["window_start"] is start


def test_the_fingerprint_is_an_exec_property(config):
    start, end = (ingest_logs.rfc3339_time(time) for time in WINDOW.values())
    assert start == datetime(2026, 1, 1, tzinfo=timezone.utc)
    digest = ingest_logs.fingerprint(config, start, end)
    assert LogIngest(config, **WINDOW, fingerprint=digest).exec_properties["fingerprint"] == digest


def test_a_wrong_config_names_the_offending_key(config):
    with pytest.raises(pydantic.ValidationError, match="log_glob"):
        LogIngest(config.model_dump() | {"log_glob": "x"}, **WINDOW)
