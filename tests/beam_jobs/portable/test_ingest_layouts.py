"""Ingest gives the same in this process and in others, of one log file and of many."""

import json

import pytest
from tfx_vigil.beam_jobs import ingest_plan
from tfx_vigil.beam_jobs.ingest_config import Window
from tfx_vigil.beam_jobs.ingest_logs import run

from . import logged_day, outputs
from .logged_day import END, FORMATS, START
from .services import TWO_PROCESSES

pytestmark = pytest.mark.portable

FILES = {"one": 1, "many": 30}
SMALL = 4096
every_format = pytest.mark.parametrize("name", FORMATS)
every_layout = pytest.mark.parametrize("layout", FILES)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """Configurations by format and layout; the logs are written when they are asked for."""
    made = {}

    def day(name, layout):
        if (name, layout) not in made:
            folder = tmp_path_factory.mktemp(f"{name}-{layout}")
            made[name, layout] = logged_day.write(folder, name, FILES[layout])
        return made[name, layout]

    return day


def ingested(config, out, beam_args):
    """Report, dead letters, rows of both splits: of Parquet as Parquet, of others as Examples."""
    payload = "parquet" if config.format == "parquet" else "tfrecord"
    report = run(config, START, END, str(out), beam_args, payload)
    letters = list(map(json.loads, outputs.dead_letters(out / "dead_letter")))
    return report.model_dump(), letters, *(outputs.rows(out, x) for x in ("serving", "labelled"))


@pytest.fixture(scope="module")
def expected(day, tmp_path_factory):
    """What each layout gives in this process, all its files in one unit of work; made once."""
    folder, made = tmp_path_factory.mktemp("in-process"), {}

    def expected(name, layout):
        if (name, layout) not in made:
            out = folder / f"{name}-{layout}"
            made[name, layout] = ingested(day(name, layout), out, [])
        return made[name, layout]

    return expected


@pytest.fixture
def small_units(monkeypatch):
    """A file of JSON Lines is read in parts, a unit has few files, keys meet in many places."""
    monkeypatch.setattr(ingest_plan, "UNIT_BYTES", SMALL)
    monkeypatch.setattr(ingest_plan, "PARTITION_BYTES", SMALL)


def units_of(config):
    files = ingest_plan.match(config.logs)
    return ingest_plan.plan(files, config.format, Window.of(config, START, END))


def wherever(result):
    """``result`` without what says in which file a record was."""
    report, letters, *rows = result
    of_files = {"files", "clocks"}
    report = {name: value for name, value in report.items() if name not in of_files}
    places = {"file", "offset"}
    letters = [{name: x[name] for name in x.keys() - places} for x in letters]
    return report, sorted(letters, key=str), *rows


@every_format
def test_the_day_has_something_of_everything(name, expected):
    report, letters, serving, labelled = expected(name, "one")
    counts = {key: n for key, n in report["counts"].items() if n}
    assert counts.keys() >= {
        *("records_dead_lettered", "rows_duplicate", "rows_outside_window"),
        *("labels_late", "labels_orphan", "labels_repeated", "labels_outside_window"),
        *("labels_corrected", "labels_contradictory"),
    }
    assert len(serving) == counts["rows_written"] == 120 * 3 // 2 - 12
    assert len(labelled) == counts["labels_joined"] > 100
    corrections = [row for row in labelled if "log_label_corrects" in dict(row)]
    assert 20 < len(corrections) < 30
    assert {x["reason"] for x in letters} == report["dead_letter_reasons"].keys()
    assert report["dead_letter_reasons"].keys() > {"missing:label", "out_of_domain:a"}


@every_format
def test_small_units_divide_the_work(name, day, small_units):
    assert len(units_of(day(name, "many"))) > 5
    divided = name == "json_lines"
    assert (len(units_of(day(name, "one"))) > 5) == divided


@every_format
def test_one_file_and_many_give_the_same(name, expected):
    assert wherever(expected(name, "one")) == wherever(expected(name, "many"))


@every_format
@every_layout
def test_the_portable_runner_gives_the_same(
    name, layout, day, expected, portable, small_units, tmp_path
):
    wanted = expected(name, layout)
    assert ingested(day(name, layout), tmp_path / "out", portable) == wanted


@every_format
def test_two_worker_processes_give_the_same(name, day, expected, small_units, tmp_path):
    wanted = expected(name, "many")
    assert ingested(day(name, "many"), tmp_path / "out", TWO_PROCESSES.args()) == wanted
