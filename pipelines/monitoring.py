"""The monitoring pipeline: the five components, stock TFX, and the graph between them."""

from __future__ import annotations

import os

from tfx.components import Pusher, StatisticsGen, Trainer
from tfx.dsl.experimental.conditionals.conditional import Cond
from tfx.orchestration import metadata
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2

from ..beam_jobs.slice_statistics import stats_options
from ..components import (
    BaselineResolver,
    DriftValidator,
    LogIngest,
    PIIPseudonymizer,
    PushRecorder,
    RetrainGate,
    SlicedEvaluator,
    SpanRecorder,
    TrainingExamples,
)
from .config import VigilConfig

Text = str | RuntimeParameter


def monitoring_pipeline(
    config: VigilConfig,
    span: Text,
    window_start: Text,
    window_end: Text,
    on_demand: int | RuntimeParameter = 0,
) -> Pipeline:
    """One span's run: read, protect, measure, decide; and, if so decided, retrain and push.

    Args:
      span: name of the span; sorts as text in the order of time.
      window_start, window_end: ISO 8601 times, end excluded.
      on_demand: 1 asks for retraining whatever the evidence says.
    """
    history = config.runtime.history_root
    baseline = BaselineResolver(history_root=history, span=span)
    ingest = LogIngest(config.ingest, window_start, window_end)
    protect = PIIPseudonymizer(
        examples=ingest.outputs["examples"],
        dead_letters=ingest.outputs["dead_letters"],
        config=config.pseudonymizer,
        purge_input=True,
    )
    examples = protect.outputs["examples"]
    measured = stats_options(config.slices, config.codes, config.monitored_columns)
    statistics = StatisticsGen(examples=examples, stats_options=measured)
    drift = DriftValidator(
        statistics=statistics.outputs["statistics"],
        schema=baseline.outputs["schema"],
        training_statistics=baseline.outputs["training_statistics"],
        previous_statistics=baseline.outputs["previous_statistics"],
        config=config.drift_validator,
    )
    evaluate = SlicedEvaluator(examples=examples, config=config.evaluation)
    gate = RetrainGate(
        config.retrain_gate,
        span=span,
        window_end=window_end,
        history_root=history,
        on_demand=on_demand,
        ingest=ingest.outputs["report"],
        privacy=protect.outputs["report"],
        drift=drift.outputs["report"],
        slices=evaluate.outputs["report"],
    )
    recorder = SpanRecorder(
        history_root=history,
        span=span,
        window_start=window_start,
        window_end=window_end,
        examples=examples,
        statistics=statistics.outputs["statistics"],
        ingest=ingest.outputs["report"],
        privacy=protect.outputs["report"],
        drift=drift.outputs["report"],
        slices=evaluate.outputs["report"],
        decision=gate.outputs["decision"],
        plan=gate.outputs["plan"],
    )
    nodes = [baseline, ingest, protect, statistics, drift, evaluate, gate, recorder]
    with Cond(gate.outputs["decision"].future()[0].custom_property("retrain") == 1):
        nodes += _retraining(config, span, baseline, gate, recorder)
    return Pipeline(
        pipeline_name=config.model.name,
        pipeline_root=config.runtime.pipeline_root,
        components=nodes,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            os.path.join(config.runtime.pipeline_root, "metadata.sqlite")
        ),
        beam_pipeline_args=config.beam_args,
        enable_cache=False,
    )


def _retraining(
    config: VigilConfig,
    span: Text,
    baseline: BaselineResolver,
    gate: RetrainGate,
    recorder: SpanRecorder,
) -> list:
    """Two candidates from one plan, judged on the same held-out rows; the better one pushed."""
    history = config.runtime.history_root
    rows = TrainingExamples(
        plan=gate.outputs["plan"], history_root=history, columns=config.training_columns
    )
    rows.add_upstream_node(recorder)
    statistics = StatisticsGen(
        examples=rows.outputs["examples"],
        stats_options=stats_options(config.slices, config.codes, config.training_columns),
        exclude_splits=["eval"],
    ).with_id("TrainingStatistics")

    candidates, nodes = {}, []
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
        evaluator = SlicedEvaluator(
            examples=rows.outputs["examples"],
            config=config.evaluation,
            model=trainer.outputs["model"],
            baseline_model=baseline.outputs["model"],
            splits=["eval"],
        ).with_id(f"{title}Evaluator")
        candidates[name] = trainer.outputs["model"]
        candidates[f"{name}_report"] = evaluator.outputs["report"]
        nodes += [trainer, evaluator]

    push_gate = RetrainGate(config.retrain_gate, span=span, **candidates).with_id("PushGate")
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
        history_root=history,
        span=span,
        decision=push_gate.outputs["decision"],
        plan=gate.outputs["plan"],
        training_statistics=statistics.outputs["statistics"],
        fine_tuned=candidates["fine_tuned_report"],
        from_scratch=candidates["from_scratch_report"],
        pushed_model=pusher.outputs["pushed_model"],
    )
    return [rows, statistics, *nodes, push_gate, pusher, push_recorder]


def _custom_config(config: VigilConfig) -> dict:
    given = config.training.custom_config
    tabular = {"features": config.model.features, "label": "label", **given.get("tabular", {})}
    return {**given, "tabular": tabular}
