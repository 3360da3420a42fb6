"""``tfx-vigil drift`` as a person and as a script see it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tfx_vigil.beam_jobs.reports import DriftReport


def trips(path, seed, n=400, factor=1.0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "city": np.where(np.arange(n) % 2, "Bern", "Basel"),
            "fare": rng.lognormal(2, 1, n) * factor,
            "score": rng.random(n),
        }
    )
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.fixture
def before(tmp_path):
    return trips(tmp_path / "before.parquet", 0)


@pytest.fixture
def later(tmp_path):
    """Fares are five times as high."""
    return trips(tmp_path / "later.csv", 1, factor=5)


def compared(before, later, *options):
    return "drift", "--baseline", before, "--current", later, *options


def test_the_result_comes_first_then_what_drifted_and_the_exit_code_tells_it(run, before, later):
    ran = run(*compared(before, later, "--slice-by", "city"))
    assert ran.code == 3
    assert ran.out.startswith("Drift in 1 of 3 columns: fare\n")
    assert "city=Bern" in ran.out
    assert re.search(r"\d+ comparisons below the threshold", ran.out)
    assert not Path("drift-report").exists()


def test_json_gives_every_comparison_with_p_value_and_origin_of_the_threshold(run, before, later):
    ran = run(*compared(before, later, "--slice-by", "city", "--json", "-o", "out"))
    assert ran.code == 3
    report = DriftReport.model_validate(ran.json)
    assert report.drifted_features == ["fare", "all rows"]
    assert {c.slice for c in report.comparisons} == {"overall", "city=Bern", "city=Basel"}
    assert {
        "feature", "slice", "distance", "value", "threshold", "threshold_origin", "n_baseline",
        "n_current", "verdict"
    } <= ran.json["comparisons"][0].keys()  # fmt: skip
    assert DriftReport.model_validate_json(Path("out/report.json").read_text()) == report


def test_without_drift_it_says_so_and_exits_with_0(run, before, tmp_path):
    ran = run(*compared(before, trips(tmp_path / "same.parquet", 2), "-o", "out"))
    assert ran.code == 0
    assert ran.out.startswith("No drift in 3 columns\n")
    assert "out/report.json" in ran.out


def test_columns_are_left_out_and_alarms_rarer_as_told(run, before, later):
    assert run(*compared(before, later, "--ignore", "fa*")).code == 0


def test_drift_on_the_prediction_asks_for_action(run, before, later):
    assert run(*compared(before, later, "--json")).json["severity"] == "watch"
    ran = run(*compared(before, later, "--prediction", "fare", "--json"))
    assert ran.json["severity"] == "act"


def labelled(path, wrong, n=3_000):
    rng = np.random.default_rng(n)
    label = rng.random(n) < 0.5
    frame = pd.DataFrame(
        {
            "asked": pd.date_range("2026-03-01", periods=n, freq="min"),
            "score": np.where(rng.random(n) < wrong, ~label, label) * 0.8 + 0.1,
            "paid": label.astype(int),
        }
    )
    frame.to_parquet(path)
    return path


def test_errors_are_compared_and_the_time_of_their_change_is_told(run, tmp_path):
    before = labelled(tmp_path / "before.parquet", 0.1)
    later = labelled(tmp_path / "later.parquet", np.repeat([0.1, 0.3], [2_000, 1_000]))
    roles = "--prediction", "score", "--label", "paid", "--task", "binary_classification"
    found = run(*compared(before, later, *roles, "--time", "asked", "--json"))
    [change] = [c for c in found.json["comparisons"] if c["distance"] == "change_point"]
    assert change["verdict"] == "drift"
    assert "2026-03-02T08:00" < change["detail"]["since"] < "2026-03-02T10:30"
    assert "asked" not in {c["feature"] for c in found.json["comparisons"]}

    untimed = run(*compared(before, later, *roles))
    assert untimed.code == 1
    assert "a 'paid', a 'score' and a time 'log_event_time'" in untimed.err
    assert "Traceback" not in untimed.err


def test_an_unknown_task_is_refused(run, before, later):
    refused = run(*compared(before, later, "--task", "ranking"))
    assert refused.code == 2
    assert "task" in refused.err
    assert "binary_classification" in refused.err


def test_a_script_gets_json_alone_and_exit_code_3_where_drift_is_found(before, later):
    """In a process of its own: what TensorFlow and its clients print when imported counts too."""
    call = "import sys; from tfx_vigil.pipelines.cli import main; main()"
    arguments = map(str, compared(before, later, "--json"))
    ran = subprocess.run([sys.executable, "-c", call, *arguments], capture_output=True, text=True)
    assert ran.returncode == 3
    assert json.loads(ran.stdout)["drift"] is True
    assert not re.search("Traceback|Warning", ran.stderr)
