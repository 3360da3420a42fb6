"""Carries out what a person asks for: erasure, restriction, rectification (GDPR Art. 16 to 18).

In this order: the register, so that late logs cannot bring the person back; then what was found
is noted; then the rows, and the documents that were made of them; last the receipt. A request
that was killed can be made again, and its receipt tells what both have found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from apache_beam.io.filesystems import FileSystems
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..beam_jobs import keysets
from ..beam_jobs.subjects import register
from ..beam_jobs.subjects.edit_files import BatchEdit, FileResult, edit_files
from ..beam_jobs.subjects.erase import Erase
from ..beam_jobs.subjects.leftovers import find_leftovers
from ..beam_jobs.subjects.marks import Marks, marks_of
from ..beam_jobs.subjects.pending import Pending, PendingFile
from ..beam_jobs.subjects.preview import preview_files
from ..beam_jobs.subjects.receipts import (
    AffectedModel,
    Held,
    Receipt,
    Receipts,
    Request,
    signing_key,
)
from ..beam_jobs.subjects.register import SubjectRegister
from ..beam_jobs.subjects.restrict import Lift, Restrict
from ..components.history import BASELINE, History, Revised
from .config import VigilConfig
from .lock import exclusive
from .run import Progress, purge
from .span_revision import revise_spans
from .stored_data import HOLDS_NO_ROWS, StoredData, is_restricted, stored_data

@dataclass(frozen=True)
class Order:
    """What a request does.

    Attributes:
      done: what then has been done to the rows, in a word.
      edit: of the files that are ``concerned``.
      register: what becomes of the register.
    """

    request: Request
    done: str
    edit: BatchEdit
    concerned: Callable[[str], bool] = lambda file: True
    register: Callable[[SubjectRegister], SubjectRegister] = lambda register: register


def erasure(marks: Marks) -> Order:
    return Order("erase", "erased", Erase([marks]), register=lambda r: r.with_erased(marks.tag))


def restriction(marks: Marks) -> Order:
    return Order(
        "restrict",
        "kept aside",
        Restrict([marks]),
        lambda file: not is_restricted(file),
        lambda r: r.with_restricted(marks.tag),
    )


def lifting(marks: Marks) -> Order:
    return Order(
        "lift", "in use again", Lift([marks]), is_restricted, lambda r: r.without_restricted(marks.tag)
    )
