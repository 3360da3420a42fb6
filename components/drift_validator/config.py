"""The parameters of DriftValidator."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from ...beam_jobs.evaluation_config import Task
from ...beam_jobs.parameters import Parameters
from .detectors import DetectorsConfig

Distance = Literal[
    "jensen_shannon_divergence",
    "location",
    "spread",
    "infinity_norm",
    "new_values",
    "missing_rate_difference",
    "normalized_abs_difference",
    "number_of_examples",
]


class Floors(Parameters):
    """Differences too small to matter, however many rows confirm them.

    Attributes:
      jensen_shannon_divergence: bits; 0.002 is a shift of the mean of a normal law by about 0.1
        standard deviations.
      location: 0.02 is such a shift by 0.07 standard deviations.
      spread: 0.05 is a change of its standard deviation by about 5 %.
      infinity_norm, new_values, missing_rate_difference: shares of rows.
      number_of_examples: 0.5 is half as many rows again, or a third fewer.
    """

    jensen_shannon_divergence: float = Field(default=0.002, ge=0, le=1)
    location: float = Field(default=0.02, ge=0, le=0.5)
    spread: float = Field(default=0.05, ge=0)
    infinity_norm: float = Field(default=0.02, ge=0, le=1)
    new_values: float = Field(default=0.005, ge=0, le=1)
    missing_rate_difference: float = Field(default=0.01, ge=0, le=1)
    number_of_examples: float = Field(default=0.5, ge=0)


class DriftConfig(Parameters):
    """What is compared, and when a difference counts as drift.

    Attributes:
      splits: splits of the current statistics, in order: a feature is compared on the first one
        that holds it. Empty: all splits, in the artifact's order.
      training_split: the split of the training statistics to compare with; where they have only
        one, that one.
      slices: features to slice by, or that given statistics were sliced by, each inner list one
        crossing.
      features: the columns to measure; every column that ``ignore`` does not name when empty.
      codes: integers that are categories, besides those that the schema declares.
      task: how errors are told from predictions and labels; none are where None.
      positive_class: the label value that counts as 1 in a binary classification; without it
        labels are 0 and 1.
      time: the column of event times, in microseconds, by which errors are in order.
      sample_rows: a sample of 10,000 rows is kept beside the statistics, for what no single
        feature's distribution tells.
      prediction: the prediction's column; drift on it alone asks for action.
      label: the label's column; likewise.
      ground_truth: further columns that arrive with the label, so are missing where no label
        has come yet.
      training_names: what the training statistics and the schema call a column that has another
        name in the log, such as ``{"label": "tips"}``.
      ignore: patterns of columns that are neither compared nor validated.
      expected: patterns of columns that may be absent from the schema, besides ``prediction``,
        ``label`` and ``ground_truth``.
      alpha: the chance that a report on data without drift raises any alarm, at most, and the
        share of false alarms among all. The default is three or four false alarms a year on daily
        reports.
      min_rows: a slice, or a feature's values, with fewer rows on either side gets no verdict.
      min_group_rows: slices and values with fewer rows on a side are named nowhere, only counted.
      bins: about how many bins a numeric feature is compared on.
      floors: differences below them are never drift.
      thresholds: fixed thresholds by feature (``*``: every feature) and distance, such as
        ``{"*": {"infinity_norm": 0.1}}``; they replace floor and noise. The number of examples is
        the feature ``*``'s; ``normalized_abs_difference`` (as TFDV's) is only taken where it has a
        threshold.
      detectors: of what no single feature's distribution tells.
      act_spans: drift that is found in so many spans in a row asks for action.
    """

    splits: list[str] = []
    training_split: str = "train"
    slices: list[list[str]] = []
    features: list[str] = []
    codes: list[str] = []
    task: Task | None = None
    positive_class: str | None = None
    time: str = "log_event_time"
    sample_rows: bool = True
    prediction: str = "prediction"
    label: str = "label"
    ground_truth: list[str] = []
    training_names: dict[str, str] = {}
    ignore: list[str] = ["log_*"]
    expected: list[str] = []
    alpha: float = Field(default=0.01, gt=0, lt=1)
    min_rows: int = Field(default=50, ge=2)
    min_group_rows: int = Field(default=10, ge=1)
    bins: int = Field(default=10, ge=2)
    floors: Floors = Floors()
    thresholds: dict[str, dict[Distance, float]] = {}
    detectors: DetectorsConfig = DetectorsConfig()
    act_spans: int = Field(default=2, ge=1)

    def ignores(self, feature: str) -> bool:
        return any(fnmatchcase(feature, pattern) for pattern in self.ignore)

    def comes_late(self, feature: str) -> bool:
        """Whether the column arrives with the ground truth."""
        return feature in (self.label, *self.ground_truth)

    def needs_no_schema(self, feature: str) -> bool:
        return (
            feature == self.prediction
            or self.comes_late(feature)
            or any(fnmatchcase(feature, pattern) for pattern in self.expected)
        )

    def fixed_threshold(self, feature: str, distance: Distance) -> float | None:
        for name in (feature, "*"):
            if distance in self.thresholds.get(name, {}):
                return self.thresholds[name][distance]
        return None
