"""Makes of what an edit finds in files what it means for the places, spans and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..beam_jobs.subjects.edit_files import FileResult
from ..beam_jobs.subjects.pending import Pending
from ..beam_jobs.subjects.receipts import AffectedModel
from ..components.history import History
from .stored_data import StoredData


def touched_by(results: Iterable[FileResult]) -> set[str]:
    """The files in which the edit changes something."""
    return {r.path for r in results if r.rows_removed or r.rows_changed}


def found_in(
    history: History, data: StoredData, results: Iterable[FileResult], changes_own: bool
) -> Pending:
    """What the edit's ``results`` say about the person.

    Args:
      changes_own: the rows that the edit changes are the person's, not others that mention them.
    """
    results = list(results)
    mentioned = {r.path: r.rows_changed for r in results}
    rows = {r.path: r.rows_removed + changes_own * r.rows_changed for r in results}
    touched = touched_by(results)
    spans = {span for span, files in data.spans.items() if not touched.isdisjoint(files)}
    artifacts = {uri for uri, files in data.artifacts.items() if not touched.isdisjoint(files)}
    spans |= {record.span for record in history.all_records() if record.examples in artifacts}
    return Pending(
        rows=_by_place(data, rows),
        mentions={} if changes_own else _by_place(data, mentioned),
        spans=frozenset(spans),
        learned=frozenset(
            span for span, files in data.spans.items() if any(rows.get(file) for file in files)
        ),
    )


def affected_models(history: History, learned: Iterable[str]) -> list[AffectedModel]:
    """The models that learned from one of these spans, also by way of one they go on from."""
    in_service = history.model_in_service()
    affected = []
    for model in history.models():
        line = {span for ancestor in history.ancestry(model) for span in ancestor.trained_on}
        if spans := line.intersection(learned):
            affected.append(
                AffectedModel(
                    model=model.model,
                    span=model.span,
                    learned_from=sorted(spans),
                    in_service=model == in_service,
                )
            )
    return affected


def _by_place(data: StoredData, rows: Mapping[str, int]) -> dict[str, int]:
    sums = {name: sum(rows.get(file, 0) for file in files) for name, files in data.places()}
    return {name: n for name, n in sums.items() if n}
