"""Makes a span's privacy report anew, after its rows have changed."""

from __future__ import annotations

import os

from tfx.dsl.io import fileio

from ..beam_jobs.reports import PrivacyReport
from ..beam_jobs.stored_risk import stored_risk
from ..beam_jobs.subjects.preview import count_rows
from ..components.history import SpanRecord
from .config import VigilConfig
from .stored_data import is_restricted, rows_below


def recompute_privacy(config: VigilConfig, record: SpanRecord, folder: str, scratch: str) -> bool:
    """Sets rows and risk in ``folder/privacy.json`` to those of the rows that the pipeline keeps.

    How many rows were read stays, and so does how each field was treated.

    Args:
      scratch: a folder for the job's own files.

    Returns:
      Whether the span has a privacy report.
    """
    path = os.path.join(folder, "privacy.json")
    if not fileio.exists(path):
        return False
    with fileio.open(path, "r") as file:
        report = PrivacyReport.model_validate_json(file.read())
    files = rows_below(record.examples)
    aside = [file for file in files if is_restricted(file)]
    splits = {file.split("/")[-2] for file in files if file not in aside}
    patterns = {
        split.removeprefix("Split-"): f"{record.examples}/{split}/*" for split in sorted(splits)
    }
    found = stored_risk(config.pseudonymizer, patterns, f"{scratch}/risk", config.beam_args)
    restricted = sum(count_rows(aside, config.beam_args).values())
    written = sum(found.rows.values())
    report = report.model_copy(
        update={
            "rows_written": written,
            "rows_restricted": restricted,
            "rows_erased": report.rows_read - written - restricted,
            "risk": found.risk,
        }
    )
    with fileio.open(path, "w") as file:
        file.write(report.model_dump_json(indent=1))
    return True
