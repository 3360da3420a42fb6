"""Carries out what a person asks for: erasure, restriction, rectification (GDPR Art. 16 to 18).

In this order: the register, so that late logs cannot bring the person back; then what was found
is noted; then the rows, and what was made of them; last the receipt. A request that was killed
can be made again, and its receipt tells what both have found.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from apache_beam.io.filesystems import FileSystems

from ..beam_jobs import keysets
from ..beam_jobs.subjects import register
from ..beam_jobs.subjects.edit_files import FileResult
from ..beam_jobs.subjects.leftovers import find_leftovers
from ..beam_jobs.subjects.marks import Marks, marks_of
from ..beam_jobs.subjects.pending import Pending, PendingFile
from ..beam_jobs.subjects.preview import preview_files
from ..beam_jobs.subjects.receipts import (
    AffectedModel,
    Held,
    Receipt,
    Receipts,
    signing_key,
)
from ..components.history import BASELINE, History, Revised
from .config import VigilConfig
from .lock import exclusive
from .person_search import affected_models, found_in, touched_by
from .raw_guard import no_raw_data_left
from .run import Progress
from .span_revision import Revision
from .stored_data import HOLDS_NO_ROWS, StoredData, files_below, stored_data
from .subject_orders import Order
from .unreached import unreached


def foretell(
    config: VigilConfig, identifier: str, order_of: Callable[[Marks], Order]
) -> list[Held]:
    """What the order would be carried out on. Changes nothing."""
    order = order_of(marks_of(config.pseudonymizer, identifier))
    with exclusive(config):
        history = History(config.runtime.history_root)
        data = stored_data(config, history)
        return _held(
            order, found_in(history, data, _preview(config, data, order), order.changes_own)
        )


def carry_out(
    config: VigilConfig,
    identifier: str,
    order_of: Callable[[Marks], Order],
    progress: Progress = lambda _: None,
) -> Receipt:
    """Carries out an order for the person with this raw identifier, and signs a receipt.

    Raises:
      Busy: a run, or another request, is writing to the history.
      KeysetError: the keyset cannot be used; nothing was changed.
      ValueError: the policy has no subject field that can hold the identifier.
    """
    marks = marks_of(config.pseudonymizer, identifier)
    order = order_of(marks)
    history = History(config.runtime.history_root)
    receipts = Receipts(history.root)
    with exclusive(config), no_raw_data_left(config.raw_data_root):
        history.sweep()
        register.save(history.root, order.enter(register.load(history.root)))

        progress("looking for the person")
        data = stored_data(config, history)
        results = _preview(config, data, order)
        state = PendingFile(history.root, order.request, marks.tag)
        now = datetime.now(timezone.utc)
        found = found_in(history, data, results, order.changes_own)
        pending = state.load(now).joined(found)
        state.save(pending)

        progress("editing the pipeline's rows")
        number, _ = receipts.head()
        note = Revised(time=now, request=order.request, receipt=number + 1)
        revision = Revision(config, history, order.edit, note, progress)
        touched = touched_by(results)
        in_revisions = {f for span, fs in data.spans.items() if span != BASELINE for f in fs}
        revision.edit_in_place(touched - in_revisions)
        recomputed, not_done = revision.revise(
            {s: [f for f in data.spans.get(s, []) if f in touched] for s in pending.spans}
        )
        if pending.learned and data.training:
            FileSystems.delete(data.training)
            recomputed.append(f"training examples: {len(data.training)} files deleted")

        models = affected_models(history, pending.learned) if order.request == "erase" else []
        not_done += unreached(config, data)
        if order.request == "erase":
            progress("making sure that nothing is left")
            not_done += _left(config, history, marks)
        receipt = receipts.append(
            Receipt(
                number=0,
                time=now,
                request=order.request,
                subject=marks.tag,
                previous=None,
                files=len(results),
                rows=sum(r.rows_read for r in results),
                held=_held(order, pending),
                recomputed=recomputed,
                models=models,
                deadline=_deadline(config, pending.asked, models),
                without_rows=list(HOLDS_NO_ROWS),
                not_done=not_done,
            ),
            signer(config),
        )
        state.clear()
    return receipt


def signer(config: VigilConfig):
    """The private key of the receipts."""
    keyset = keysets.load(config.pseudonymizer.keyset)
    return signing_key(keyset.domain_keys(keyset.primary, config.pseudonymizer.domain))


def _preview(config: VigilConfig, data: StoredData, order: Order) -> list[FileResult]:
    files = [file for file in data.files if order.concerns(file)]
    return preview_files(files, order.edit, config.beam_args)


def _held(order: Order, pending: Pending) -> list[Held]:
    return [
        *(Held(place=name, rows=n, done=order.done) for name, n in pending.rows.items()),
        *(
            Held(place=name, rows=n, done="rows of others: the person taken out of them")
            for name, n in pending.mentions.items()
        ),
    ]


def _deadline(config: VigilConfig, asked: datetime, models: list[AffectedModel]) -> datetime | None:
    trigger = config.policy.triggers.erasure
    if trigger is None or not any(model.in_service for model in models):
        return None
    return asked + timedelta(days=trigger.deadline_days)


def _left(config: VigilConfig, history: History, marks: Marks) -> list[str]:
    """Where a pseudonym of the person still stands, in whatever file."""
    files = [
        file
        for root in (history.root, config.runtime.pipeline_root)
        for file in files_below(root)
        if not file.endswith("/.lock")
    ]
    return [
        f"{file}: a pseudonym of the person still stands in it; delete it, or make it anew"
        for file in find_leftovers(files, [marks], config.beam_args)
    ]
