"""The parameters of DriftValidator."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from ...beam_jobs.parameters import Parameters

Distance = Literal["jensen_shannon_divergence", "infinity_norm", "missing_rate_difference"]


class Floors(Parameters):
    """Differences too small to matter, however many rows confirm them.

    Jensen-Shannon divergence is in bits: 0.02 is a shift of the mean by about 0.4 standard
    deviations. The other two are differences between shares of rows.
    """

    jensen_shannon_divergence: float = Field(default=0.02, ge=0, le=1)
    infinity_norm: float = Field(default=0.05, ge=0, le=1)
    missing_rate_difference: float = Field(default=0.05, ge=0, le=1)


class DriftConfig(Parameters):
    """What is compared, and when a difference counts as drift.

    Attributes:
      splits: splits of the current statistics, in order: a feature is compared on the first one
        that holds it. Empty: all splits, in the artifact's order.
      training_split: the split of the training statistics to compare with; where they have only
        one, that one.
      slices: features the statistics were sliced by, each inner list one crossing. As given to
        ``beam_jobs.slice_statistics.stats_options``.
      prediction: the prediction's column; drift on it alone asks for action.
      label: the label's column; likewise.
      ground_truth: further columns that arrive with the label, so are missing where no label
        has come yet.
      training_names: what the training statistics and the schema call a column that has another
        name in the log, such as ``{"label": "tips"}``.
      ignore: patterns of columns that are neither compared nor validated.
      expected: patterns of columns that may be absent from the schema, besides ``prediction``,
        ``label`` and ``ground_truth``.
      alpha: the chance that a report on data without drift raises any alarm, at most. The
        default is three or four false alarms a year on daily reports.
      min_rows: a slice, or a feature's values, with fewer rows on either side gets no verdict.
      min_group_rows: slices and values with fewer rows on a side are named nowhere, only counted.
      bins: about how many bins a numeric feature is compared on.
      floors: differences below them are never drift.
      thresholds: fixed thresholds by feature (``*``: every feature) and distance, such as
        ``{"*": {"infinity_norm": 0.1}}``; they replace floor and sampling noise.
      act_spans: drift that is found in so many spans in a row asks for action.
    """

    splits: list[str] = []
    training_split: str = "train"
    slices: list[list[str]] = []
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
