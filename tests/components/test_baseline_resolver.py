"""BaselineResolver on histories that the recorders wrote, read with stock tools."""

import json
from pathlib import Path

import pytest
import tensorflow_data_validation as tfdv
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import standard_artifacts
from tfx.utils import path_utils
from tfx_vigil.components import BaselineResolver
from tfx_vigil.components.baseline_resolver.executor import Executor
from tfx_vigil.components.baseline_resolver.references import References, choose_references
from tfx_vigil.components.history import BaselineRecord, History, SpanRecord
from tfx_vigil.components.spans import SpanConfig, start_of
from tfx_vigil.components.statistics_places import span_folder, spans_in

from .recorded_spans import model_of, record_push, record_span, rows, statistics_of_splits

FIRST, SECOND, THIRD = "2014-01-01", "2014-01-02", "2014-01-03"
TRAINING = "training"


class Resolved:
    """One execution; ``columns`` and ``rows`` read its statistics as StatisticsGen's are read."""

    def __init__(self, history, span, folder, prediction="prediction", references=References()):  # noqa: B008
        self.schema, self.model = standard_artifacts.Schema(), standard_artifacts.Model()
        self.training_statistics = standard_artifacts.ExampleStatistics()
        self.reference_statistics = standard_artifacts.ExampleStatistics()
        for name, artifact in vars(self).items():
            artifact.uri = str(folder / name)
        Executor().Do(
            {},
            {name: [artifact] for name, artifact in vars(self).items()},
            {
                "history_root": history.root,
                "span": span,
                "prediction": prediction,
                "references": references.model_dump_json(),
            },
        )

    def splits(self, name):
        return json.loads(getattr(self, name).split_names)

    def features(self, span, split):
        """Features of a reference span, or of ``TRAINING``."""
        artifact = self.training_statistics
        if span != TRAINING:
            artifact = standard_artifacts.ExampleStatistics()
            artifact.split_names = self.reference_statistics.split_names
            artifact.uri = span_folder(self.reference_statistics.uri, span)
        statistics = stats_artifact_utils.load_statistics(artifact, split).proto()
        return {feature.path.step[0]: feature for feature in statistics.datasets[0].features}

    def first_fare(self, span, split):
        """Tells the spans' data apart: fares count on from the first of the span."""
        return self.features(span, split)["fare"].num_stats.min

    @property
    def references(self):
        return spans_in(self.reference_statistics.uri)

    @property
    def graph(self):
        """What stands in the model's graph, at the place where Trainer looks for it."""
        return Path(path_utils.serving_model_path(self.model.uri), "saved_model.pb").read_text()


@pytest.fixture
def history(tmp_path):
    """A baseline whose fares begin at 1000, with schema and model."""
    history = History(str(tmp_path / "history"))
    folder = Path(history.baseline_path())
    statistics = statistics_of_splits(folder / "statistics", train=rows(1000))
    schema = tfdv.infer_schema(stats_artifact_utils.load_statistics(statistics, "train").proto())
    tfdv.write_schema_text(schema, str(folder / "schema.pbtxt"))
    model = path_utils.serving_model_dir(model_of(tmp_path / "trained", "baseline").uri)
    history.write_baseline(BaselineRecord(model=model, rows=20))
    return history


def test_without_a_history_every_baseline_is_empty(tmp_path):
    resolved = Resolved(History(str(tmp_path / "none")), FIRST, tmp_path)
    for name in ("training_statistics", "reference_statistics"):
        assert resolved.splits(name) == []
    for name in ("schema", "training_statistics", "reference_statistics", "model"):
        assert not list(tmp_path.glob(f"{name}/**/*.*"))
    assert resolved.model.get_int_custom_property("available") == 0
    assert not resolved.model.has_custom_property("path")


def test_the_first_span_is_compared_with_the_training_data(tmp_path, history):
    resolved = Resolved(history, FIRST, tmp_path)
    schema = tfdv.load_schema_text(f"{resolved.schema.uri}/schema.pbtxt")
    assert "fare" in {feature.name for feature in schema.feature}
    assert resolved.splits("training_statistics") == ["train"]
    assert resolved.first_fare(TRAINING, "train") == 1000
    assert resolved.references == resolved.splits("reference_statistics") == []
    assert resolved.model.get_int_custom_property("available") == 1
    assert resolved.model.get_string_custom_property("span") == "baseline"
    assert resolved.graph == "baseline"


def test_the_next_span_gets_the_statistics_of_the_one_before(tmp_path, history):
    record_span(history.root, tmp_path / "1", FIRST, first=100)
    resolved = Resolved(history, SECOND, tmp_path)
    assert resolved.references == [FIRST]
    assert resolved.splits("reference_statistics") == ["labelled", "serving"]
    for split in ("labelled", "serving"):
        assert resolved.first_fare(FIRST, split) == 100
        assert "prediction" in resolved.features(FIRST, split)
    assert resolved.first_fare(TRAINING, "train") == 1000


def test_an_interrupted_span_is_no_baseline(tmp_path, history):
    record_span(history.root, tmp_path / "1", FIRST, first=100)
    record_span(history.root, tmp_path / "2", SECOND, first=200, action="retrain")
    resolved = Resolved(history, THIRD, tmp_path)
    assert resolved.references == [FIRST]


@pytest.fixture
def pushed(tmp_path, history):
    """Two spans; the first of them ended with a push."""
    record_span(history.root, tmp_path / "1", FIRST, first=100, action="retrain")
    record_push(history.root, tmp_path / "push", FIRST, model="second model")
    record_span(history.root, tmp_path / "2", SECOND, first=200)
    return history


def test_after_a_push_the_new_model_and_its_training_data_are_the_baseline(tmp_path, pushed):
    resolved = Resolved(pushed, SECOND, tmp_path)
    assert resolved.graph == "second model"
    assert resolved.model.get_string_custom_property("span") == FIRST
    path = resolved.model.get_string_custom_property("path")
    assert path == pushed.model_in_service().model
    assert resolved.first_fare(TRAINING, "train") == 0


@pytest.mark.parametrize("prediction", ["prediction", "company"])
def test_predictions_of_the_model_before_the_push_are_left_out(tmp_path, pushed, prediction):
    resolved = Resolved(pushed, SECOND, tmp_path, prediction)
    for split in ("labelled", "serving"):
        assert set(resolved.features(FIRST, split)) == {*rows(0)} - {prediction}
    kept = pushed.path(pushed.record(FIRST), "statistics", "Split-serving", "FeatureStats.pb")
    assert len(tfdv.load_stats_binary(kept).datasets[0].features) == len(rows(0))


def test_predictions_are_compared_again_one_span_later(tmp_path, pushed):
    resolved = Resolved(pushed, THIRD, tmp_path)
    assert resolved.references == [FIRST, SECOND]
    assert "prediction" in resolved.features(SECOND, "serving")
    assert "prediction" not in resolved.features(FIRST, "serving")
    assert resolved.graph == "second model"


def test_an_old_span_that_is_run_again_gets_the_baselines_of_its_time(tmp_path, pushed):
    first = Resolved(pushed, FIRST, tmp_path / "first")
    assert first.references == []
    assert first.first_fare(TRAINING, "train") == 1000
    assert first.graph == "baseline"
    second = Resolved(pushed, SECOND, tmp_path / "second")
    assert second.references == [FIRST]


def test_no_more_spans_are_copied_than_are_asked_for(tmp_path, pushed):
    resolved = Resolved(pushed, THIRD, tmp_path, references=References(last=1, same_weekday=0))
    assert resolved.references == [SECOND]


def recorded(length, n, start="2014-01-01"):
    config = SpanConfig(start=start, length=length)
    windows = [config.window(k) for k in range(n + 1)]
    records = [
        SpanRecord(
            span=window.span,
            window_start=window.start,
            window_end=window.end,
            revision="",
            complete=True,
            action="none",
        )
        for window in windows[:n]
    ]
    return records, windows[n].start


@pytest.mark.parametrize(
    ("length", "n", "references", "chosen"),
    [
        ("P1D", 0, {}, []),
        ("P1D", 3, {"last": 2}, ["2014-01-02", "2014-01-03"]),
        (
            "P1D",
            60,
            {"last": 2, "same_weekday": 3},
            ["2014-02-09", "2014-02-16", "2014-02-23", "2014-02-28", "2014-03-01"],
        ),
        (
            "PT6H",
            4 * 21 + 1,
            {"last": 1, "same_weekday": 2},
            ["2014-01-08T06", "2014-01-15T06", "2014-01-22"],
        ),
        ("P1W", 20, {"last": 1, "same_weekday": 4}, ["2014-05-14"]),
        ("P1M", 27, {"last": 1, "same_month": 2}, ["2014-04-01", "2015-04-01", "2016-03-01"]),
        ("P1D", 2 * 365 + 58, {"last": 1, "same_month": 1}, ["2015-02-28", "2016-02-27"]),
        ("P1D", 30, {"last": 1, "same_month": 1}, ["2014-01-30"]),
    ],
)
def test_references_are_the_newest_the_same_weekdays_and_the_same_month(
    length, n, references, chosen
):
    records, start = recorded(length, n)
    given = References(**{"same_weekday": 0, "same_month": 0, **references})
    assert [r.span for r in choose_references(records, start, given)] == chosen


def test_a_span_s_name_tells_when_it_begins():
    for record in recorded("PT6H", 9)[0]:
        assert start_of(record.span) == record.window_start


def test_the_component_is_an_ordinary_node_with_standard_outputs():
    node = BaselineResolver(history_root="/history", span=FIRST)
    assert node.exec_properties == {
        "history_root": "/history",
        "span": FIRST,
        "prediction": "prediction",
        "references": References().model_dump_json(),
    }
    assert {name: channel.type for name, channel in node.outputs.items()} == {
        "schema": standard_artifacts.Schema,
        "training_statistics": standard_artifacts.ExampleStatistics,
        "reference_statistics": standard_artifacts.ExampleStatistics,
        "model": standard_artifacts.Model,
    }
