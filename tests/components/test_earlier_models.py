"""The model of before, out of the history, to be judged and pushed like any candidate."""

from pathlib import Path

import pytest
from tfx.types import standard_artifacts
from tfx.utils import path_utils
from tfx_vigil.beam_jobs.reports import IN_SERVICE, SliceReport, read_report
from tfx_vigil.components import artifacts
from tfx_vigil.components.earlier_models.executor import Executor, is_there
from tfx_vigil.components.history import BaselineRecord, History, Push
from tfx_vigil.components.push_recorder.executor import Executor as PushRecorder
from tfx_vigil.components.serving_checks.executor import Executor as ServingChecks
from tfx_vigil.components.sliced_evaluator.executor import Executor as Evaluator

from .evidence import candidate, holding, serving
from .recorded_spans import decision, examples_of, plan, record_span, rows, statistics_of_splits
from .test_sliced_evaluator import CONFIG, outputs_in

SECOND, THIRD = "2014-07-01", "2015-01-01"


@pytest.fixture
def history(tmp_path):
    """A first model, and one pushed since by the span before the second."""
    history = History(str(tmp_path / "history"))
    for name in ("first", "next"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_text(name)
    history.write_baseline(BaselineRecord(model=str(tmp_path / "first"), rows=30))
    return history


def pushed(history, folder, span, **push):
    record_span(history.root, folder, span)
    history.complete_span(span, Push(**push), "push", lambda _: None)


def resolve(history, span, folder):
    models = {name: standard_artifacts.Model() for name in ("previous", "first")}
    for name, model in models.items():
        model.uri = f"{folder}/{name}"
    Executor().Do(
        {},
        {name: [model] for name, model in models.items()},
        {"history_root": history.root, "span": span},
    )
    return models


def test_the_model_before_the_one_in_service_is_found(tmp_path, history):
    learned = {"candidate": "from_scratch", "trained_on": ["baseline"]}
    pushed(history, tmp_path / "span", "2014-01-01", model=str(tmp_path / "next"), **learned)
    for model in resolve(history, SECOND, tmp_path / "model").values():
        assert is_there(model)
        saved = Path(path_utils.serving_model_dir(model.uri), "saved_model.pb")
        assert saved.read_text() == "first"
        assert model.get_string_custom_property("span") == "baseline"


def test_where_there_is_none_nothing_is_evaluated_or_served(tmp_path, history):
    model, first = resolve(history, SECOND, tmp_path / "model").values()
    assert not is_there(model)
    assert not is_there(first)
    examples = examples_of(tmp_path / "examples", eval=rows(0, 9))
    outputs = outputs_in(tmp_path / "out")
    Evaluator().Do(
        {"examples": [examples], "model": [model]},
        {key: [artifact] for key, artifact in outputs.items()},
        {"config": CONFIG.model_dump_json(), "splits": '["eval"]', "estimate_splits": "[]"},
    )
    assert read_report(outputs["report"].uri, SliceReport).models == []
    report = artifacts.ServingReport()
    report.uri = str(tmp_path / "serving")
    ServingChecks().Do(
        {"examples": [examples], "previous": [model], IN_SERVICE: []},
        {"report": [report]},
        {"split": "eval", "sample": 9},
    )
    assert '"models": []' in Path(report.uri, "report.json").read_text()


def test_a_roll_back_is_recorded_with_what_the_model_learned_from(tmp_path, history):
    learned = {"candidate": "from_scratch", "trained_on": ["baseline", "2014-01-01"]}
    pushed(history, tmp_path / "span", "2014-01-01", model=str(tmp_path / "next"), **learned)
    record_span(history.root, tmp_path / "second", SECOND, first=40, action="retrain")
    model = standard_artifacts.PushedModel()
    model.set_int_custom_property("pushed", 1)
    model.set_string_custom_property("pushed_destination", "/serving/9")
    inputs = {
        "decision": holding(
            artifacts.RetrainDecision(),
            tmp_path / "push",
            decision(SECOND, "roll_back", "previous"),
        ),
        "plan": holding(artifacts.TrainingPlan(), tmp_path / "plan", plan(SECOND, SECOND)),
        "training_statistics": statistics_of_splits(tmp_path / "trained", train=rows(0, 30)),
        "serving": holding(artifacts.ServingReport(), tmp_path / "served", serving()),
        "pushed_model": model,
        **{
            name: holding(artifacts.SliceReport(), tmp_path / name, candidate(0.5))
            for name in ("fine_tuned", "from_scratch", "previous")
        },
    }
    PushRecorder().Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {},
        {"history_root": history.root, "span": SECOND},
    )
    in_service = history.model_in_service(before=THIRD)
    assert (in_service.model, in_service.span) == ("/serving/9", "baseline")
    assert in_service.trained_on == ["baseline"]
    assert history.previous_model(before=THIRD).span == "2014-01-01"
