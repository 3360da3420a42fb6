"""The rows of a block as columns, with what the answers to their calls say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import orjson
import pyarrow as pa

from .ingest_blocks import Block
from .ingest_config import FIXED_COLUMNS
from .ingest_scan import Answer
from .log_columns import to_array

_OF_ANSWERS = ("log_status", "log_latency_ms", "log_model_version", "log_endpoint")


class BlockRows:
    """answers: of calls by their place in the block, packed; None where the format logs no
    answers as records of their own."""

    def __init__(self, block: Block, answers: Mapping[int, bytes] | None):
        self.block = block
        self._scores = block.parsed.predictions
        self._columns = block.parsed.columns
        if answers is not None:
            self._take_answers(answers)

    def _take_answers(self, answers: Mapping[int, bytes]) -> None:
        block, scores = self.block, list(self._scores)
        columns = {name: list(values) for name, values in self._columns.items()}
        for name in _OF_ANSWERS:
            columns.setdefault(name, [None] * len(block.record))
        status, latency, version, endpoint = (columns[name] for name in _OF_ANSWERS)
        starts, times = block.starts.tolist(), block.times.tolist()
        for call, (start, length) in enumerate(zip(starts, block.parsed.lengths, strict=True)):
            if packed := answers.get(call):
                answer = Answer(*orjson.loads(packed))
                scores[start : start + length] = answer.predictions
                status[call] = "200"
                for name, value in answer.columns.items():
                    columns[name][call] = value
                if answer.time is not None:
                    latency[call] = (answer.time - times[call]) / 1e3
            elif length and scores[start] is None:
                status[call] = "no_response"
            version[call] = version[call] or endpoint[call]
        self._scores, self._columns = scores, columns

    def places(self, calls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the rows of ``calls`` in the block, and the call of each."""
        lengths = self.block.lengths[calls]
        call = np.repeat(calls, lengths)
        within = np.arange(len(call)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return self.block.starts[call] + within, call

    def features(self, places: np.ndarray) -> dict[str, pa.Array]:
        arrays = self.block.arrays
        if len(places) == len(self._scores) and (np.diff(places) == 1).all():
            return dict(arrays)
        taken = pa.array(places)
        return {name: array.take(taken) for name, array in arrays.items()}

    def of_calls(self, name: str, calls: np.ndarray) -> list:
        """What is logged of the calls: a column of ``FIXED_COLUMNS``."""
        values = self._columns.get(name)
        return [None] * len(calls) if values is None else [values[n] for n in calls.tolist()]

    def logged(self, places: np.ndarray, calls: np.ndarray) -> dict[str, pa.Array]:
        """LogIngest's own columns of some rows and the call of each."""
        block = self.block
        first_rows = np.array(block.parsed.first_rows, np.int64)[calls]
        arrays = {
            "log_request_id": pa.array(block.ids[calls], pa.large_string()),
            "log_row": pa.array(first_rows + places - block.starts[calls]),
            "log_event_time": pa.array(block.times[calls]),
        }
        columns = {name: self.of_calls(name, calls) for name in self._columns}
        columns["prediction"] = [self._scores[n] for n in places.tolist()]
        for name, values in columns.items():
            array, _ = to_array(values, FIXED_COLUMNS[name])
            if array is not None:
                arrays[name] = array
        return arrays
