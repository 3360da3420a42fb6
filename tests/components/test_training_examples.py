"""TrainingExamples: a plan's rows, as the stock Trainer and StatisticsGen read them."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from tfx.components.statistics_gen.executor import Executor as StatisticsGenExecutor
from tfx.components.util import tfxio_utils
from tfx.types import channel_utils, standard_artifacts
from tfx.utils import json_utils
from tfx_bsl.tfxio import dataset_options
from tfx_vigil.components import TrainingExamples, artifacts
from tfx_vigil.components.history import BaselineRecord, History, HistoryError
from tfx_vigil.components.training_examples.executor import Executor

from .evidence import holding
from .recorded_spans import plan, record_span, rows, write_examples

FIRST, SECOND = "2014-01-01", "2014-01-02"
COLUMNS = ["fare", "company", "label"]


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Labelled rows: 20 of the baseline, 10 of each of two spans, told apart by their fares."""
    folder = tmp_path_factory.mktemp("training_examples")
    history = History(str(folder / "history"))
    write_examples(Path(history.baseline_path("examples", "Split-train")), rows(0))
    history.write_baseline(BaselineRecord(model=None, rows=20))
    record_span(history.root, folder / "1", FIRST, first=100)
    record_span(history.root, folder / "2", SECOND, first=200, action="retrain")
    return history


def select(history, folder, training_plan):
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    Executor().Do(
        {"plan": [holding(artifacts.TrainingPlan(), folder / "plan", training_plan)]},
        {"examples": [examples]},
        {"history_root": history.root, "columns": json_utils.dumps(COLUMNS)},
    )
    return examples


def read(examples, split):
    """The split's columns, read as Trainer's DataAccessor reads them."""
    factory = tfxio_utils.get_tfxio_factory_from_artifact(
        examples=[examples], telemetry_descriptors=["test"]
    )
    table = {}
    options = dataset_options.RecordBatchesOptions(batch_size=100, num_epochs=1, shuffle=False)
    for batch in factory(f"{examples.uri}/Split-{split}/*").RecordBatches(options):
        for name, values in batch.to_pydict().items():
            table.setdefault(name, []).extend(value for [value] in values)
    return table


def fares(*ranges):
    return sorted(float(fare) for each in ranges for fare in each)


def test_the_newest_rows_of_the_last_span_are_held_out_of_training(tmp_path, history):
    examples = select(history, tmp_path, plan(SECOND, "baseline", FIRST, holdout=0.3))
    assert json.loads(examples.split_names) == ["train", "eval"]
    train, held_out = read(examples, "train"), read(examples, "eval")
    assert sorted(train["fare"]) == fares(range(20), range(100, 110), range(200, 207))
    assert sorted(held_out["fare"]) == fares(range(207, 210))
    for split in (train, held_out):
        assert sorted(split) == sorted(COLUMNS)
        assert [fare % 2 for fare in split["fare"]] == split["label"]


def test_a_plan_may_name_its_own_span_alone(tmp_path, history):
    examples = select(history, tmp_path, plan(SECOND, holdout=0.5))
    assert sorted(read(examples, "train")["fare"]) == fares(range(200, 205))
    assert sorted(read(examples, "eval")["fare"]) == fares(range(205, 210))


def test_stock_statistics_gen_takes_the_examples(tmp_path, history):
    examples = select(history, tmp_path, plan(SECOND, FIRST))
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(tmp_path / "statistics")
    StatisticsGenExecutor().Do(
        {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": '["eval"]'}
    )
    path = f"{statistics.uri}/Split-train/FeatureStats.pb"
    assert tfdv.load_stats_binary(path).datasets[0].num_examples == 17


def test_a_plan_may_weigh_each_row_by_how_likely_it_is_in_the_last_span(tmp_path):
    history = History(str(tmp_path / "history"))
    write_examples(Path(history.baseline_path("examples", "Split-train")), rows(0, 400))
    record_span(history.root, tmp_path / "1", FIRST, first=200)
    write_examples(Path(history.labelled_path(FIRST)), rows(200, 400))
    fields = {"weights": {"baseline": 0.5}, "weigh_rows": True, "features": ["fare"]}
    examples = select(history, tmp_path, plan(FIRST, "baseline").model_copy(update=fields))
    train = read(examples, "train")
    fares, weights = np.array(train["fare"]), np.array(train["training_weight"])
    older = weights != 1
    assert (older.sum(), weights[older].mean()) == (400, pytest.approx(0.5, rel=0.1))
    unlikely, likely = (weights[older & side].mean() for side in (fares < 200, fares >= 200))
    assert unlikely < 0.2 < 0.8 < likely


def test_a_span_that_the_history_does_not_have_is_named(tmp_path, history):
    with pytest.raises(HistoryError, match="no span '2013-01-01'"):
        select(history, tmp_path, plan(SECOND, "2013-01-01"))


def test_the_component_makes_examples_out_of_a_plan():
    node = TrainingExamples(
        plan=channel_utils.as_channel([artifacts.TrainingPlan()]),
        history_root="/history",
        columns=COLUMNS,
    )
    assert node.outputs["examples"].type is standard_artifacts.Examples
    assert node.exec_properties == {
        "history_root": "/history",
        "columns": json_utils.dumps(COLUMNS),
    }
