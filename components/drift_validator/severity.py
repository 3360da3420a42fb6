"""How bad a finding is: none, watch or act.

    finding                                               one span     act_spans in a row
    broken: a feature is missing or of another type       act          act
    seasonal                                              watch        watch
    prediction, label or risen errors, on all rows,
      at least twice the threshold                        act          act
    prediction, label or risen errors, otherwise          watch        act
    an input on all rows; a correlation; the rows
      told apart by a classifier                          watch        act
    an input on slices only; the number of rows;
      fallen errors                                       watch        watch

One bad span is a watch: a holiday, an outage or a campaign is over before a model is retrained
for it. What cannot wait is data that the model was never meant to get, and a large change of what
it predicts or how wrong it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...beam_jobs.reports import DriftFinding, Severity
from ...beam_jobs.slices import OVERALL
from .config import DriftConfig

SEVERITIES: tuple[Severity, ...] = ("none", "watch", "act")
MATERIAL = 2.0
"""So many times its threshold a change of prediction, label or errors is not waited out."""

_HARMLESS = ("more_rows", "fewer_rows", "errors_fell")


def severity_of(found: DriftFinding, config: DriftConfig) -> Severity:
    """The severity of one finding, by the table above."""
    if found.kind == "broken":
        return "act"
    if found.seasonal or found.kind in _HARMLESS:
        return "watch"
    everywhere = OVERALL in found.slices
    outcome = found.kind == "errors_rose" or found.feature in (config.prediction, config.label)
    if outcome and everywhere and (found.times_threshold or 0) >= MATERIAL:
        return "act"
    lasting = found.spans >= config.act_spans
    return "act" if lasting and (outcome or everywhere) else "watch"


def worst(severities: Iterable[Severity]) -> Severity:
    return max(severities, key=SEVERITIES.index, default="none")
