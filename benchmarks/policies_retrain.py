"""A retraining: the plan's rows, a model, its judgement, the push, and whether it was right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from policies_learner import compare, learn, read_examples, score, table
from policies_parts import launch, write_all
from policies_streams import FOLLOWING, LABEL, Stream
from tfx.types.channel_utils import as_channel
from tfx_vigil.beam_jobs.reports import CANDIDATE, IN_SERVICE, write_report
from tfx_vigil.components import DriftStatistics, TrainingExamples
from tfx_vigil.components.artifacts import TrainingPlan as PlanArtifact
from tfx_vigil.components.history import FROM_SCRATCH, History, Push, copy_tree
from tfx_vigil.components.retrain_gate.decide_push import decide_push
from tfx_vigil.components.retrain_gate.decision import RetrainDecision, TrainingPlan
from tfx_vigil.components.spans import Window
from tfx_vigil.pipelines.config import VigilConfig


def retrain(
    config: VigilConfig,
    stream: Stream,
    history: History,
    window: Window,
    plan: TrainingPlan,
    push_gate: bool,
    folder: Path,
) -> RetrainDecision:
    """Trains from scratch on the plan's rows, judges the model, and pushes it if it may be."""
    folder = folder / "retrained" / window.span
    given = PlanArtifact()
    given.uri = f"{folder}/plan"
    write_report(given.uri, plan)
    rows = launch(
        TrainingExamples(as_channel([given]), history.root, config.training_columns), folder
    )["examples"]
    measure = DriftStatistics(
        as_channel([rows]), config.training_statistics, exclude_splits=["eval"]
    )
    statistics = launch(measure, folder)["statistics"]
    learned, unseen = (
        read_examples(f"{rows.uri}/Split-{split}", stream.features, LABEL)
        for split in ("train", "eval")
    )
    model = learn(learned, LABEL, f"{folder}/model")
    models = {CANDIDATE: model, IN_SERVICE: history.model_in_service(before=window.span).model}
    report = compare(config.evaluation, unseen, models, stream.features, f"{folder}/evaluation")
    decision = decide_push(config.retrain_gate.push, window.span, {FROM_SCRATCH: report})
    pushes = decision.push or not push_gate
    push = Push(model=model, candidate=FROM_SCRATCH, trained_on=plan.spans) if pushes else None

    def fill(place: str) -> None:
        write_all(place, {"push": decision, FROM_SCRATCH: report})
        copy_tree(statistics.uri, f"{place}/training_statistics")

    history.complete_span(window.span, push, decision.action, fill)
    return decision


def is_wrong(stream: Stream, k: int, old: str, new: str) -> bool | None:
    following = stream.requests[k + 1 : k + 1 + FOLLOWING]
    if not following:
        return None
    rows = table(pd.concat(following), stream.features, LABEL)
    before, after = (losses(rows, score(model, rows[[*stream.features]])) for model in (old, new))
    worse = after - before
    return bool(worse.mean() > 2 * worse.std() / len(worse) ** 0.5)


def losses(rows: pd.DataFrame, scores: np.ndarray) -> np.ndarray:
    """Log loss of each row."""
    return -np.log(np.clip(np.where(rows[LABEL] == 1, scores, 1 - scores), 1e-7, None))
