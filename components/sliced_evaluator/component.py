"""SlicedEvaluator: how good the predictions are, per slice and with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel
from tfx.utils import json_utils

from ...beam_jobs.evaluation_config import EvaluationConfig
from ...beam_jobs.parameters import to_json
from ..artifacts import SliceReport
from . import executor as keys


class SlicedEvaluatorSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.CONFIG: component_spec.ExecutionParameter(type=str),
        keys.SPLITS: component_spec.ExecutionParameter(type=str),
        keys.ESTIMATE_SPLITS: component_spec.ExecutionParameter(type=str),
        keys.HISTORY_ROOT: component_spec.ExecutionParameter(type=str, optional=True),
        keys.SPAN: component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {
        keys.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        keys.MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        keys.BASELINE_MODEL: component_spec.ChannelParameter(
            type=standard_artifacts.Model, optional=True
        ),
        keys.FIRST_MODEL: component_spec.ChannelParameter(
            type=standard_artifacts.Model, optional=True
        ),
    }
    OUTPUTS = {
        keys.EVALUATION: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        keys.REPORT: component_spec.ChannelParameter(type=SliceReport),
        keys.BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class SlicedEvaluator(base_beam_component.BaseBeamComponent):
    """Evaluates logged predictions, or models on the same rows, against the ground truth.

    Without a model it evaluates the logged predictions (model ``logged`` in the report). A
    ``model`` scores the rows itself (``candidate``), and so does a ``baseline_model``
    (``in_service``); given both, the report holds their differences with paired intervals. Rows
    without a label or without a finite prediction of every model are dropped and counted.

    Outputs:
      evaluation: ModelEvaluation; ``tfma.load_eval_result(uri)`` reads it, of two models one at a
        time (``model_name="candidate"``).
      report: SliceReport: each metric with its 95 % interval and number of rows. It has no rows and
        no metrics where no labels have arrived.
      blessing: ModelBlessing of ``model``, where ``config`` is or holds an EvalConfig with
        thresholds. They are decided on the 95 % intervals: a model is blessed if each lies within
        its bounds as a whole, and refused where there is not enough data to tell. As in the stock
        Evaluator, thresholds of change do not count where there is no baseline_model.
    """

    SPEC_CLASS = SlicedEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(keys.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        config: EvaluationConfig | config_pb2.EvalConfig | Mapping[str, Any] | str,
        model: BaseChannel | None = None,
        baseline_model: BaseChannel | None = None,
        first_model: BaseChannel | None = None,
        splits: Sequence[str] = ("labelled",),
        estimate_splits: Sequence[str] = (),
        history_root: str | RuntimeParameter | None = None,
        span: str | RuntimeParameter | None = None,
    ):
        """Evaluates ``splits`` of ``examples`` together.

        From their labels it estimates the metrics of the rows without a label in
        ``estimate_splits`` (``estimates`` in the report): of the logged predictions, or of
        ``model``.

        Args:
          config: a tfma.EvalConfig alone stands for a binary classification; of other tasks it
            is the ``eval_config`` of an EvaluationConfig.
          model, baseline_model: Model artifacts, or pushed ones imported as Model: SavedModels
            whose signature ``serving_default`` takes serialized tf.Examples. A ``model`` whose
            custom property ``available`` is 0 is not there: the report is empty then.
          first_model: one more to compare with ``baseline_model``, as ``first``: the one that was
            never retrained. It may be absent in the same way.
          history_root, span: what was estimated of spans before ``span`` is held against the
            labels that have come since (``matured`` in the report), and requests since the newest
            push are told apart (``since_push``), by ``log_event_time``.

        Raises:
          pydantic.ValidationError: ``config`` is not an EvaluationConfig; names each bad key.
          ValueError: ``history_root`` without ``span``, or with an EvalConfig, which names its
            own slices.
        """
        if isinstance(config, config_pb2.EvalConfig):
            document = json_format.MessageToDict(config, preserving_proto_field_name=True)
            config = {"eval_config": document}
        config = to_json(EvaluationConfig, config)
        if history_root is not None:
            if span is None:
                raise ValueError("SlicedEvaluator: history_root needs span")
            if EvaluationConfig.model_validate_json(config).eval_config is not None:
                raise ValueError("SlicedEvaluator: history_root goes with no EvalConfig")
        super().__init__(
            SlicedEvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                first_model=first_model,
                config=config,
                splits=json_utils.dumps(list(splits)),
                estimate_splits=json_utils.dumps(list(estimate_splits)),
                history_root=history_root,
                span=span,
                evaluation=as_channel([standard_artifacts.ModelEvaluation()]),
                report=as_channel([SliceReport()]),
                blessing=as_channel([standard_artifacts.ModelBlessing()]),
            )
        )
