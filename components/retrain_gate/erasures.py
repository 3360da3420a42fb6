"""Erasures of people whom the model in service learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...beam_jobs.subjects.receipts import Receipts
from ..history import History, ModelInService


@dataclass(frozen=True)
class Erasure:
    """``model``, which is in service, learned from the person whom ``receipt`` is about.

    ``deadline``: until when the receipt says that it must be replaced, if it does.
    """

    model: str
    receipt: int
    time: datetime
    deadline: datetime | None = None

    def due(self, days: float) -> datetime:
        """The deadline, or else ``days`` after the erasure."""
        return self.deadline or self.time + timedelta(days=days)


def read_erasures(history: History, span: str) -> tuple[Erasure, ...]:
    """The erasures that the model in service when ``span`` began has not heeded, oldest first.

    Retraining ends them: from then on another model is in service, unless it was fine-tuned from
    one that learned from the person.
    """
    in_service = history.model_in_service(before=span)
    return unheeded(history, in_service) if in_service else ()


def read_all_erasures(
    history: History, span: str
) -> tuple[tuple[Erasure, ...], tuple[Erasure, ...]]:
    """The same, and those that the model which served before has not heeded."""
    previous = history.previous_model(before=span)
    return read_erasures(history, span), unheeded(history, previous) if previous else ()


def unheeded(history: History, model: ModelInService) -> tuple[Erasure, ...]:
    """The erasures of people whom ``model``, or one it goes on from, learned from."""
    origins = {ancestor.span for ancestor in history.ancestry(model)}
    line = {known.model for known in history.models() if known.span in origins}
    return tuple(
        Erasure(model.model, receipt.number, receipt.time, receipt.deadline)
        for receipt in Receipts(history.root).all()
        if receipt.request == "erase" and not line.isdisjoint(m.model for m in receipt.models)
    )


def owed(erasures: Sequence[Erasure], days: float, now: datetime) -> str:
    """In words: which model must be replaced by when, and why."""
    due = min(erasure.due(days) for erasure in erasures)
    people = f"{len(erasures)} people" if len(erasures) > 1 else "a person"
    numbers = ", ".join(str(erasure.receipt) for erasure in erasures)
    receipts = f"receipt{'s' if len(erasures) > 1 else ''} {numbers}"
    overdue = ", which is OVERDUE" if now > due else ""
    return (
        f"model {erasures[0].model} learned from {people} erased since ({receipts}): it must be "
        f"replaced by {due:%Y-%m-%d}{overdue}"
    )
