"""Moves the pseudonyms in all stored rows to the primary key version."""

from __future__ import annotations

from ..beam_jobs.privacy_methods.contract import Pseudonym
from ..beam_jobs.rewrap import Rewrap
from ..beam_jobs.rewrap_data import RewrapReport, held_versions
from ..beam_jobs.subjects.edit_files import edit_files
from ..beam_jobs.subjects.preview import preview_files
from ..components.history import BASELINE, History
from .config import VigilConfig
from .lock import exclusive
from .person_search import touched_by
from .recompute import recompute_span
from .run import Progress
from .stored_data import stored_data


def rewrap_stored(config: VigilConfig, progress: Progress = lambda _: None) -> RewrapReport:
    """Rewraps the rows of the history and of the pipeline's runs, in place.

    Where a pseudonym is among the measured columns, the span's documents are made anew. One that
    is killed can be run again.

    Raises:
      Busy: a run, or a request of a person, is writing to the history.
      KeysetError: the keyset cannot be used; nothing was changed.
    """
    edit, history = Rewrap(config.pseudonymizer), History(config.runtime.history_root)
    methods = map(config.pseudonymizer.method_of, config.monitored_columns)
    is_measured = any(isinstance(method, Pseudonym) for method in methods)
    with exclusive(config):
        history.sweep()
        progress("looking for pseudonyms of other key versions")
        data = stored_data(config, history)
        results = preview_files(data.files, edit, config.beam_args)
        touched = touched_by(results)
        in_place = [*data.artifacts.values(), data.spans[BASELINE]]
        progress("the pipeline's rows")
        edit_files(
            [file for files in in_place for file in files if file in touched],
            edit,
            config.beam_args,
        )
        for record in history.all_records():
            files = [file for file in data.spans[record.span] if file in touched]

            def change(folder: str, record=record, files=files) -> list[str]:
                old = history.path(record)
                moved = [file.replace(old, folder, 1) for file in files]
                edit_files(moved, edit, config.beam_args)
                return recompute_span(config, history, record, folder) if is_measured else []

            if files:
                progress(f"{record.span}: its rows")
                history.revise(record.span, change)
        left = held_versions(
            config.pseudonymizer, stored_data(config, history).files, config.beam_args
        )
    return RewrapReport(
        version=edit.primary,
        files=len(results),
        rows=sum(result.rows_read for result in results),
        rows_changed=sum(result.rows_changed for result in results),
        unreadable=[held for held in left if held.version != edit.primary],
    )
