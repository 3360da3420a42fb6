"""Reads the evidence, decides, writes decision, plan, model and blessing."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import AwareDatetime, TypeAdapter
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from ...beam_jobs import reports as documents
from ..blessing import write_blessing
from ..earlier_models.executor import is_there
from ..history import FINE_TUNED, FROM_SCRATCH, PREVIOUS, History, copy_tree
from .decide_push import decide_push
from .decide_retrain import decide_retrain
from .decision import RetrainDecision
from .erasures import read_all_erasures
from .evidence import Past, Reports, read_past
from .policy import RetrainPolicy
from .push_evidence import PushEvidence
from .read_likeness import read_likenesses

CONFIG = "config"
SPAN = "span"
WINDOW_END = "window_end"
HISTORY_ROOT = "history_root"
ON_DEMAND = "on_demand"
INGEST = "ingest"
PRIVACY = "privacy"
DRIFT = "drift"
SLICES = "slices"
STATISTICS = "statistics"
FINE_TUNED_REPORT = "fine_tuned_report"
FROM_SCRATCH_REPORT = "from_scratch_report"
PREVIOUS_REPORT = "previous_report"
FINE_TUNED_OLD = "fine_tuned_old"
FROM_SCRATCH_OLD = "from_scratch_old"
SERVING = "serving"
DECISION = "decision"
PLAN = "plan"
MODEL = "model"
BLESSING = "blessing"

_CANDIDATES = {
    FINE_TUNED: FINE_TUNED_REPORT,
    FROM_SCRATCH: FROM_SCRATCH_REPORT,
    PREVIOUS: PREVIOUS_REPORT,
}
_OLD = {FINE_TUNED: FINE_TUNED_OLD, FROM_SCRATCH: FROM_SCRATCH_OLD}
_TIME = TypeAdapter(AwareDatetime)
_REPORTS = {
    INGEST: documents.IngestReport,
    PRIVACY: documents.PrivacyReport,
    DRIFT: documents.DriftReport,
    SLICES: documents.SliceReport,
}


class Executor(base_executor.BaseExecutor):
    """See RetrainGate."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        inputs = {
            key: artifact_utils.get_single_instance(artifacts)
            for key, artifacts in input_dict.items()
            if artifacts
        }
        outputs = {key: artifact_utils.get_single_instance(a) for key, a in output_dict.items()}
        policy = RetrainPolicy.model_validate_json(exec_properties[CONFIG])
        if PLAN in outputs:
            decision = _retrain(policy, inputs, outputs, exec_properties)
        else:
            decision = _push(policy, inputs, outputs, exec_properties)
        artifact = outputs[DECISION]
        documents.write_report(artifact.uri, decision)
        artifact.set_int_custom_property("retrain", int(decision.retrain))
        artifact.set_int_custom_property("push", int(decision.push))
        artifact.set_string_custom_property("action", decision.action)


def _retrain(
    policy: RetrainPolicy,
    inputs: dict[str, types.Artifact],
    outputs: dict[str, types.Artifact],
    exec_properties: dict[str, Any],
) -> RetrainDecision:
    reports = Reports(
        **{
            key: documents.read_report(inputs[key].uri, kind)
            for key, kind in _REPORTS.items()
            if key in inputs
        }
    )
    span, now = exec_properties[SPAN], _TIME.validate_python(exec_properties[WINDOW_END])
    root = exec_properties.get(HISTORY_ROOT)
    past = read_past(History(root), span, now) if root else Past(now)
    on_demand = bool(exec_properties.get(ON_DEMAND))
    compare = dict
    if root and STATISTICS in inputs:
        uri = inputs[STATISTICS].uri
        compare = partial(read_likenesses, policy.training, History(root), span, uri)
    decision, plan = decide_retrain(policy, span, reports, past, on_demand, compare)
    documents.write_report(outputs[PLAN].uri, plan)
    return decision


def _push(
    policy: RetrainPolicy,
    inputs: dict[str, types.Artifact],
    outputs: dict[str, types.Artifact],
    exec_properties: dict[str, Any],
) -> RetrainDecision:
    reports = {
        key: documents.read_report(inputs[key].uri, documents.SliceReport)
        for key in (*_CANDIDATES.values(), *_OLD.values())
        if key in inputs
    }
    candidates = {
        name: reports[key]
        for name, key in _CANDIDATES.items()
        if key in reports and (name not in inputs or is_there(inputs[name]))
    }
    old = {name: reports[key] for name, key in _OLD.items() if key in reports}
    serving = None
    if SERVING in inputs:
        serving = documents.read_report(inputs[SERVING].uri, documents.ServingReport)
    span, root = exec_properties[SPAN], exec_properties.get(HISTORY_ROOT)
    heeded = root and policy.triggers.erasure
    erasures = read_all_erasures(History(root), span) if heeded else ((), ())
    decision = decide_push(policy.push, span, PushEvidence(candidates, old, serving, *erasures))
    model = outputs[MODEL]
    if decision.chosen:
        copy_tree(inputs[decision.chosen].uri, model.uri)
        model.set_string_custom_property("candidate", decision.chosen)
    write_blessing(outputs[BLESSING], decision.push, inputs.get(decision.chosen))
    return decision
