"""One stream under one policy: tfx-vigil's own parts, span by span."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from policies_learner import first_report, learn, score, table
from policies_parts import vigil_config, write_logs
from policies_retrain import is_wrong, retrain
from policies_span import evidence, record
from policies_streams import LABEL, Stream
from sklearn.metrics import log_loss, roc_auc_score
from tfx_vigil.beam_jobs.reports import CANDIDATE, SliceReport
from tfx_vigil.components.history import BaselineRecord, History
from tfx_vigil.components.retrain_gate.decide_retrain import decide_retrain
from tfx_vigil.components.retrain_gate.evidence import overall_metric, read_past
from tfx_vigil.components.retrain_gate.read_likeness import read_likenesses
from tfx_vigil.pipelines.initialise import initialise

PRIMARY, BOUND = "binary_crossentropy", 0.05


@dataclass(frozen=True)
class Day:
    """What came of a span.

    Attributes:
      loss, auc: of what was served, on the truth of every request.
      out_of_bounds: the log loss is worse than the first model's on its first day by ``BOUND``.
      action: what the policy decided.
      retrained, pushed: whether a model was.
      wrong: whether the pushed model is worse on the three following spans than the one it
        replaced, by more than two standard errors; None where none was pushed or none follows.
      reasons: of the decision, and of the push gate.
    """

    span: str
    loss: float
    auc: float
    out_of_bounds: bool
    action: str
    retrained: bool
    pushed: bool
    wrong: bool | None
    reasons: list[str]


def begin(stream: Stream, root: Path) -> None:
    """Trains the first model and writes the baseline into ``root/first``."""
    first = root / "first"
    first.mkdir(parents=True)
    config = vigil_config(stream, first)
    learned, unseen = (table(rows, stream.features, LABEL) for rows in stream.first_day)
    kinds = {name: "Int64" for name, kind in stream.features.items() if kind == "int"}
    learned.astype(kinds).to_parquet(config.baseline.training_data, index=False)
    rows = initialise(config).rows
    model = learn(learned, LABEL, f"{root}/models/first")
    history = History(config.runtime.history_root)
    history.write_baseline(BaselineRecord(model=model, rows=rows))
    report = first_report(config.evaluation, unseen, model, stream.features, f"{first}/evaluation")
    Path(history.baseline_path("slices.json")).write_text(report.model_dump_json())


def run(
    stream: Stream, policy: Mapping[str, Any], push_gate: bool, root: Path, name: str
) -> Iterator[Day]:
    """The stream under ``policy``, whose history is begun in ``root``.

    What is measured of a span depends on the models served so far alone: policies that have
    pushed the same share it, below ``root/shared``.

    Args:
      policy: the section of vigil.yaml.
      push_gate: False pushes whatever was trained.
      name: the policy's folder below ``root``.
    """
    own = root / name
    shutil.copytree(root / "first" / "history", own / "history")
    config = vigil_config(stream, own, policy)
    history, gate = History(config.runtime.history_root), config.retrain_gate
    first = overall_metric(history.baseline_report("slices", SliceReport), PRIMARY, CANDIDATE)
    for k in range(stream.measured):
        window, requests = stream.spans.window(k), stream.requests[k]
        model = history.model_in_service(before=window.span)
        scores = score(model.model, table(requests, stream.features, LABEL)[[*stream.features]])
        write_logs(stream, requests, scores, model.span, window.span, own)
        found = evidence(config, history, window, root / "shared")
        past = read_past(history, window.span, window.end)
        alike = partial(read_likenesses, gate.training, history, window.span, found.statistics)
        decision, plan = decide_retrain(gate, window.span, found.reports, past, compare=alike)
        record(history, window, found, decision, plan)
        reasons, push = decision.reasons, None
        if decision.retrain:
            judged = retrain(config, stream, history, window, plan, push_gate, own)
            reasons, push = [*reasons, *judged.reasons], history.record(window.span).push
        loss = log_loss(requests[LABEL], scores)
        yield Day(
            span=window.span,
            loss=loss,
            auc=roc_auc_score(requests[LABEL], scores),
            out_of_bounds=loss > first.value + BOUND,
            action=decision.action,
            retrained=decision.retrain,
            pushed=push is not None,
            wrong=is_wrong(stream, k, model.model, push.model) if push else None,
            reasons=reasons,
        )
