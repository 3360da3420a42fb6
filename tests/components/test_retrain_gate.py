"""The gate on real artifacts: what it reads, writes, and what the stock Pusher makes of it."""

from datetime import datetime, timezone
from pathlib import Path

import pytest
from tfx.components import Pusher
from tfx.dsl.compiler import placeholder_utils
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.portable.data_types import ExecutionInfo
from tfx.proto import pusher_pb2
from tfx.types import channel_utils, standard_artifacts
from tfx.utils import path_utils
from tfx_vigil.beam_jobs.reports import read_report
from tfx_vigil.components import RetrainGate, artifacts
from tfx_vigil.components.history import BaselineRecord, History, Push, SpanRecord
from tfx_vigil.components.retrain_gate import decision as documents
from tfx_vigil.components.retrain_gate.executor import Executor
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy

from .evidence import LOSS, SPAN, candidate, change, drift, holding, ingest, slices
from .recorded_spans import model_of, push

WINDOW_END = "2014-07-01T00:00:00+00:00"
EARLIER, LATER = "2013-07-01", "2015-07-01"
POLICY = RetrainPolicy()
MODEL = channel_utils.as_channel([standard_artifacts.Model()])
REPORT = channel_utils.as_channel([artifacts.SliceReport()])


def good(**changes):
    return {"ingest": ingest(), "drift": drift(), "slices": slices(0.5), **changes}


class Decided:
    """One execution of the gate that decides on retraining."""

    def __init__(self, folder, reports, history=None, window_end=WINDOW_END, on_demand=0):
        kinds = {
            "ingest": artifacts.IngestReport,
            "drift": artifacts.DriftReport,
            "slices": artifacts.SliceReport,
        }
        self.artifact, self._plan = artifacts.RetrainDecision(), artifacts.TrainingPlan()
        self.artifact.uri, self._plan.uri = f"{folder}/decision", f"{folder}/plan"
        Executor().Do(
            {
                name: [holding(kinds[name](), f"{folder}/{name}", report)]
                for name, report in reports.items()
            },
            {"decision": [self.artifact], "plan": [self._plan]},
            {
                "config": POLICY.model_dump_json(),
                "span": SPAN,
                "window_end": window_end,
                "history_root": history and history.root,
                "on_demand": on_demand,
            },
        )

    @property
    def decision(self):
        return read_report(self.artifact.uri, documents.RetrainDecision)

    @property
    def plan(self):
        return read_report(self._plan.uri, documents.TrainingPlan)

    def rule(self, name):
        return next(rule for rule in self.decision.rules if rule.rule == name)


@pytest.fixture
def history(tmp_path):
    """A baseline of 3,000 rows whose model had a loss of 0.5, and one quiet span."""
    history = History(str(tmp_path / "history"))
    Path(history.baseline_path()).mkdir(parents=True)
    reference = slices(0.5, model="candidate").model_dump_json()
    Path(history.baseline_path("slices.json")).write_text(reference)
    history.write_baseline(BaselineRecord(model="/first", rows=3000))
    add_span(history, EARLIER)
    return history


def add_span(history, span, pushed=None):
    def fill(folder):
        Path(folder, "slices.json").write_text(slices(0.5).model_dump_json())
        Path(folder, "fine_tuned.json").write_text(slices(0.3, model="candidate").model_dump_json())

    year = int(span[:4])
    record = SpanRecord(
        span=span,
        window_start=datetime(year, 7, 1, tzinfo=timezone.utc),
        window_end=datetime(year + 1, 1, 1, tzinfo=timezone.utc),
        revision="",
        complete=True,
        action="none",
        push=pushed,
    )
    history.write_span(record, fill)


def condition_holds(property_name, decision):
    """Evaluates, as TFX's launcher does, what a pipeline's Cond says about ``decision``."""
    gate = RetrainGate(POLICY, span=SPAN, window_end=WINDOW_END, slices=REPORT)
    predicate = gate.outputs["decision"].future()[0].custom_property(property_name) == 1
    inputs = {f"_{gate.id}.decision": [decision]}
    context = placeholder_utils.ResolutionContext(exec_info=ExecutionInfo(input_dict=inputs))
    return placeholder_utils.resolve_placeholder_expression(predicate.encode(), context)


@pytest.mark.parametrize(("loss", "action"), [(0.55, "retrain"), (0.5, "none")])
def test_a_condition_reads_the_decision_off_the_artifact(tmp_path, history, loss, action):
    decided = Decided(tmp_path, good(slices=slices(loss)), history)
    assert decided.decision.action == action
    assert decided.artifact.get_string_custom_property("action") == action
    assert condition_holds("retrain", decided.artifact) is (action == "retrain")
    assert condition_holds("push", decided.artifact) is False


def test_the_plan_is_written_whatever_the_decision(tmp_path, history):
    decided = Decided(tmp_path, good(), history)
    assert not decided.decision.retrain
    assert decided.plan.spans == ["baseline", EARLIER, SPAN]
    assert decided.rule("enough_labels").inputs["rows"] == 3000 + 2000 + 1400


def test_without_a_history_a_drop_cannot_be_told(tmp_path):
    decided = Decided(tmp_path, good(slices=slices(0.9)))
    assert decided.decision.action == "watch"
    assert decided.rule("metric_drop").outcome is None
    assert decided.plan.spans == [SPAN]


def test_an_empty_history_knows_no_model_to_retrain(tmp_path):
    empty = History(str(tmp_path / "empty"))
    decided = Decided(tmp_path, good(), empty, on_demand=1)
    assert decided.decision.action == "hold"
    assert decided.rule("known_model").outcome is False


def test_spans_after_this_one_count_for_nothing(tmp_path, history):
    before = Decided(tmp_path / "before", good(slices=slices(0.55)), history)
    add_span(history, LATER, Push(model="/next", candidate="fine_tuned", trained_on=[LATER]))
    after = Decided(tmp_path / "after", good(slices=slices(0.55)), history)
    assert (after.decision, after.plan) == (before.decision, before.plan)


def test_the_reference_is_that_of_the_last_push(tmp_path, history):
    add_span(history, EARLIER, Push(model="/next", candidate="fine_tuned", trained_on=[EARLIER]))
    decided = Decided(tmp_path, good(slices=slices(0.45)), history)
    assert decided.rule("metric_drop").inputs["reference"] == 0.3
    assert decided.decision.retrain


def test_retraining_on_demand_is_a_run_parameter(tmp_path, history):
    asked = Decided(tmp_path / "1", good(), history, on_demand=1)
    assert (asked.decision.action, asked.artifact.get_int_custom_property("retrain")) == (
        "retrain",
        1,
    )
    assert not Decided(tmp_path / "0", good(), history, on_demand=0).decision.retrain


def test_a_report_that_the_pipeline_does_not_have_forbids_retraining(tmp_path, history):
    reports = {"slices": slices(0.55)}
    decided = Decided(tmp_path, reports, history)
    assert decided.decision.action == "hold"
    assert set(decided.decision.evidence) == {"slices"}
    assert decided.rule("readable_logs").outcome is None


@pytest.mark.parametrize("end", ["2014-07-01T00:00:00Z", "2014-07-01T02:00:00+02:00"])
def test_the_end_of_the_window_is_a_moment_in_any_notation(tmp_path, history, end):
    same = Decided(tmp_path / "utc", good(), history)
    assert Decided(tmp_path / "other", good(), history, window_end=end).decision == same.decision


def test_the_end_of_the_window_needs_an_offset(tmp_path, history):
    with pytest.raises(ValueError, match="timezone"):
        Decided(tmp_path, good(), history, window_end="2014-07-01T00:00:00")


class Judged:
    """One execution of the gate that decides on candidates, and the stock Pusher after it."""

    def __init__(self, folder, **reports):
        inputs, self.models = {}, {}
        for i, (name, report) in enumerate(reports.items(), 1):
            self.models[name] = model_of(folder / name, content=name)
            self.models[name].id = i
            inputs[name] = [self.models[name]]
            inputs[f"{name}_report"] = [
                holding(artifacts.SliceReport(), folder / f"{name}_report", report)
            ]
        self.decision, self.model = artifacts.RetrainDecision(), standard_artifacts.Model()
        self.blessing = standard_artifacts.ModelBlessing()
        for name in ("decision", "model", "blessing"):
            getattr(self, name).uri = str(folder / f"gate_{name}")
        Executor().Do(
            inputs,
            {name: [getattr(self, name)] for name in ("decision", "model", "blessing")},
            {"config": POLICY.model_dump_json(), "span": SPAN},
        )
        self.pushed = push(self.model, self.blessing, folder)


BETTER, BEST, NO_BETTER = (candidate(loss, change(loss - 0.55)) for loss in (0.50, 0.48, 0.548))


@pytest.mark.parametrize(
    ("reports", "chosen"),
    [
        ({"fine_tuned": BETTER, "from_scratch": BEST}, "from_scratch"),
        ({"fine_tuned": BETTER, "from_scratch": NO_BETTER}, "fine_tuned"),
        ({"fine_tuned": BETTER}, "fine_tuned"),
    ],
)
def test_the_stock_pusher_pushes_the_chosen_candidate(tmp_path, reports, chosen):
    judged = Judged(tmp_path, **reports)
    serving = Path(path_utils.serving_model_path(judged.model.uri))
    assert (serving / "saved_model.pb").read_text() == chosen
    assert judged.model.get_string_custom_property("candidate") == chosen
    assert (tmp_path / "gate_blessing" / "BLESSED").exists()
    assert judged.blessing.get_string_custom_property("current_model") == str(tmp_path / chosen)
    assert judged.blessing.get_int_custom_property("current_model_id") == judged.models[chosen].id
    assert condition_holds("push", judged.decision) is True

    assert judged.pushed.get_int_custom_property("pushed") == 1
    (version,) = (tmp_path / "serving").iterdir()
    assert (version / "saved_model.pb").read_text() == chosen
    assert (version / "variables" / "variables.index").exists()


def test_the_stock_pusher_pushes_nothing_when_no_candidate_is_better(tmp_path):
    judged = Judged(tmp_path, fine_tuned=NO_BETTER, from_scratch=NO_BETTER)
    assert condition_holds("push", judged.decision) is False
    assert judged.decision.get_string_custom_property("action") == "hold"
    assert judged.blessing.get_int_custom_property("blessed") == 0
    assert [file.name for file in (tmp_path / "gate_blessing").iterdir()] == ["NOT_BLESSED"]
    assert not (tmp_path / "gate_model").exists()
    assert judged.pushed.get_int_custom_property("pushed") == 0
    assert not (tmp_path / "serving").exists()


def test_the_push_decision_names_what_it_rests_on(tmp_path):
    judged = Judged(tmp_path, fine_tuned=BETTER, from_scratch=NO_BETTER)
    document = read_report(judged.decision.uri, documents.RetrainDecision)
    assert (document.span, document.chosen) == (SPAN, "fine_tuned")
    assert set(document.evidence) == {"fine_tuned", "from_scratch"}
    assert any(LOSS in reason for reason in document.reasons)


CANDIDATE = {"fine_tuned": MODEL, "fine_tuned_report": REPORT}


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({}, "one of the two"),
        ({**CANDIDATE, "slices": REPORT, "window_end": WINDOW_END}, "one of the two"),
        ({"fine_tuned": MODEL}, "each candidate needs both its model and its report"),
        ({**CANDIDATE, "from_scratch_report": REPORT}, "each candidate needs both"),
        ({"slices": REPORT}, "window_end is needed"),
    ],
)
def test_a_gate_without_the_evidence_for_one_decision_is_refused(channels, message):
    with pytest.raises(ValueError, match=message):
        RetrainGate(POLICY, span=SPAN, **channels)


def test_the_outputs_are_those_of_the_decision_it_takes():
    retrain = RetrainGate(POLICY, span=SPAN, window_end=WINDOW_END, slices=REPORT)
    assert {name: c.type for name, c in retrain.outputs.items()} == {
        "decision": artifacts.RetrainDecision,
        "plan": artifacts.TrainingPlan,
    }
    judge = RetrainGate(POLICY, span=SPAN, **CANDIDATE)
    assert set(judge.outputs) == {"decision", "model", "blessing"}
    pusher = Pusher(
        model=judge.outputs["model"],
        model_blessing=judge.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(),
    )
    assert isinstance(pusher, BaseComponent)


def test_the_policy_may_be_a_model_a_mapping_or_json():
    given = [POLICY, {}, "{}"]
    gates = [RetrainGate(policy, span=SPAN, **CANDIDATE) for policy in given]
    assert {gate.exec_properties["config"] for gate in gates} == {POLICY.model_dump_json()}
    with pytest.raises(ValueError, match="cooldown_days"):
        RetrainGate({"guards": {"cooldown_days": 3}}, span=SPAN, **CANDIDATE)


def test_what_a_run_supplies_may_be_a_runtime_parameter():
    parameters = {
        name: RuntimeParameter(name=name, ptype=kind)
        for name, kind in (("span", str), ("window_end", str), ("on_demand", int))
    }
    gate = RetrainGate(POLICY, slices=REPORT, **parameters)
    assert {name: gate.exec_properties[name] for name in parameters} == parameters
