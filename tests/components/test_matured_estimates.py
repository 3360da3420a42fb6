"""Estimates of an earlier span beside the labels that came in a later one."""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from tfx.types import channel_utils, standard_artifacts
from tfx.utils import json_utils
from tfx_vigil.beam_jobs import reports
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.components import SlicedEvaluator
from tfx_vigil.components.history import History, SpanRecord
from tfx_vigil.components.sliced_evaluator.executor import Executor

from .recorded_spans import DAY, examples_of
from .test_sliced_evaluator import outputs_in

CONFIG = EvaluationConfig(
    label="label", slices=[["city"]], metrics=["brier", "auc"], primary_metric="brier"
)
FIRST, SECOND = "1970-01-01", "1970-01-02"
ROWS = 600


def rows(day, seed, labelled=True, flipped=False):
    """Calibrated scores; ``flipped``: the labels contradict them."""
    random = np.random.default_rng(seed)
    scores = random.uniform(0.05, 0.95, ROWS)
    labels = (random.uniform(size=ROWS) < (1 - scores if flipped else scores)).astype(np.float32)
    columns = {
        "prediction": scores.astype(np.float32),
        "city": np.where(random.uniform(size=ROWS) < 0.5, "Bern", "Basel"),
        "log_event_time": day * DAY + random.integers(0, DAY, ROWS),
    }
    return columns | {"label": labels} if labelled else columns


def joined(*tables):
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def evaluate(folder, examples, history=None, span=FIRST):
    outputs = outputs_in(folder)
    Executor().Do(
        {"examples": [examples]},
        {key: [artifact] for key, artifact in outputs.items()},
        {
            "config": CONFIG.model_dump_json(),
            "splits": json_utils.dumps(["labelled"]),
            "estimate_splits": json_utils.dumps(["serving"]),
            "history_root": history and history.root,
            "span": span,
        },
    )
    return reports.read_report(outputs["report"].uri, reports.SliceReport)


@pytest.fixture
def history(tmp_path):
    """One span, whose requests of the day have been estimated."""
    examples = examples_of(
        tmp_path / "first", labelled=rows(-1, 1), serving=rows(0, 2, labelled=False)
    )
    report = evaluate(tmp_path / "evaluated", examples)
    history = History(str(tmp_path / "history"))
    start, end = (datetime(1970, 1, day, tzinfo=timezone.utc) for day in (1, 2))
    history.write_span(
        SpanRecord(
            span=FIRST, window_start=start, window_end=end, revision="", complete=True, action=""
        ),
        lambda folder: Path(folder, "slices.json").write_text(report.model_dump_json()),
    )
    return history


@pytest.mark.parametrize("flipped", [False, True])
def test_an_estimate_is_held_against_the_labels_of_its_own_rows(tmp_path, history, flipped):
    labelled = joined(rows(0, 2, flipped=flipped), rows(1, 3))
    examples = examples_of(
        tmp_path / "second", labelled=labelled, serving=rows(1, 4, labelled=False)
    )
    report = evaluate(tmp_path / "again", examples, history, SECOND)
    estimated = history.report(history.record(FIRST), "slices", reports.SliceReport).estimates
    matured = {found.metric: found for found in report.matured}
    assert set(matured) == {"brier", "auc"}
    for found in matured.values():
        assert (found.span, found.n, found.estimated_rows) == (FIRST, ROWS, ROWS)
        assert found.held is not flipped
        assert found.real_lower < found.real < found.real_upper
        assert (found.value, found.lower) in [(m.value, m.lower) for m in estimated.metrics]

    alone = evaluate(tmp_path / "alone", examples)
    assert report.model_copy(update={"matured": []}) == alone


def test_a_history_without_estimates_or_labels_of_its_rows_matures_nothing(tmp_path, history):
    examples = examples_of(
        tmp_path / "second", labelled=rows(1, 3), serving=rows(1, 4, labelled=False)
    )
    assert evaluate(tmp_path / "again", examples, history, SECOND).matured == []
    assert evaluate(tmp_path / "before", examples, history, FIRST).matured == []


def test_a_history_goes_with_a_span():
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    with pytest.raises(ValueError, match="history_root needs span"):
        SlicedEvaluator(examples, CONFIG, history_root="history")
