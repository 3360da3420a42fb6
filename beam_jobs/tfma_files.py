"""TFMA's result files, by TFMA's own converters: its readers and views take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apache_beam.io.filesystems import FileSystems
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_model_analysis import version
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as writer

from .examples import tf_records
from .metrics.memberships import SliceKey
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
    crossed: Results,
    plots: Mapping[SliceKey, Mapping[metric_types.PlotKey, Any]],
    min_slice_rows: int,
    min_group_rows: int,
    locations: Mapping[str, str],
) -> None:
    """Writes ``eval_config.json``, ``metrics-*.tfrecord`` and ``plots-*.tfrecord`` to ``uri``.

    Args:
      crossed: of ``cross_slices``.
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
        _slice(results, i, min_slice_rows)
        for i, (key, rows) in enumerate(zip(results.keys, results.rows, strict=True))
        if not key or rows >= min_group_rows
    ]
    pairs = [_metrics(crossed, i) for i in range(len(crossed.keys))]
    write_records(f"{uri}/metrics-00000-of-00001.tfrecord", [*slices, *pairs])
    large = {k for k, n in zip(results.keys, results.rows, strict=True) if n >= min_slice_rows}
    told = [(key, dict(of_slice)) for key, of_slice in plots.items() if key in large or not key]
    write_records(
        f"{uri}/plots-00000-of-00001.tfrecord",
        [
            writer.convert_slice_plots_to_proto(of_slice, add_metrics_callbacks=[])
            for of_slice in told
        ],
    )


def _slice(results: Results, i: int, min_slice_rows: int) -> metrics_for_slice_pb2.MetricsForSlice:
    key = results.keys[i]
    if key and results.rows[i] < min_slice_rows:
        error = metrics_for_slice_pb2.MetricsForSlice(slice_key=slicer_lib.serialize_slice_key(key))
        error.metrics[ERROR].debug_message = _TOO_SMALL.format(min_slice_rows)
        return error
    return _metrics(results, i)


def _metrics(results: Results, i: int) -> metrics_for_slice_pb2.MetricsForSlice:
    key = results.keys[i]
    values = dict(_values([*results.metrics, *results.changes], i))
    values |= results.structured.get(key, {})
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


def write_records(path: str, records: Sequence[Message]) -> None:
    data = [record.SerializeToString() for record in records]
    _write(path, tf_records(data) if data else b"")


def _write(path: str, content: bytes) -> None:
    if not FileSystems.exists(path.rsplit("/", 1)[0]):
        FileSystems.mkdirs(path.rsplit("/", 1)[0])
    with FileSystems.create(path) as f:
        f.write(content)
