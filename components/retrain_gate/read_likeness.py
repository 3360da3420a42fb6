"""Reads the samples of rows that a training plan compares."""

from __future__ import annotations

from ...beam_jobs.drift_statistics.files import read_statistics
from ..history import History
from .span_likeness import Likeness, likeness
from .training_policy import COMPARING, TrainingPolicy

STATISTICS, LABELLED = "statistics", "labelled"


def read_likenesses(
    policy: TrainingPolicy, history: History, span: str, statistics: str
) -> dict[str, Likeness]:
    """Span -> how much its labelled rows are like those of ``span``; of spans before it.

    Nothing where the strategy does not compare. Spans without a sample, or with too few rows, are
    left out.

    Args:
      statistics: folder of the statistics of ``span`` (see ``statistics_places``).
    """
    if policy.strategy not in COMPARING:
        return {}
    current = read_statistics(statistics, LABELLED)
    if current is None or current.rows is None:
        return {}
    found = {}
    for record in history.spans(before=span)[-policy.compared :]:
        earlier = read_statistics(history.path(record, STATISTICS), LABELLED)
        if earlier is not None and earlier.rows is not None:
            alike = likeness(earlier.rows, current.rows, policy.features, policy.label)
            if alike:
                found[record.span] = alike
    return found
