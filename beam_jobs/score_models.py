"""Adds the predictions of SavedModels to record batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from apache_beam.utils.shared import Shared

from .examples import encode_examples

SIGNATURE = "serving_default"
_INFERENCE_ROWS = 1024


def prediction_column(model: str) -> str:
    """The column that ScoreModels adds for ``model``."""
    return f"prediction/{model}"


def find_saved_model(uri: str) -> str:
    """The SavedModel directory in ``uri``.

    ``uri`` may be a SavedModel itself, a TFX Model artifact (``Format-Serving/``) or a directory
    the Pusher writes to, where the highest version number counts.

    Raises:
      FileNotFoundError: there is no saved_model.pb at any of these places.
    """
    uri = uri.rstrip("/")
    for directory in [uri, f"{uri}/Format-Serving", *_versions(uri)]:
        if FileSystems.exists(f"{directory}/saved_model.pb"):
            return directory
    raise FileNotFoundError(
        f"no SavedModel at {uri}: expected saved_model.pb in it, in Format-Serving/ or in a "
        "numbered version directory"
    )


def _versions(uri: str) -> list[str]:
    files = FileSystems.match([f"{uri}/*/saved_model.pb"])[0].metadata_list
    directories = [found.path.rsplit("/", 1)[0] for found in files]
    numbered = [path for path in directories if path.rsplit("/", 1)[1].isdecimal()]
    return sorted(numbered, key=lambda path: int(path.rsplit("/", 1)[1]), reverse=True)


class ScoreModels(beam.PTransform):
    """Adds a column ``prediction_column(name)`` of ``list<float>`` for each model.

    Args:
      models: name -> SavedModel directory. Its signature ``serving_default`` takes a string
        tensor [n] of serialized tf.Examples and returns float scores [n] or [n, k].
      output: key of the output that holds the scores; None when there is one output only.
    """

    def __init__(self, models: Mapping[str, str], output: str | None = None):
        super().__init__()
        self._models = dict(models)
        self._output = output

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return batches | "Score" >> beam.ParDo(_ScoreBatch(self._models, self._output))


class _ScoreBatch(beam.DoFn):
    """Loads each model once per worker process."""

    def __init__(self, models: dict[str, str], output: str | None):
        self._models = models
        self._output = output
        self._handles = {name: Shared() for name in models}

    def setup(self) -> None:
        self._loaded = {
            name: self._handles[name].acquire(lambda path=path: ServingModel(path, self._output))
            for name, path in self._models.items()
        }

    def process(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        examples = encode_examples(batch)
        columns = {name: batch.column(name) for name in batch.schema.names}
        for name, model in self._loaded.items():
            scores = model.score(examples)
            offsets = np.arange(len(scores) + 1, dtype=np.int64) * scores.shape[1]
            columns[prediction_column(name)] = pa.LargeListArray.from_arrays(
                pa.array(offsets), pa.array(scores.ravel())
            )
        yield pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


class ServingModel:
    """A SavedModel behind its serving signature.

    Raises:
      ValueError: there is no such signature, it does not take one string tensor, or the output
        is ambiguous.
    """

    def __init__(self, path: str, output: str | None = None):
        import tensorflow as tf

        self._path = path
        self._model = tf.saved_model.load(path)
        signatures = self._model.signatures
        if SIGNATURE not in signatures:
            raise ValueError(f"{path} has no signature {SIGNATURE!r}, only {sorted(signatures)}")
        self._signature = signatures[SIGNATURE]
        inputs = self._signature.structured_input_signature[1]
        if [spec.dtype for spec in inputs.values()] != [tf.string]:
            raise ValueError(
                f"{path}: {SIGNATURE} must take one string tensor of serialized tf.Examples, but "
                f"takes { {name: spec.dtype.name for name, spec in inputs.items()} }"
            )
        (self._input,) = inputs
        self._output = self._output_key(output)

    def _output_key(self, output: str | None) -> str:
        outputs = sorted(self._signature.structured_outputs)
        if output is None and len(outputs) == 1:
            return outputs[0]
        if output not in outputs:
            raise ValueError(
                f"{self._path}: {SIGNATURE} returns {outputs}; prediction_output must name one "
                f"of them, not {output!r}"
            )
        return output

    def score(self, examples: list[bytes]) -> np.ndarray:
        """Scores [n, k], float32, of n serialized tf.Examples."""
        import tensorflow as tf

        parts = []
        for start in range(0, len(examples), _INFERENCE_ROWS):
            part = examples[start : start + _INFERENCE_ROWS]
            scores = self._signature(**{self._input: tf.constant(part)})[self._output].numpy()
            if len(scores.shape) not in (1, 2) or len(scores) != len(part):
                raise ValueError(
                    f"{self._path}: output {self._output!r} for {len(part)} examples has shape "
                    f"{scores.shape}; expected [n] or [n, k]"
                )
            parts.append(scores.reshape(len(part), -1).astype(np.float32))
        return np.concatenate(parts) if parts else np.empty((0, 1), np.float32)
