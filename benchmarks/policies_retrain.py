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
from tfx_vigil.components.history import FROM_SCRATCH, PREVIOUS, History, Push, copy_tree
from tfx_vigil.components.retrain_gate.decide_push import decide_push
from tfx_vigil.components.retrain_gate.decision import RetrainDecision, TrainingPlan
from tfx_vigil.components.retrain_gate.push_evidence import PushEvidence
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
    """Trains from scratch on the plan's rows, judges the model, and the one that served before, and
    pushes what may be."""
    folder = folder / "retrained" / window.span
    given = PlanArtifact()
    given.uri = f"{folder}/plan"
    write_report(given.uri, plan)
    rows = launch(
        TrainingExamples(as_channel([given]), history.root, config.training_columns), folder
    )["examples"]
    measure = DriftStatistics(
        as_channel([rows]), config.training_statistics, exclude_splits=["eval", "old"]
    )
    statistics = launch(measure, folder)["statistics"]
    learned, unseen = (
        read_examples(f"{rows.uri}/Split-{split}", stream.features, LABEL)
        for split in ("train", "eval")
    )
    candidates = {FROM_SCRATCH: learn(learned, LABEL, f"{folder}/model")}
    if previous := history.previous_model(before=window.span):
        candidates[PREVIOUS] = previous.model
    in_service = history.model_in_service(before=window.span).model
    reports = {
        name: compare(
            config.evaluation,
            unseen,
            {CANDIDATE: model, IN_SERVICE: in_service},
            stream.features,
            f"{folder}/evaluation/{name}",
        )
        for name, model in candidates.items()
    }
    decision = decide_push(config.retrain_gate.push, window.span, PushEvidence(reports))
    chosen = decision.chosen if push_gate else FROM_SCRATCH
    push = None
    if chosen == PREVIOUS:
        push = Push(
            model=previous.model,
            candidate=PREVIOUS,
            trained_on=previous.trained_on,
            restores=previous.span,
        )
    elif chosen:
        push = Push(model=candidates[chosen], candidate=chosen, trained_on=plan.spans)

    def fill(place: str) -> None:
        write_all(place, {"push": decision, **reports})
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
