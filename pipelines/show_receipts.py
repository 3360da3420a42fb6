"""Receipts on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .console import Cells, screen

if TYPE_CHECKING:
    from ..beam_jobs.subjects.receipts import Held, Receipt


def show_receipts(found: Iterable[Receipt]) -> None:
    """One line a receipt."""
    table = Cells("receipt", "time", "request", "person", "rows", "models", "replace by")
    for receipt in found:
        table.add_row(
            str(receipt.number),
            f"{receipt.time:%Y-%m-%d %H:%M} UTC",
            receipt.request,
            receipt.subject[:8],
            f"{sum(held.rows for held in receipt.held):,}",
            str(len(receipt.models)),
            f"{receipt.deadline:%Y-%m-%d}" if receipt.deadline else "",
        )
    screen.print(table)


def show_receipt(receipt: Receipt, as_json: bool) -> None:
    """What was done for a person, and what was not."""
    if as_json:
        print(receipt.model_dump_json(indent=1))
        return
    show_held(receipt.held, "" if receipt.held else "Nothing of this person was held.")
    for made in receipt.recomputed:
        screen.print(f"made anew: {made}", markup=False)
    for model in receipt.models:
        state = "in service" if model.in_service else "no longer in service"
        spans = ", ".join(model.learned_from)
        screen.print(f"model {model.model} ({state}) learned from {spans}", markup=False)
    if receipt.deadline:
        screen.print(
            f"The model in service must be replaced by {receipt.deadline:%Y-%m-%d}; the next run "
            "asks for it.",
            style="bold",
            markup=False,
        )
    for left in receipt.not_done:
        screen.print(f"not done: {left}", markup=False)
    screen.print(f"Receipt {receipt.number} of person {receipt.subject[:8]}.", markup=False)


def show_held(held: list[Held], note: str) -> None:
    """Where rows of a person are."""
    if held:
        table = Cells("place", "rows", "")
        for each in held:
            table.add_row(each.place, f"{each.rows:,}", each.done)
        screen.print(table)
    if note:
        screen.print(note, markup=False)
