"""The monitoring pipeline: the five components, stock TFX, and the graph between them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tfx.components import Pusher, Trainer
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.experimental.conditionals.conditional import Cond
from tfx.dsl.placeholder.placeholder import Placeholder
from tfx.orchestration import metadata
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2
from tfx.types import BaseChannel

from ..components import (
    BaselineResolver,
    DriftStatistics,
    DriftValidator,
    EarlierModels,
    LogIngest,
    PIIPseudonymizer,
    ProtectedIngest,
    PushRecorder,
    RetrainGate,
    ServingChecks,
    SlicedEvaluator,
    SpanRecorder,
    TrainingExamples,
)
from .config import VigilConfig

Text = str | RuntimeParameter | Placeholder


@dataclass(frozen=True)
class Run:
    """What one run is about.

    Attributes:
      span: name of the span; sorts as text in the order of time.
      window_start, window_end: ISO 8601 times, end excluded.
      on_demand: 1 asks for retraining whatever the evidence says.
      fingerprint: of the window's input files; only caching looks at it.
    """

    history_root: str | RuntimeParameter
    span: Text
    window_start: Text
    window_end: Text
    on_demand: int | RuntimeParameter = 0
    fingerprint: Text = ""


@dataclass(frozen=True)
class _Protected:
    """A window's logs, read and protected."""

    nodes: list[BaseNode]
    examples: BaseChannel
    ingest: BaseChannel
    privacy: BaseChannel


def monitoring_pipeline(config: VigilConfig, run: Run) -> Pipeline:
    """One span's run on this machine."""
    return Pipeline(
        pipeline_name=config.model.name,
        pipeline_root=config.runtime.pipeline_root,
        components=monitoring_nodes(config, run),
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            os.path.join(config.runtime.pipeline_root, "metadata.sqlite")
        ),
        beam_pipeline_args=config.beam_args,
        enable_cache=False,
    )


def monitoring_nodes(
    config: VigilConfig, run: Run, one_ingest_node: bool = False
) -> list[BaseNode]:
    """Read, protect, measure, decide; and, if so decided, retrain and push.

    Args:
      one_ingest_node: read and protect in one node, for orchestrators that copy every artifact
        to an object store, where raw data must not go.
    """
    protected = (_protected_ingest if one_ingest_node else _ingest_and_protect)(config, run)
    baseline = BaselineResolver(
        run.history_root, run.span, config.drift.prediction, config.drift.reference
    )
    drift = DriftValidator(
        examples=protected.examples,
        schema=baseline.outputs["schema"],
        training_statistics=baseline.outputs["training_statistics"],
        reference_statistics=baseline.outputs["reference_statistics"],
        config=config.drift_validator,
        span=run.span,
    )
    evaluate = SlicedEvaluator(
        examples=protected.examples,
        config=config.evaluation,
        estimate_splits=config.estimate_splits,
        history_root=run.history_root,
        span=run.span,
    )
    evidence = {
        "ingest": protected.ingest,
        "privacy": protected.privacy,
        "drift": drift.outputs["report"],
        "slices": evaluate.outputs["report"],
    }
    gate = RetrainGate(
        config.retrain_gate,
        span=run.span,
        window_end=run.window_end,
        history_root=run.history_root,
        on_demand=run.on_demand,
        statistics=drift.outputs["span_statistics"],
        **evidence,
    )
    recorder = SpanRecorder(
        history_root=run.history_root,
        span=run.span,
        window_start=run.window_start,
        window_end=run.window_end,
        examples=protected.examples,
        statistics=drift.outputs["span_statistics"],
        decision=gate.outputs["decision"],
        plan=gate.outputs["plan"],
        **evidence,
    )
    with Cond(gate.outputs["decision"].future()[0].custom_property("retrain") == 1):
        retraining = _retraining(config, run, baseline, gate, recorder)
    return [
        baseline,
        *protected.nodes,
        drift,
        evaluate,
        gate,
        recorder,
        *retraining,
    ]


def _ingest_and_protect(config: VigilConfig, run: Run) -> _Protected:
    ingest = LogIngest(
        config.ingest, run.window_start, run.window_end, run.fingerprint, run.history_root
    )
    protect = PIIPseudonymizer(
        examples=ingest.outputs["examples"],
        dead_letters=ingest.outputs["dead_letters"],
        config=config.pseudonymizer,
        purge_input=True,
        history_root=run.history_root,
    )
    return _Protected(
        [ingest, protect],
        protect.outputs["examples"],
        ingest.outputs["report"],
        protect.outputs["report"],
    )


def _protected_ingest(config: VigilConfig, run: Run) -> _Protected:
    node = ProtectedIngest(
        config.ingest,
        config.pseudonymizer,
        run.window_start,
        run.window_end,
        run.fingerprint,
        run.history_root,
        raw_root=config.raw_data_root if config.runtime.beam.distributed else "",
    )
    outputs = node.outputs
    return _Protected(
        [node], outputs["examples"], outputs["ingest_report"], outputs["privacy_report"]
    )


def _retraining(
    config: VigilConfig,
    run: Run,
    baseline: BaselineResolver,
    gate: RetrainGate,
    recorder: SpanRecorder,
) -> list[BaseNode]:
    """Two candidates from one plan and the model of before, judged on the same held-out rows; the
    best one pushed."""
    rows = TrainingExamples(
        plan=gate.outputs["plan"],
        history_root=run.history_root,
        columns=config.training_columns,
    )
    rows.add_upstream_node(recorder)
    statistics = DriftStatistics(
        examples=rows.outputs["examples"],
        config=config.training_statistics,
        exclude_splits=["eval", "old"],
    ).with_id("TrainingStatistics")

    earlier = EarlierModels(run.history_root, run.span)
    models, nodes = {"previous": earlier.outputs["previous"]}, [earlier]
    for name, title, base_model in (
        ("fine_tuned", "FineTuned", baseline.outputs["model"]),
        ("from_scratch", "FromScratch", None),
    ):
        trainer = Trainer(
            run_fn=config.training.run_fn,
            examples=rows.outputs["examples"],
            schema=baseline.outputs["schema"],
            base_model=base_model,
            train_args=trainer_pb2.TrainArgs(num_steps=config.training.train_steps),
            eval_args=trainer_pb2.EvalArgs(num_steps=config.training.eval_steps),
            custom_config=_custom_config(config),
        ).with_id(f"{title}Trainer")
        models[name] = trainer.outputs["model"]
        nodes.append(trainer)

    def evaluate(model: BaseChannel, split: str) -> SlicedEvaluator:
        return SlicedEvaluator(
            examples=rows.outputs["examples"],
            config=config.evaluation,
            model=model,
            baseline_model=baseline.outputs["model"],
            first_model=earlier.outputs["first"],
            splits=[split],
        )

    reports = {}
    for name, title in (
        ("fine_tuned", "FineTuned"),
        ("from_scratch", "FromScratch"),
        ("previous", "Previous"),
    ):
        evaluator = evaluate(models[name], "eval").with_id(f"{title}Evaluator")
        reports[name] = evaluator.outputs["report"]
        nodes.append(evaluator)

    old = {}
    if config.policy.training.old_holdout:
        for name, title in (("fine_tuned", "FineTuned"), ("from_scratch", "FromScratch")):
            evaluator = evaluate(models[name], "old").with_id(f"{title}OnOldRows")
            old[f"{name}_old"] = evaluator.outputs["report"]
            nodes.append(evaluator)

    serving = ServingChecks(
        examples=rows.outputs["examples"],
        in_service=baseline.outputs["model"],
        **models,
    )
    push_gate = RetrainGate(
        config.retrain_gate,
        span=run.span,
        history_root=run.history_root,
        serving=serving.outputs["report"],
        **models,
        **{f"{name}_report": report for name, report in reports.items()},
        **old,
    ).with_id("PushGate")
    pusher = Pusher(
        model=push_gate.outputs["model"],
        model_blessing=push_gate.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(
                base_directory=config.model.serving_dir
            )
        ),
    )
    push_recorder = PushRecorder(
        history_root=run.history_root,
        span=run.span,
        decision=push_gate.outputs["decision"],
        plan=gate.outputs["plan"],
        training_statistics=statistics.outputs["statistics"],
        **reports,
        **old,
        serving=serving.outputs["report"],
        pushed_model=pusher.outputs["pushed_model"],
    )
    return [rows, statistics, *nodes, serving, push_gate, pusher, push_recorder]


def _custom_config(config: VigilConfig) -> dict:
    given = config.training.custom_config
    tabular = {"features": config.model.features, "label": "label", **given.get("tabular", {})}
    return {**given, "tabular": tabular}
