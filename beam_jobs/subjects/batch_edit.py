"""The contract of an edit of stored rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import pyarrow as pa


class Edited(NamedTuple):
    """What an edit makes of a batch.

    Attributes:
      batch: its rows, as many and in order, with their new values. Only the rows that ``changed``
        are looked at and encoded again; all others stay byte by byte.
      changed, removed, moved: bool arrays, one element a row; None for no row. Rows ``removed``
        leave the file; those of them that ``moved`` go to the file that ``BatchEdit.target``
        names.
    """

    batch: pa.RecordBatch
    changed: np.ndarray | None = None
    removed: np.ndarray | None = None
    moved: np.ndarray | None = None

    @property
    def is_same(self) -> bool:
        """Whether the batch is as it was."""
        return not any(x is not None and x.any() for x in (self.changed, self.removed))


class BatchEdit(ABC):
    """Edits stored rows batch by batch; picklable, holds no key."""

    def setup(self) -> None:  # noqa: B027 - most need nothing
        """Called once in each worker, before all else: the place to load keys."""

    def may_touch(self, data: bytes) -> bool:
        """Whether it may change anything in rows whose tf.Examples ``data`` joins. Those for
        which it says False are not decoded."""
        return True

    @abstractmethod
    def edit(self, batch: pa.RecordBatch) -> Edited:
        """Edits a batch of tf.Examples, its columns as in ``beam_jobs.examples``; twice is as
        once."""

    def target(self, path: str, digest: str) -> str:
        """The file, in another folder, for the rows that moved out of ``path``; ``digest`` of
        them and of the path tells it from others."""
        raise NotImplementedError(f"{type(self).__name__} moves no rows")
