"""The job that tells what an edit would do, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from .batch_edit import BatchEdit, Edited
from .edit_files import FileResult, run_over_files
from .file_rows import read_rows


def preview_files(
    paths: Iterable[str], edit: BatchEdit, beam_args: Sequence[str] = ()
) -> list[FileResult]:
    """The results that ``edit_files`` would have, in order of paths.

    Raises:
      DamagedFile: a file is not whole TFRecords.
    """
    found = run_over_files(sorted(set(paths)), _Preview(edit), beam_args)
    return sorted(FileResult(**result) for result in found)


def count_rows(paths: Iterable[str], beam_args: Sequence[str] = ()) -> dict[str, int]:
    """The rows of each file."""
    return {r.path: r.rows_read for r in preview_files(paths, _Nothing(), beam_args)}


class _Nothing(BatchEdit):
    def may_touch(self, data: bytes) -> bool:
        return False

    def edit(self, batch: pa.RecordBatch) -> Edited:
        return Edited(batch)


class _Preview(beam.DoFn):
    def __init__(self, edit: BatchEdit):
        self._edit = edit

    def setup(self) -> None:
        self._edit.setup()

    def process(self, path: str) -> Iterator[dict[str, Any]]:
        decoder = ExamplesToRecordBatchDecoder()
        read = removed = changed = 0
        for rows in read_rows(path):
            read += len(rows)
            if self._edit.may_touch(b"".join(rows)):
                edited = self._edit.edit(decoder.DecodeBatch(rows))
                gone = np.zeros(len(rows), bool) if edited.removed is None else edited.removed
                removed += int(gone.sum())
                changed += 0 if edited.changed is None else int((edited.changed & ~gone).sum())
        yield FileResult(path, read, read - removed, removed, changed)._asdict()
