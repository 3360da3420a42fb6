"""The baseline of a history, from tables as people have them."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.reports import SliceReport
from tfx_vigil.components.history import History
from tfx_vigil.pipelines.config import VigilConfig
from tfx_vigil.pipelines.initialise import initialise
from tfx_vigil.pipelines.lock import Busy, exclusive
from tfx_vigil.pipelines.yaml_file import ConfigError

EMAIL, ADDRESS = "ada@example.org", "203.0.113.77"
IDENTIFIERS = [text.encode() for text in (EMAIL, ADDRESS)]
ROWS = 120


def trips(seed=0):
    """Trips with personal data where one expects it, and where one does not."""
    rng = np.random.default_rng(seed)
    fare = rng.lognormal(2, 1, ROWS).round(2)
    frame = pd.DataFrame(
        {
            "fare": fare,
            "area": rng.integers(1, 4, ROWS),
            "company": np.where(fare > 8, "Blue", "Checker"),
            "client_ip": ADDRESS,
            "tipped": (fare > 8).astype(int),
            "rider_email": EMAIL,
        }
    )
    frame.loc[0, "company"] = f"ask {EMAIL}"
    return frame


def config_of(folder, training_data, **baseline):
    return VigilConfig.model_validate(
        {
            "model": {
                "name": "tips",
                "features": {
                    "fare": "float", "area": "int", "company": "string", "client_ip": "string"
                },
                "serving_dir": f"{folder}/serving",
            },
            "baseline": {"training_data": str(training_data), "label": "tipped", **baseline},
            "spans": {"start": "2014-01-01"},
            "logs": {"format": "json_lines", "files": f"{folder}/*.jsonl"},
            "privacy": {
                "domain": "tips",
                "default": "keep",
                "keyset": f"{folder}/keyset.json",
                "fields": {
                    "rider_email": {"method": "hmac"},
                    "client_ip": {"method": "generalize", "kind": "ip"},
                },
            },
            "slices": [["area"]],
            "metrics": {"names": ["binary_crossentropy", "auc"], "min_slice_rows": 20},
            "runtime": {"pipeline_root": f"{folder}/pipeline", "history_root": f"{folder}/history"},
        }
    )  # fmt: skip


def write_model(folder):
    """A SavedModel that scores a trip by its fare."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        fare = tf.io.parse_example(examples, {"fare": tf.io.FixedLenFeature([1], tf.float32)})
        return {"score": tf.sigmoid(fare["fare"] - 8.0)}

    module.serve = serve
    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})
    return str(folder)


def content(folder):
    """The bytes of every file below ``folder``, decompressed."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in files
    )


def rows(history, split="train"):
    files = [str(path) for path in Path(history.baseline_path(f"examples/Split-{split}")).iterdir()]
    examples = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    return ExamplesToRecordBatchDecoder().DecodeBatch(list(examples))


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The configuration of a history started from Parquet files and a model."""
    folder = tmp_path_factory.mktemp("initialise")
    keysets.create(f"{folder}/keyset.json")
    trips().to_parquet(folder / "train.parquet")
    trips(seed=1).to_parquet(folder / "eval.parquet")
    config = config_of(
        folder,
        folder / "train.parquet",
        evaluation_data=f"{folder}/eval.parquet",
        model=write_model(folder / "model"),
    )
    initialise(config)
    return config


@pytest.fixture(scope="module")
def history(config):
    return History(config.runtime.history_root)


def test_the_record_counts_the_rows_and_points_to_a_copy_of_the_model(history):
    record = history.baseline()
    assert record.rows == ROWS
    assert record.model == history.baseline_path("model")
    assert tf.saved_model.contains_saved_model(record.model)
    assert history.model_in_service().model == record.model
    assert Path(history.root, "model_in_service.json").exists()


def test_training_rows_have_the_types_of_ingested_logs(history):
    table = rows(history)
    kinds = {name: str(table.schema.field(name).type.value_type) for name in table.schema.names}
    assert kinds == {
        "fare": "float",
        "area": "int64",
        "company": "large_binary",
        "client_ip": "large_binary",
        "label": "float",
    }
    given = trips()
    read = {name: np.concatenate(values) for name, values in table.to_pydict().items()}
    order = np.argsort(read["fare"], kind="stable")
    expected = given.sort_values("fare", kind="stable")
    np.testing.assert_allclose(read["fare"][order], expected.fare, rtol=1e-6)
    assert sorted(zip(read["area"], read["label"], strict=True)) == sorted(
        zip(given.area, given.tipped, strict=True)
    )


def test_identifiers_are_treated_by_the_policy_and_nothing_raw_is_left(config, history):
    found = content(history.root)
    assert not [text for text in IDENTIFIERS if text in found]
    table = rows(history).to_pydict()
    assert {value for [value] in table["client_ip"]} == {b"203.0.113.0/24"}
    assert any(b"ask" in value for [value] in table["company"])
    assert not any(text in content(config.runtime.pipeline_root) for text in IDENTIFIERS)
    assert not [p for p in Path(config.raw_data_root).rglob("*") if p.is_file()]


def test_statistics_and_schema_describe_the_training_rows(history):
    path = history.baseline_path("statistics", "Split-train", "FeatureStats.pb")
    statistics = tfdv.load_stats_binary(path)
    assert {d.name: d.num_examples for d in statistics.datasets}["All Examples"] == ROWS
    assert len(statistics.datasets) == 1 + 3
    schema = tfdv.load_schema_text(history.baseline_path("schema.pbtxt"))
    area = tfdv.get_feature(schema, "area")
    assert (area.type, area.int_domain.is_categorical) == (schema_pb2.INT, True)
    assert all(feature.presence.min_fraction == pytest.approx(0.9) for feature in schema.feature)
    assert not tfdv.validate_statistics(tfdv.load_stats_binary(path), schema).anomaly_info


def test_the_reference_is_the_model_s_metric_on_rows_it_has_not_seen(history):
    report = history.baseline_report("slices", SliceReport)
    assert (report.models, report.rows) == (["candidate"], ROWS)
    (auc,) = [m for m in report.metrics if (m.slice, m.metric) == ("overall", "auc")]
    assert auc.value == pytest.approx(1.0, abs=1e-3)
    assert {m.slice for m in report.metrics} == {"overall", "area=1", "area=2", "area=3"}


@pytest.fixture
def start(tmp_path):
    """Starts a history from a CSV of ``frame`` and no model."""
    keysets.create(f"{tmp_path}/keyset.json")

    def start(frame):
        frame.to_csv(tmp_path / "train.csv", index=False)
        config = config_of(tmp_path, tmp_path / "train.csv")
        try:
            return initialise(config), History(config.runtime.history_root)
        finally:
            assert not any(text in content(tmp_path / "pipeline") for text in IDENTIFIERS)
            assert not any(text in content(tmp_path / "history") for text in IDENTIFIERS)

    return start


def test_a_csv_without_a_model_starts_a_history_and_a_second_call_replaces_it(start):
    frame = trips()
    frame["area"] = frame.area.astype(float)
    frame.loc[3, "fare"] = None
    record, history = start(frame)
    assert (record.model, record.rows) == (None, ROWS)
    assert history.model_in_service() is None
    table = rows(history)
    assert str(table.schema.field("area").type.value_type) == "int64"
    assert table.column(table.schema.names.index("fare")).null_count == 1
    record, history = start(frame.head(50))
    assert history.baseline() == record
    assert rows(history).num_rows == record.rows == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="tipped"), "train.csv has no column 'tipped'; baseline.label"),
        (lambda f: f.drop(columns="fare"), "train.csv has no value of fare; .* model.features"),
        (lambda f: f.assign(area=f.area + 0.5), "'area' holds float .* declared type 'int'"),
        (lambda f: f.assign(fare="dear"), "'fare' holds .* declared type 'float'"),
        (lambda f: f.assign(tipped="yes"), "'label' holds .* declared type 'float'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_by_column(start, change, message):
    with pytest.raises(ValueError, match=message):
        start(change(trips()))


def test_a_configuration_without_a_baseline_is_refused(tmp_path):
    config = config_of(tmp_path, "x").model_copy(update={"baseline": None})
    with pytest.raises(ConfigError, match="baseline: give training_data and model"):
        initialise(config)


def test_a_table_that_cannot_be_used_leaves_the_old_baseline(tmp_path):
    keysets.create(f"{tmp_path}/keyset.json")
    trips().to_parquet(tmp_path / "good.parquet")
    trips().drop(columns="fare").to_parquet(tmp_path / "bad.parquet")
    record = initialise(config_of(tmp_path, tmp_path / "good.parquet"))
    with pytest.raises(ValueError, match="fare"):
        initialise(config_of(tmp_path, tmp_path / "bad.parquet"))
    history = History(f"{tmp_path}/history")
    assert history.baseline() == record
    assert rows(history).num_rows == ROWS


def test_a_history_that_a_run_is_writing_to_is_left_alone(tmp_path):
    trips().to_parquet(tmp_path / "good.parquet")
    config = config_of(tmp_path, tmp_path / "good.parquet")
    with exclusive(config), pytest.raises(Busy, match="another run is writing to"):
        initialise(config)
