"""The component on real artifacts, beside the stock components whose formats it keeps."""

import json

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.utils.anomalies_util import load_anomalies_binary
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.utils import io_utils
from tfx_vigil.beam_jobs.reports import DriftReport as DriftDocument
from tfx_vigil.beam_jobs.reports import read_report
from tfx_vigil.components import DriftValidator
from tfx_vigil.components.artifacts import DriftReport
from tfx_vigil.components.drift_validator.anomalies import folder
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.executor import Executor
from tfx_vigil.components.drift_validator.inputs import read_references
from tfx_vigil.components.statistics_places import span_folder

from .drift_statistics import statistics_of, stock_statistics

SLICES = [["payment_type"]]


def columns(seed: int, n: int = 2_000, factor: float = 1.0) -> dict:
    rng = np.random.default_rng(seed)
    return {"payment_type": rng.choice(["Cash", "A/C"], n), "fare": rng.lognormal(size=n) * factor}


def statistics_artifact(uri, stock=False, **splits) -> standard_artifacts.ExampleStatistics:
    """As StatisticsGen leaves it."""
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(uri)
    artifact.span = 7
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    for split, table in splits.items():
        statistics = stock_statistics(table, SLICES) if stock else statistics_of(table, SLICES)
        file = f"{artifact_utils.get_split_uri([artifact], split)}/FeatureStats.pb"
        io_utils.write_bytes_file(file, statistics.SerializeToString())
        assert stats_artifact_utils.load_statistics(artifact, split).proto() == statistics
    return artifact


def run(tmp_path, config=DriftConfig(slices=SLICES), **inputs):  # noqa: B008
    """Runs the executor; an input is one artifact, or a list of them."""
    report, anomalies = DriftReport(), standard_artifacts.ExampleAnomalies()
    report.uri, anomalies.uri = str(tmp_path / "report"), str(tmp_path / "anomalies")
    Executor().Do(
        {key: given if isinstance(given, list) else [given] for key, given in inputs.items()},
        {"report": [report], "anomalies": [anomalies]},
        {"config": config.model_dump_json()},
    )
    return report, anomalies


def test_report_properties_and_anomalies_of_a_drifted_span(tmp_path):
    report, anomalies = run(
        tmp_path,
        statistics=statistics_artifact(tmp_path / "now", serving=columns(1, factor=5)),
        training_statistics=statistics_artifact(
            tmp_path / "trained", train=columns(2), eval=columns(3)
        ),
        reference_statistics=statistics_artifact(tmp_path / "before", serving=columns(4)),
    )
    document = read_report(report.uri, DriftDocument)
    assert document.drifted_features == ["fare"]
    assert {c.against for c in document.comparisons} == {"training", "previous"}
    assert report.get_int_custom_property("drift") == 1
    assert report.get_string_custom_property("severity") == document.severity == "watch"
    assert report.get_int_custom_property("drifted_features") == 1
    assert anomalies.span == 7
    assert json.loads(anomalies.split_names) == ["serving"]
    for place in ("Split-serving", "Slice-payment_type=A%2FC/Split-serving"):
        found = load_anomalies_binary(f"{anomalies.uri}/{place}/SchemaDiff.pb")
        reasons = found.anomaly_info["fare"].reason
        assert {reason.short_description for reason in reasons} == {
            f"High {name} between {sides}"
            for name in ("approximate Jensen-Shannon divergence", "location")
            for sides in ("training and serving", "current and previous")
        }
        assert found.anomaly_info["fare"].short_description == "Multiple errors"
        tfdv.display_anomalies(found)


def test_a_first_run_with_empty_baselines_writes_a_report_that_says_so(tmp_path):
    empty = standard_artifacts.ExampleStatistics()
    empty.uri = str(tmp_path / "none")
    without_files = standard_artifacts.ExampleStatistics()
    without_files.uri = str(tmp_path / "nothing")
    without_files.split_names = artifact_utils.encode_split_names(["serving"])
    report, anomalies = run(
        tmp_path,
        statistics=statistics_artifact(tmp_path / "now", serving=columns(1)),
        training_statistics=empty,
        reference_statistics=without_files,
    )
    document = read_report(report.uri, DriftDocument)
    assert report.get_int_custom_property("drift") == 0
    assert len(document.not_compared) >= 2
    assert "drift is unknown" in document.recommendation
    assert fileio.exists(f"{anomalies.uri}/Split-serving/SchemaDiff.pb")


def test_stock_statistics_and_schema_work(tmp_path):
    schema = standard_artifacts.Schema()
    schema.uri = str(tmp_path / "schema")
    inferred = tfdv.infer_schema(statistics_of(columns(0)))
    io_utils.write_pbtxt_file(f"{schema.uri}/schema.pbtxt", inferred)
    shifted = columns(1, factor=3) | {"payment_type": np.full(2_000, "Coins")}
    report, anomalies = run(
        tmp_path,
        DriftConfig(),
        schema=schema,
        statistics=statistics_artifact(tmp_path / "now", True, train=shifted, eval=columns(2)),
        training_statistics=statistics_artifact(tmp_path / "trained", True, train=columns(3)),
    )
    document = read_report(report.uri, DriftDocument)
    assert set(document.drifted_features) == {"fare", "payment_type"}
    assert [a.kind for a in document.anomalies] == ["new_value"]
    assert json.loads(anomalies.split_names) == ["train", "eval"]
    clean = load_anomalies_binary(f"{anomalies.uri}/Split-eval/SchemaDiff.pb")
    assert not clean.anomaly_info


def rows_of(reference):
    return reference.splits["serving"].datasets.datasets[0].num_examples


def test_references_are_read_in_order_of_time_from_one_artifact_or_several(tmp_path):
    sizes = {"2014-01-03": 30, "2014-01-01": 10, "2014-01-02": 20}
    of_a_span = [
        statistics_artifact(span_folder(str(tmp_path / "one"), span), serving=columns(n, n))
        for span, n in sizes.items()
    ]
    for artifact, n in zip(of_a_span, sizes.values(), strict=True):
        artifact.span = n
    together = standard_artifacts.ExampleStatistics()
    together.uri = str(tmp_path / "one")
    empty = standard_artifacts.ExampleStatistics()
    empty.uri = str(tmp_path / "empty")
    for given, names in (
        ([together], sorted(sizes)),
        ([*of_a_span, empty], ["10", "20", "30"]),
    ):
        read = read_references(given)
        assert [reference.span for reference in read] == names
        assert [rows_of(reference) for reference in read] == [10, 20, 30]
    assert read_references([empty]) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"splits": ["labelled"]}, "no statistics of split labelled .* which has serving"),
        ({"training_split": "fit"}, "no split 'fit' .* which has eval, train; set training_split"),
    ],
)
def test_a_split_that_is_not_there_is_refused_by_name(tmp_path, config, message):
    with pytest.raises(ValueError, match=message):
        run(
            tmp_path,
            DriftConfig(**config),
            statistics=statistics_artifact(tmp_path / "now", serving=columns(1, 100)),
            training_statistics=statistics_artifact(
                tmp_path / "t", train=columns(2, 100), eval=columns(3, 100)
            ),
        )


def test_component_takes_its_config_as_model_mapping_or_json():
    statistics = channel_utils.as_channel([standard_artifacts.ExampleStatistics()])
    config = DriftConfig(slices=SLICES, alpha=0.05)
    given = [config, {"slices": SLICES, "alpha": 0.05}, config.model_dump_json()]
    for each in given:
        component = DriftValidator(statistics=statistics, config=each)
        assert component.exec_properties["config"] == config.model_dump_json()
    assert set(component.outputs) == {"report", "anomalies", "span_statistics"}
    with pytest.raises(ValueError, match="alhpa"):
        DriftValidator(statistics=statistics, config={"alhpa": 0.1})


def test_folders_of_slices_are_distinct_and_safe():
    assert folder("overall", "serving") == "Split-serving"
    assert folder("a=b/c, d=*", "serving") == "Slice-a=b%2Fc%2C%20d=%2A/Split-serving"
    long = [f"text={'x' * 300}{i}" for i in range(2)]
    assert len({folder(name, "serving") for name in long}) == 2
    assert all(len(folder(name, "serving")) < 250 for name in long)
