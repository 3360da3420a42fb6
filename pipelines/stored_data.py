"""Where rows of people are stored.

    history        labelled and restricted rows of each span, and the baseline's examples
    pipeline root  Examples artifacts: the folders ``Split-*``, of all runs

Training Examples have no field that names a person: their files are deleted where the person may
be in them, a later run makes them anew. Raw data and what killed runs have left is deleted before
anything is searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from apache_beam.io.filesystems import FileSystems

from ..beam_jobs.subjects.places import RESTRICTED
from ..components.history import BASELINE, History
from ..components.span_recorder.executor import LABELLED
from .config import VigilConfig

_ROWS = re.compile(
    r"(?P<artifact>.*)/Split-(?P<split>[^/]+)/(?!rows\.parquet|errors\.parquet)[^/]+(?<!\.pb)$"
)
_TRAINING = re.compile(r"/TrainingExamples[^/]*/")
HOLDS_NO_ROWS = (
    "statistics, drift, slice and privacy reports, decisions: aggregates over rows",
    "samples of rows beside statistics: deleted where rows change, and drawn anew where they are",
    "evaluations (TFMA): metrics of slices",
    "dead letters: file, offset and reason of a record, not the record",
    "labels that wait for their request: none is stored, ingest reads the ground truth again",
    "metadata (MLMD): names and places of artifacts",
    "raw logs as read: deleted by each run, and before this search",
)
"""What else is kept of a run, and why nobody's rows are in it."""


@dataclass(frozen=True)
class StoredData:
    """Files with rows, by place.

    Attributes:
      spans: span, or ``baseline`` -> its files in the history.
      artifacts: URI of an Examples artifact -> its files.
      training: files of training Examples.
      unsearched: places that cannot be read from here, and why.
    """

    spans: Mapping[str, list[str]]
    artifacts: Mapping[str, list[str]]
    training: list[str] = field(default_factory=list)
    unsearched: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        """Every file in which people can be found."""
        return [file for _, files in self.places() for file in files]

    def places(self) -> Iterator[tuple[str, list[str]]]:
        """Each place's name and files."""
        for span, files in self.spans.items():
            yield (span if span == BASELINE else f"span {span}"), files
        for uri, files in self.artifacts.items():
            yield "/".join(uri.split("/")[-3:]), files


def stored_data(config: VigilConfig, history: History) -> StoredData:
    """All files with rows of the history and of the pipeline's runs."""
    spans = {BASELINE: _matches(history.baseline_path("examples", "Split-*", "*"))}
    for record in history.all_records():
        spans[record.span] = [
            file
            for folder in (LABELLED, RESTRICTED)
            for file in _matches(history.path(record, folder, "*"))
        ]
    artifacts: dict[str, list[str]] = {}
    training, unsearched = [], []
    for root in artifact_roots(config):
        try:
            files = files_below(root)
        except Exception as error:
            unsearched.append(f"{root}: cannot be read from here ({type(error).__name__})")
            continue
        for file in files:
            if not (found := _ROWS.fullmatch(file)):
                continue
            if _TRAINING.search(file):
                training.append(file)
            else:
                artifacts.setdefault(found["artifact"], []).append(file)
    return StoredData(spans, artifacts, training, unsearched)


def rows_below(uri: str) -> list[str]:
    """The files with rows of the Examples artifact at ``uri``."""
    return [file for file in _matches(f"{uri}/Split-*/*") if _ROWS.fullmatch(file)]


def files_below(root: str) -> list[str]:
    """Every file at any depth."""
    return _matches(f"{root}/**")


def is_restricted(file: str) -> bool:
    """Whether the rows of ``file`` are kept aside."""
    return file.split("/")[-2].removeprefix("Split-") == RESTRICTED


def artifact_roots(config: VigilConfig) -> list[str]:
    cluster = config.kubeflow and config.kubeflow.pipeline_root
    return [config.runtime.pipeline_root, *([cluster] if cluster else [])]


def _matches(pattern: str) -> list[str]:
    return sorted(match.path for match in FileSystems.match([pattern])[0].metadata_list)
