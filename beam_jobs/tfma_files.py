"""TFMA's result files, by TFMA's own converters: its readers and views take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apache_beam.io.filesystems import FileSystems
from google.protobuf import json_format
from tensorflow_model_analysis import version
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as writer

from .examples import tf_records
from .metrics.results import Measured, Results

ERROR = "__ERROR__"
_TOO_SMALL = (
    "Example count for this slice key is lower than the minimum required value: {}. "
    "No data is aggregated for this slice."
)
_Value = float | metrics_for_slice_pb2.BoundedValue


def write_results(
    uri: str,
    config: config_pb2.EvalConfig,
    results: Results,
    min_slice_rows: int,
    min_group_rows: int,
    locations: Mapping[str, str],
) -> None:
    """Writes ``eval_config.json`` and ``metrics-*.tfrecord`` to ``uri``.

    Args:
      min_slice_rows: smaller slices carry TFMA's ``__ERROR__`` in place of metrics.
      min_group_rows: smaller slices are not there at all.
      locations: model name in ``config`` -> where it lies, for display.
    """
    run = config_pb2.EvalRun(
        eval_config=config,
        version=version.VERSION,
        data_location="<user provided PCollection>",
        file_format="<unknown>",
        model_locations=locations,
    )
    _write(f"{uri}/eval_config.json", json_format.MessageToJson(run).encode())
    slices = [
        _slice(results, i, min_slice_rows).SerializeToString()
        for i, (key, rows) in enumerate(zip(results.keys, results.rows, strict=True))
        if not key or rows >= min_group_rows
    ]
    _write(f"{uri}/metrics-00000-of-00001.tfrecord", tf_records(slices) if slices else b"")


def _slice(results: Results, i: int, min_slice_rows: int) -> metrics_for_slice_pb2.MetricsForSlice:
    key = results.keys[i]
    if key and results.rows[i] < min_slice_rows:
        error = metrics_for_slice_pb2.MetricsForSlice(slice_key=slicer_lib.serialize_slice_key(key))
        error.metrics[ERROR].debug_message = _TOO_SMALL.format(min_slice_rows)
        return error
    values = dict(_values([*results.metrics, *results.changes], i))
    return writer.convert_slice_metrics_to_proto((key, values), add_metrics_callbacks=[])


def _values(
    measured: Sequence[Measured], i: int
) -> Iterator[tuple[metric_types.MetricKey, _Value]]:
    for m in measured:
        key = m.planned.key.make_diff_key() if m.against else m.planned.key
        value, lower, upper = (float(array[i]) for array in (m.values, m.lower, m.upper))
        if lower == lower:  # not NaN
            yield (
                key,
                metrics_for_slice_pb2.BoundedValue(
                    value={"value": value},
                    lower_bound={"value": lower},
                    upper_bound={"value": upper},
                ),
            )
        else:
            yield key, value


def _write(path: str, content: bytes) -> None:
    if not FileSystems.exists(path.rsplit("/", 1)[0]):
        FileSystems.mkdirs(path.rsplit("/", 1)[0])
    with FileSystems.create(path) as f:
        f.write(content)
