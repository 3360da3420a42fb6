"""What the detectors look at, out of the files of statistics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ...beam_jobs.drift_statistics.error_stream import ERROR, TIME
from ...beam_jobs.drift_statistics.files import SplitStatistics
from .config import DriftConfig
from .detectors import ErrorStream, Rows
from .inputs import Reference, Splits


def row_samples(
    current: Splits,
    training: SplitStatistics | None,
    references: Sequence[Reference],
    config: DriftConfig,
) -> list[Rows]:
    """The samples of each split, beside those of training, the newest and all references.

    A later split's pairs of columns are looked at where they tell something that the first split
    does not have, such as the label.
    """
    found: list[Rows] = []
    seen: set[str] = set()
    for split, statistics in current.items():
        if statistics.rows is None or not statistics.rows.num_rows:
            continue
        columns = [n for n in statistics.rows.column_names if not config.ignores(n)]
        news = [name for name in columns if name not in seen]
        seen.update(columns)
        earlier = [r.splits[split].rows for r in references if split in r.splits]
        earlier = [rows for rows in earlier if rows is not None and rows.num_rows]
        baselines = {
            "training": training and _renamed(training.rows, config),
            "previous": earlier[-1] if earlier else None,
            "reference": _together(earlier) if len(earlier) > 1 else None,
        }
        for against, rows in baselines.items():
            if rows is not None and rows.num_rows and news:
                found.append(Rows(rows, statistics.rows, split, against, columns, news))
    return found


def error_stream(
    current: Splits, training: SplitStatistics | None, references: Sequence[Reference] | None
) -> ErrorStream | None:
    """The errors of the first split that has any, after those of the reference spans; where there
    is no such thing as a span, after those of ``training``."""
    for split, statistics in current.items():
        if statistics.errors is None or not statistics.errors.num_rows:
            continue
        spans = [r.splits[split].errors for r in references or () if split in r.splits]
        if references is None and training is not None:
            spans = [training.errors]
        parts = [errors for errors in spans if errors is not None and errors.num_rows]
        parts.append(statistics.errors)
        starts = np.cumsum([0, *(part.num_rows for part in parts[:-1])]).tolist()
        times, errors = (
            np.concatenate([part[name].to_numpy() for part in parts]) for name in (TIME, ERROR)
        )
        return ErrorStream(times, errors.astype(float), starts, split)
    return None


def _renamed(rows: pa.Table | None, config: DriftConfig) -> pa.Table | None:
    if rows is None:
        return None
    log_names = {name: log_name for log_name, name in config.training_names.items()}
    return rows.rename_columns([log_names.get(name, name) for name in rows.column_names])


def _together(samples: Sequence[pa.Table]) -> pa.Table:
    """The columns that all of them have, of one type."""
    names = [
        name
        for name in samples[0].column_names
        if all(name in each.column_names for each in samples)
        and len({each.schema.field(name).type for each in samples}) == 1
    ]
    return pa.concat_tables([each.select(names) for each in samples])
