"""``tfx-vigil evaluate`` as a script sees it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from tfx_vigil.beam_jobs.reports import SliceReport


def predictions(path, n=400):
    rng = np.random.default_rng(0)
    prediction = rng.random(n)
    pd.DataFrame(
        {
            "city": np.where(np.arange(n) % 2, "Bern", "Basel"),
            "fare": rng.lognormal(2, 1, n),
            "prediction": prediction,
            "label": (rng.random(n) < prediction).astype(int),
        }
    ).to_parquet(path)
    return path


def test_evaluate_prints_each_metric_of_each_slice(run, tmp_path):
    data = predictions(tmp_path / "predictions.parquet")
    ran = run("evaluate", "--data", data, "--label", "label", "--slice-by", "city", "--json")
    assert ran.code == 0
    assert {"slice", "metric", "value", "n"} <= ran.json["metrics"][0].keys()
    report = SliceReport.model_validate(ran.json)
    count = {m.slice: m.n for m in report.metrics if m.metric == "auc"}
    assert count == {"overall": 400, "city=Bern": 200, "city=Basel": 200}
    assert Path("evaluation/report.json").exists()


def test_evaluate_refuses_an_unknown_metric_by_name(run, tmp_path):
    ran = run("evaluate", "--data", "x", "--label", "label", "--metric", "aucc", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert "\nmetrics: no ['aucc']" in f"\n{ran.err}"


def test_evaluate_finds_slices_when_asked(run, tmp_path):
    data = predictions(tmp_path / "predictions.parquet", n=2000)
    rows = pd.read_parquet(data)
    worse = (rows["city"] == "Bern") & (rows["fare"] > 20)
    rows["label"] = rows["label"].where(~worse, (rows["prediction"] < 0.5).astype(int))
    rows.to_parquet(data)
    arguments = "evaluate", "--data", data, "--label", "label"
    assert run(*arguments, "--json").json["found"] is None
    found = run(*arguments, "--find-slices", "--json").json["found"]
    assert {"city", "fare"} in [set(finding["features"]) for finding in found["findings"]]
    ran = run(*arguments, "--find-slices")
    assert "city=Bern" in ran.out
    assert f"Searched {found['candidates']:,} slices of 2,000 rows" in ran.out


def test_evaluate_estimates_rows_without_a_label_when_asked(run, tmp_path):
    data = predictions(tmp_path / "predictions.parquet", n=1000)
    rows = pd.read_parquet(data)
    rows["label"] = rows["label"].where(rows.index < 700)
    rows.to_parquet(data)
    arguments = "evaluate", "--data", data, "--label", "label", "--slice-by", "city"
    assert run(*arguments, "--json").json["estimates"] is None
    found = run(*arguments, "--estimate", "--json").json["estimates"]
    assert (found["rows"], found["labelled"]) == (300, 700)
    assert {"slice", "metric", "value", "lower", "upper", "n"} <= found["metrics"][0].keys()
    ran = run(*arguments, "--estimate")
    assert "Estimated, not measured: 300 rows without a label, from 700 rows" in ran.out


EVAL_CONFIG = """
model_specs { label_key: "label" prediction_key: "prediction" }
slicing_specs {}
slicing_specs { feature_keys: "city" }
metrics_specs {
  metrics {
    class_name: "AUC"
    threshold { value_threshold { lower_bound { value: BOUND } } }
  }
}
"""


@pytest.mark.parametrize(("bound", "code"), [("0.7", 0), ("0.95", 3)])
def test_evaluate_decides_the_thresholds_of_an_eval_config(run, tmp_path, bound, code):
    data = predictions(tmp_path / "predictions.parquet")
    config = tmp_path / "eval_config.pbtxt"
    config.write_text(EVAL_CONFIG.replace("BOUND", bound))
    ran = run("evaluate", "--data", data, "--eval-config", config)
    assert ran.code == code
    assert f">= {bound}" in ran.out
    assert tfma.load_validation_result("evaluation").validation_ok is (code == 0)
    report = run("evaluate", "--data", data, "--eval-config", config, "--json").json
    checks = {check["slice"]: check["outcome"] for check in report["thresholds"]}
    expected = "not_met" if code else "met"
    assert checks == dict.fromkeys(["overall", "city=Bern", "city=Basel"], expected)


def test_evaluate_takes_an_eval_config_as_json_too(run, tmp_path):
    data = predictions(tmp_path / "predictions.parquet")
    config = {
        "modelSpecs": [{"labelKey": "label", "predictionKey": "prediction"}],
        "metricsSpecs": [{"metrics": [{"className": "AUC"}]}],
    }
    (tmp_path / "eval_config.json").write_text(json.dumps(config))
    ran = run("evaluate", "--data", data, "--eval-config", tmp_path / "eval_config.json", "--json")
    assert {m["metric"] for m in ran.json["metrics"]} == {"auc"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "give --label or --eval-config"),
        (["--label", "y", "--eval-config", "c"], "give --label or --eval-config"),
        (["--eval-config", "absent"], "absent"),
        (["--label", "y", "--weight", "w", "--estimate"], "--estimate is for a binary"),
        (
            ["--label", "y", "--task", "ranking", "--query", "q", "--estimate"],
            "without a weight",
        ),
        (["--eval-config", "c", "--slice-by", "city"], "says slices, metrics and weight itself"),
        (["--eval-config", "c"], "c: 1:1 : Message type"),
    ],
)
def test_evaluate_says_what_is_wrong_with_its_configuration(run, tmp_path, arguments, problem):
    Path("c").write_text("no_such_field: 1")
    ran = run("evaluate", "--data", "x", *arguments)
    assert ran.code == 2
    assert problem in ran.err


def test_evaluate_takes_the_probabilities_of_several_classes(run, tmp_path):
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 200)
    pd.DataFrame({"y": np.array(["a", "b", "c"])[p.argmax(axis=1)], "p": list(p)}).to_parquet(
        tmp_path / "several.parquet"
    )
    classes = [option for name in "abc" for option in ("--class", name)]
    data = ["--data", tmp_path / "several.parquet", "--label", "y", "--prediction", "p"]
    ran = run("evaluate", *data, "--task", "multi_class_classification", *classes, "--json")
    assert {m["metric"]: m["value"] for m in ran.json["metrics"]}["accuracy"] == 1


def test_evaluate_takes_rankings(run, tmp_path):
    rng = np.random.default_rng(0)
    score, query = rng.random(300), np.repeat(np.arange(60), 5)
    frame = pd.DataFrame({"q": query, "score": score, "gain": (score > 0.7).astype(int)})
    frame.to_csv(tmp_path / "ranked.csv", index=False)
    data = ["--data", tmp_path / "ranked.csv", "--label", "gain", "--prediction", "score"]
    ran = run("evaluate", *data, "--task", "ranking", "--query", "q", "--json")
    assert {m["metric"]: m["value"] for m in ran.json["metrics"]} == {
        "ndcg": 1,
        "ndcg_at_10": 1,
        "mrr": 1,
    }
    assert ran.json["queries_without_relevance"] == 60 - ran.json["metrics"][0]["n"]
