"""The orders that a person can give about the rows that are theirs (GDPR Art. 16 to 18)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..beam_jobs.subjects.batch_edit import BatchEdit
from ..beam_jobs.subjects.erase import Erase
from ..beam_jobs.subjects.marks import Marks
from ..beam_jobs.subjects.receipts import Request
from ..beam_jobs.subjects.rectify import Rectify, treated_value
from ..beam_jobs.subjects.register import SubjectRegister
from ..beam_jobs.subjects.restrict import Lift, Restrict
from .config import VigilConfig
from .stored_data import is_restricted


@dataclass(frozen=True)
class Order:
    """What a request does to the rows of one person.

    Attributes:
      done: what then has been done to them, in words.
      changes_own: rows that the edit changes are the person's, not others that mention them.
      concerns: whether the edit is for a file.
      enter: what becomes of the register.
    """

    request: Request
    done: str
    edit: BatchEdit
    changes_own: bool = True
    concerns: Callable[[str], bool] = lambda file: True
    enter: Callable[[SubjectRegister], SubjectRegister] = lambda register: register


def erasure(marks: Marks) -> Order:
    """The person's rows go, and so does the person from rows of others."""
    return Order(
        "erase",
        "erased",
        Erase([marks]),
        changes_own=False,
        enter=lambda r: r.with_erased(marks.tag),
    )


def restriction(marks: Marks) -> Order:
    """The person's rows stay, and nothing is made of them any more."""
    return Order(
        "restrict",
        "kept aside",
        Restrict([marks]),
        concerns=lambda file: not is_restricted(file),
        enter=lambda r: r.with_restricted(marks.tag),
    )


def lifting(marks: Marks) -> Order:
    """A restriction's end."""
    return Order(
        "lift",
        "used again",
        Lift([marks]),
        concerns=is_restricted,
        enter=lambda r: r.without_restricted(marks.tag),
    )


def rectification(
    config: VigilConfig, identifier: str, field: str, value: str
) -> Callable[[Marks], Order]:
    """Another value in all of the person's rows that have one; treated as the policy says.

    Raises:
      PrivacyError: the value breaks the policy, or does not suit the field's method.
      ValueError: the policy keeps nothing of the field.
    """
    treated = treated_value(config.pseudonymizer, identifier, field, value)
    return lambda marks: Order("rectify", f"{field} put right", Rectify([marks], field, treated))
