"""RetrainGate: the decision to retrain, and the decision to push."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from ...beam_jobs.parameters import to_json
from ..artifacts import (
    DriftReport,
    IngestReport,
    PrivacyReport,
    RetrainDecision,
    ServingReport,
    SliceReport,
    TrainingPlan,
)
from . import executor as keys
from .policy import RetrainPolicy


def _optional(artifact_type: type) -> component_spec.ChannelParameter:
    return component_spec.ChannelParameter(type=artifact_type, optional=True)


class RetrainGateSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.CONFIG: component_spec.ExecutionParameter(type=str),
        keys.SPAN: component_spec.ExecutionParameter(type=str),
        keys.WINDOW_END: component_spec.ExecutionParameter(type=str, optional=True),
        keys.HISTORY_ROOT: component_spec.ExecutionParameter(type=str, optional=True),
        keys.ON_DEMAND: component_spec.ExecutionParameter(type=int, optional=True),
    }
    INPUTS = {
        keys.INGEST: _optional(IngestReport),
        keys.PRIVACY: _optional(PrivacyReport),
        keys.DRIFT: _optional(DriftReport),
        keys.SLICES: _optional(SliceReport),
        keys.STATISTICS: _optional(standard_artifacts.ExampleStatistics),
        keys.FINE_TUNED: _optional(standard_artifacts.Model),
        keys.FINE_TUNED_REPORT: _optional(SliceReport),
        keys.FROM_SCRATCH: _optional(standard_artifacts.Model),
        keys.FROM_SCRATCH_REPORT: _optional(SliceReport),
        keys.PREVIOUS: _optional(standard_artifacts.Model),
        keys.PREVIOUS_REPORT: _optional(SliceReport),
        keys.FINE_TUNED_OLD: _optional(SliceReport),
        keys.FROM_SCRATCH_OLD: _optional(SliceReport),
        keys.SERVING: _optional(ServingReport),
    }
    OUTPUTS = {
        keys.DECISION: component_spec.ChannelParameter(type=RetrainDecision),
        keys.PLAN: _optional(TrainingPlan),
        keys.MODEL: _optional(standard_artifacts.Model),
        keys.BLESSING: _optional(standard_artifacts.ModelBlessing),
    }


class RetrainGate(base_component.BaseComponent):
    """Decides, by one policy over all the evidence, and says why.

    Given reports on a span, it decides whether to retrain and plans the training data::

        gate = RetrainGate(policy, span, window_end=..., drift=..., slices=...)
        with Cond(gate.outputs["decision"].future()[0].custom_property("retrain") == 1): ...

    Given candidates (models with their SliceReports), it decides which may be pushed; ``model``
    and ``blessing`` are what the stock Pusher takes::

        push_gate = RetrainGate(policy, span, fine_tuned=..., fine_tuned_report=...)
        Pusher(model=push_gate.outputs["model"], model_blessing=push_gate.outputs["blessing"])

    Outputs:
      decision: RetrainDecision, custom properties ``retrain`` and ``push`` (0 or 1), ``action``.
      plan: TrainingPlan, when it decides on retraining.
      model: the chosen Model, when it decides on candidates; empty when none may be pushed.
      blessing: ModelBlessing, likewise.
    """

    SPEC_CLASS = RetrainGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(keys.Executor)

    def __init__(
        self,
        policy: RetrainPolicy | Mapping[str, Any] | str,
        span: str | RuntimeParameter,
        window_end: str | RuntimeParameter | None = None,
        history_root: str | RuntimeParameter | None = None,
        on_demand: int | RuntimeParameter = 0,
        ingest: BaseChannel | None = None,
        privacy: BaseChannel | None = None,
        drift: BaseChannel | None = None,
        slices: BaseChannel | None = None,
        statistics: BaseChannel | None = None,
        fine_tuned: BaseChannel | None = None,
        fine_tuned_report: BaseChannel | None = None,
        from_scratch: BaseChannel | None = None,
        from_scratch_report: BaseChannel | None = None,
        previous: BaseChannel | None = None,
        previous_report: BaseChannel | None = None,
        fine_tuned_old: BaseChannel | None = None,
        from_scratch_old: BaseChannel | None = None,
        serving: BaseChannel | None = None,
    ):
        """Makes a gate.

        Args:
          policy: RetrainPolicy, mapping or JSON.
          span: name of the span, in the order of time when sorted as text.
          window_end: end of the span's window, RFC 3339; needed to decide on retraining.
          history_root: where earlier spans are, and receipts of erasures; without it nothing is
            known of them.
          on_demand: 1 asks for retraining whatever the evidence says; guards still apply.
          ingest, privacy, drift, slices: reports on the span.
          statistics: of the span, as DriftValidator or DriftStatistics writes them; a plan that
            compares spans needs them, and those of earlier spans in the history.
          fine_tuned, from_scratch, previous: candidate Models; each with its SliceReport.
            ``previous`` served before the model in service; pushing it rolls back.
          fine_tuned_old, from_scratch_old: their SliceReports on old rows that train nobody.
          serving: ServingReport on the candidates and the model in service.

        Raises:
          ValueError: neither or both kinds of evidence are given, or a candidate lacks its report.
        """
        reports = [r for r in (ingest, privacy, drift, slices) if r is not None]
        candidates = [
            (fine_tuned, fine_tuned_report),
            (from_scratch, from_scratch_report),
            (previous, previous_report),
        ]
        if any((model is None) != (report is None) for model, report in candidates):
            raise ValueError("RetrainGate: each candidate needs both its model and its report")
        judges_candidates = any(model is not None for model, _ in candidates)
        if judges_candidates == bool(reports):
            raise ValueError(
                "RetrainGate takes reports on a span (ingest, privacy, drift, slices) or "
                "candidates (fine_tuned, from_scratch, previous), one of the two"
            )
        if reports and window_end is None:
            raise ValueError("RetrainGate: window_end is needed to decide on retraining")
        outputs = {keys.DECISION: as_channel([RetrainDecision()])}
        if judges_candidates:
            outputs[keys.MODEL] = as_channel([standard_artifacts.Model()])
            outputs[keys.BLESSING] = as_channel([standard_artifacts.ModelBlessing()])
        else:
            outputs[keys.PLAN] = as_channel([TrainingPlan()])
        super().__init__(
            RetrainGateSpec(
                config=to_json(RetrainPolicy, policy),
                span=span,
                window_end=window_end,
                history_root=history_root,
                on_demand=on_demand,
                ingest=ingest,
                privacy=privacy,
                drift=drift,
                slices=slices,
                statistics=statistics,
                fine_tuned=fine_tuned,
                fine_tuned_report=fine_tuned_report,
                from_scratch=from_scratch,
                from_scratch_report=from_scratch_report,
                previous=previous,
                previous_report=previous_report,
                fine_tuned_old=fine_tuned_old,
                from_scratch_old=from_scratch_old,
                serving=serving,
                **outputs,
            )
        )
