"""PredictionLogs of TF Serving and of TFX's BulkInferrer (tensorflow_serving/apis).

Inputs are serialized tf.Examples, in whichever input holds them, or a tensor a feature. There is
no request id, times are whole seconds, and BulkInferrer writes neither time nor model version.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ..log_containers.contract import Record
from ..log_values import Malformed, prediction, sampling_weight
from .bodies import named, scores
from .contract import LogFormat, Parsed, Request, Scores
from .tensor_protos import read_tensor
from .tf_examples import decode, is_example, read_example, read_examples

_END_OF_TIME = 253_402_300_800


class _Table(NamedTuple):
    """Rows of features: what tensors hold of them, and a serialized tf.Example for each or none."""

    rows: list[dict[str, Any]]
    examples: list[bytes]

    def complete(self, decoded: Iterator[dict[str, Any]]) -> None:
        """Adds to the rows what the next of ``decoded`` hold."""
        for n, features in enumerate(islice(decoded, len(self.examples))):
            self.rows[n] = features | self.rows[n]


class PredictionLogs(LogFormat):
    """The prediction of a PredictLog is the output ``prediction``, or the only one; of a
    ClassifyLog the score of the class ``prediction``, or all scores in the order logged; of a
    RegressLog the value. The model version is the response's, the request's or the metadata's:
    a number rather than a label.
    """

    def parse(self, record: Record) -> Request:
        request, table = self._read(record)
        try:
            table.complete(map(read_example, table.examples))
        except ValueError:
            request, _ = self._read(record, with_examples=False)
        return request

    def parse_all(self, records: Sequence[Record]) -> Parsed:
        try:
            return self._parse_together(records)
        except ValueError:
            return super().parse_all(records)

    def _parse_together(self, records: Sequence[Record]) -> Parsed:
        parsed, requests = Parsed(), []
        for index, record in enumerate(records):
            try:
                requests.append((index, *self._read(record)))
            except Malformed as error:
                parsed.bad[index] = error.reason
        decoded = read_examples([x for *_, table in requests for x in table.examples])
        for index, request, table in requests:
            table.complete(decoded)
            parsed.add(index, request)
        return parsed

    def _read(self, record: Record, with_examples: bool = True) -> tuple[Request, _Table]:
        """A request whose rows lack the features of its tf.Examples."""
        log = _message(record)
        kind = log.WhichOneof("log_type")
        if kind == "predict_log":
            call = log.predict_log
            table = _table(call.request.inputs, self.config.feature_names, with_examples)
            predictions = self._outputs(call.response.outputs)
        elif kind in ("classify_log", "regress_log"):
            call = getattr(log, kind)
            table = _example_list(call.request.input)
            result = call.response.result
            if kind == "classify_log":
                predictions = [self._class_scores(x.classes) for x in result.classifications]
            else:
                predictions = scores([x.value for x in result.regressions], None)
        elif kind:
            raise Malformed("unsupported_log", kind)
        else:
            raise Malformed("missing", "log_type")
        if predictions and len(predictions) != len(table.rows):
            raise Malformed("prediction_count")
        metadata = log.log_metadata
        columns = {}
        version = _version(call.response.model_spec, call.request.model_spec, metadata.model_spec)
        if version:
            columns["log_model_version"] = version
        if weight := sampling_weight(metadata.sampling_config.sampling_rate):
            columns["log_sampling_weight"] = weight
        time, digest = _time(metadata.timestamp_secs), zlib.crc32(record)
        return Request(None, time, table.rows, digest, columns, predictions or None), table

    def _outputs(self, outputs: Mapping[str, Any]) -> list[Scores]:
        names, name = list(outputs), self.config.prediction
        if not names:
            return []
        if len(names) == 1 and name is None:
            (name,) = names
        if name not in names:
            raise Malformed("missing", "prediction")
        return scores(read_tensor(outputs[name], "outputs").rows("outputs"), None)

    def _class_scores(self, classes: Iterable[Any]) -> Scores:
        name = self.config.prediction
        if name is None:
            return prediction([x.score for x in classes], None)
        for x in classes:
            if x.label == name:
                return prediction(x.score, None)
        raise Malformed("missing", "prediction")


def _message(record: Record) -> Any:
    try:
        return decode(_prediction_log(), record)
    except (ValueError, TypeError):
        raise Malformed("not_proto") from None


def _table(inputs: Mapping[str, Any], names: list[str], with_examples: bool) -> _Table:
    """Rows by the first dimension; a tensor without one holds for all rows."""
    if not inputs:
        raise Malformed("missing", "inputs")
    examples, columns, common = [], {}, {}
    for name in sorted(inputs):
        tensor = read_tensor(inputs[name], "inputs")
        if with_examples and not examples and _are_examples(tensor.values):
            examples = tensor.values
        elif tensor.shape:
            columns[name] = tensor.rows("inputs")
        else:
            (common[name],) = tensor.rows("inputs")
    lengths = {len(x) for x in columns.values()}
    if examples:
        lengths.add(len(examples))
    if len(lengths) > 1:
        raise Malformed("bad_value", "inputs")
    if len(inputs) == 1 and columns and names:
        (rows,) = columns.values()
        return _Table([named(row, names) for row in rows], [])
    count = lengths.pop() if lengths else 1
    rows = [dict(common) for _ in range(count)]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return _Table(rows, examples)


def _are_examples(values: list) -> bool:
    """An empty one may be among them, but not alone: it is an empty text as well."""
    if not values or type(values[0]) is not bytes:
        return False
    return any(values) and all(not value or is_example(value) for value in values)


def _example_list(given: Any) -> _Table:
    """A context's features are each example's, unless that has its own: TF Serving appends the
    example to the context.
    """
    kind = given.WhichOneof("kind")
    if not kind:
        raise Malformed("missing", "input")
    found = getattr(given, kind)
    context = found.context.SerializeToString() if kind == "example_list_with_context" else b""
    examples = [context + x.SerializeToString() for x in found.examples]
    return _Table([{} for _ in examples], examples)


def _version(*specs: Any) -> str | None:
    for choice in ("version", "version_label"):
        for spec in specs:
            if spec.WhichOneof("version_choice") == choice:
                return spec.version_label if choice == "version_label" else str(spec.version.value)
    return None


def _time(seconds: int) -> int | None:
    if not 0 <= seconds < _END_OF_TIME:
        raise Malformed("bad_time", "timestamp_secs")
    return seconds * 1_000_000 or None


@functools.cache
def _prediction_log() -> type:
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    return PredictionLog
