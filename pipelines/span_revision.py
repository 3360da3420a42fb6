"""Edits the rows of recorded spans, and makes what was made of them anew, the oldest span first."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from ..beam_jobs.drift_statistics.files import forget_rows
from ..beam_jobs.subjects.edit_files import BatchEdit, edit_files
from ..components.baseline_resolver.references import choose_references
from ..components.history import BASELINE, History, Revised, SpanRecord
from .config import VigilConfig
from .recompute import (
    DRIFT,
    has_serving_rows,
    recompute_baseline,
    recompute_drift,
    recompute_span,
)
from .run import Progress
from .stored_data import artifact_roots

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

        The drift report of every span that was compared with a revised one is made anew too.

        Returns:
          What was made anew, and what was not, in words.
        """
        made, kept = [], []
        for root in artifact_roots(self.config) if spans else ():
            forget_rows(root)
        if BASELINE in spans:
            self.progress(_ALL_OF_BASELINE)
            recompute_baseline(self.config, self.history)
            made.append(_ALL_OF_BASELINE)
        complete = []
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
            elif self._is_compared_with(spans, record, complete):
                self._compare_again(record)
                made.append(f"span {record.span}: {DRIFT}")
            if record.complete:
                complete.append(record)
        return made, kept

    def _revise(self, record: SpanRecord, files: list[str]) -> list[str]:
        old = self.history.path(record)

        def change(folder: str) -> list[str]:
            moved = [file.replace(old, folder, 1) for file in files]
            edit_files(moved, self.edit, self.config.beam_args)
            return recompute_span(self.config, self.history, record, folder)

        return self.history.revise(record.span, change, self.note).revised[-1].names

    def _is_compared_with(
        self, spans: Container[str], record: SpanRecord, earlier: list[SpanRecord]
    ) -> bool:
        references = self.config.drift.reference
        chosen = choose_references(earlier, record.window_start, references)
        return any(reference.span in spans for reference in chosen)

    def _compare_again(self, record: SpanRecord) -> None:
        def change(folder: str) -> list[str]:
            recompute_drift(self.config, self.history, record.span, folder)
            return [DRIFT]

        self.history.revise(record.span, change, self.note)
