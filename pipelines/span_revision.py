"""Edits the rows of recorded spans, and makes what was made of them anew, the oldest span first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tfx.dsl.io import fileio

from ..beam_jobs.reports import PrivacyReport
from ..beam_jobs.subjects.edit_files import BatchEdit, edit_files
from ..beam_jobs.subjects.preview import count_rows
from ..components.history import BASELINE, History, Revised, SpanRecord
from .config import VigilConfig
from .recompute import has_serving_rows, recompute_baseline, recompute_drift, recompute_span
from .run import Progress
from .stored_data import is_restricted, rows_below

_ALL_OF_BASELINE = "baseline: statistics, schema, reference"


@dataclass(frozen=True)
class Revision:
    """One edit of stored rows; ``note`` says in each span's record why."""

    config: VigilConfig
    history: History
    edit: BatchEdit
    note: Revised
    progress: Progress

    def edit_in_place(self, files: Iterable[str]) -> None:
        """Of files that are in no revision: the pipeline's own and the baseline's."""
        edit_files(files, self.edit, self.config.beam_args)

    def revise(self, spans: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
        """Revises ``spans``, of which each has these files to edit.

        The drift report of the span after a revised one is made anew too.

        Returns:
          What was made anew, and what was not, in words.
        """
        made, kept = [], []
        if BASELINE in spans:
            self.progress(_ALL_OF_BASELINE)
            recompute_baseline(self.config, self.history)
            made.append(_ALL_OF_BASELINE)
        changed = False
        for record in self.history.all_records():
            if record.span in spans:
                self.progress(f"{record.span}: statistics and reports")
                names = self._revise(record, spans[record.span])
                made.append(f"span {record.span}: {', '.join(names)}")
                if not has_serving_rows(record):
                    kept.append(
                        f"span {record.span}: statistics of its requests and its privacy report "
                        "stay, aggregates over all its rows: the pipeline's own rows are gone"
                    )
            elif changed:
                self._compare_again(record)
                made.append(f"span {record.span}: drift report")
            changed = record.span in spans
        return made, kept

    def _revise(self, record: SpanRecord, files: list[str]) -> list[str]:
        names: list[str] = []
        old = self.history.path(record)

        def change(folder: str) -> None:
            moved = [file.replace(old, folder, 1) for file in files]
            edit_files(moved, self.edit, self.config.beam_args)
            names.extend(recompute_span(self.config, self.history, record, folder))
            if has_serving_rows(record):
                self._count_again(record, folder)
                names.append("privacy report's rows")

        self.history.revise(record.span, change, self._noted("statistics", "drift", "slices"))
        return names

    def _compare_again(self, record: SpanRecord) -> None:
        def change(folder: str) -> None:
            recompute_drift(self.config, self.history, record.span, folder)

        self.history.revise(record.span, change, self._noted("drift"))

    def _noted(self, *names: str) -> Revised:
        return self.note.model_copy(update={"names": list(names)})

    def _count_again(self, record: SpanRecord, folder: str) -> None:
        """Sets the privacy report's rows to those that are there; what was read stays."""
        report = self.history.report(record, "privacy", PrivacyReport)
        if report is None:
            return
        rows = count_rows(rows_below(record.examples), self.config.beam_args)
        restricted = sum(n for file, n in rows.items() if is_restricted(file))
        written = sum(rows.values()) - restricted
        report = report.model_copy(
            update={
                "rows_written": written,
                "rows_restricted": restricted,
                "rows_erased": report.rows_read - written - restricted,
            }
        )
        with fileio.open(os.path.join(folder, "privacy.json"), "w") as file:
            file.write(report.model_dump_json(indent=1))
