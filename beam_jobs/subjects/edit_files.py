"""The job that edits stored rows, file by file."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import orjson
import pyarrow as pa
from apache_beam.coders import BytesCoder
from apache_beam.io.filesystems import FileSystems
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from ..accounting import AccountError, check_identity
from ..engine import job_options
from ..examples import encode_examples, tf_records
from .batch_edit import BatchEdit, Edited
from .file_rows import NewFile, clear, edits_folder, read_rows, sweep

__all__ = ["BatchEdit", "Edited", "FileResult", "edit_file", "edit_files"]


class FileResult(NamedTuple):
    """What an edit did to a file; rows_read = rows_kept + rows_removed.

    Rows that moved to another file are among the removed ones, changed ones among the kept.
    """

    path: str
    rows_read: int
    rows_kept: int
    rows_removed: int
    rows_changed: int


def edit_files(
    paths: Iterable[str], edit: BatchEdit, beam_args: Sequence[str] = ()
) -> list[FileResult]:
    """Applies ``edit`` to TFRecord files of tf.Examples; a result for each, in order of paths.

    A file in which nothing changes is only read. One in which something does is written anew
    beside its folder, in ``.edits``, and then put in place of the old one: on filesystems whose
    rename is atomic, readers see the old file or the new one. Name and compression (gzip where
    the name ends in ``.gz``) stay; a file that loses all its rows stays as an empty one.

    A worker that dies leaves its file as it was, or done; so running it again is right. Two
    edits of one file at a time are not: the second would undo the first.

    Raises:
      DamagedFile: a file is not whole TFRecords; it is left as it was.
      AccountError: a row or a file went missing.
    """
    paths = sorted(set(paths))
    results = [FileResult(**result) for result in run_over_files(paths, _EditFile(edit), beam_args)]
    if sorted(result.path for result in results) != paths:
        raise AccountError(f"{len(paths)} files to edit, but results of {len(results)}")
    return sorted(results)


def edit_file(path: str, edit: BatchEdit) -> FileResult:
    """Applies an ``edit`` that is set up to one file; see ``edit_files``."""
    sweep(path)
    try:
        counts = _untouched(path, edit) or _Rewrite(path, edit).run()
    except BaseException:
        sweep(path)
        raise
    check_identity(counts, "rows_read", ["rows_kept", "rows_removed"])
    return FileResult(path, *(counts[name] for name in FileResult._fields[1:]))


def run_over_files(
    paths: Sequence[str], work: beam.DoFn, beam_args: Sequence[str]
) -> list[dict[str, Any]]:
    """What ``work`` yields for the paths, as JSON: handed over by files beside the first path's
    folder, which are gone afterwards."""
    if not paths:
        return []
    clear(paths)
    folder = f"{edits_folder(paths[0])}/results-{uuid.uuid4().hex}"
    try:
        with beam.Pipeline(options=job_options(beam_args)) as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(paths)
                | "Spread" >> beam.Reshuffle()
                | "Work" >> beam.ParDo(work)
                | "ToJson" >> beam.Map(orjson.dumps)
                | "WriteResults" >> beam.io.WriteToText(f"{folder}/part", coder=BytesCoder())
            )
        return list(_lines(folder))
    finally:
        if left := _files(folder):
            FileSystems.delete(left)
        clear(paths)


def _lines(folder: str) -> Iterator[dict[str, Any]]:
    for path in _files(folder):
        with FileSystems.open(path) as file:
            yield from map(orjson.loads, file.read().splitlines())


def _files(folder: str) -> list[str]:
    return [file.path for file in FileSystems.match([f"{folder}/**"])[0].metadata_list]


class _EditFile(beam.DoFn):
    def __init__(self, edit: BatchEdit):
        self._edit = edit

    def setup(self) -> None:
        self._edit.setup()

    def process(self, path: str) -> Iterator[dict[str, Any]]:
        yield edit_file(path, self._edit)._asdict()


def _untouched(path: str, edit: BatchEdit) -> Counter[str] | None:
    """The counts of a file in which nothing is to change, None for any other."""
    read = 0
    for rows, edited in _edits(path, edit):
        if edited and not edited.is_same:
            return None
        read += len(rows)
    return Counter(rows_read=read, rows_kept=read)


def _edits(path: str, edit: BatchEdit) -> Iterator[tuple[list[bytes], Edited | None]]:
    """The rows of a file in batches, and what the edit makes of them; None for nothing."""
    decoder = ExamplesToRecordBatchDecoder()
    for rows in read_rows(path):
        touched = edit.may_touch(b"".join(rows))
        yield rows, edit.edit(decoder.DecodeBatch(rows)) if touched else None


class _Rewrite:
    """Writes a file anew, and the file of what moves out of it."""

    def __init__(self, path: str, edit: BatchEdit):
        self._path = path
        self._edit = edit
        self._moved: NewFile | None = None

    def run(self) -> Counter[str]:
        kept = NewFile(self._path)
        counts: Counter[str] = Counter()
        for rows, edited in _edits(self._path, self._edit):
            counts["rows_read"] += len(rows)
            if edited is not None:
                rows = self._apply(rows, edited, counts)
            kept.write(tf_records(rows))
            counts["rows_kept"] += len(rows)
        kept.close()
        # First what moves: a worker that dies in between loses no row, and does both again.
        if self._moved:
            self._moved.close()
            self._moved.rename(self._edit.target(self._path, self._moved.digest))
        kept.rename(self._path)
        return counts

    def _apply(self, rows: list[bytes], edited: Edited, counts: Counter[str]) -> list[bytes]:
        """The rows that stay."""
        none = np.zeros(len(rows), bool)
        removed = none if edited.removed is None else edited.removed
        changed = none if edited.changed is None else edited.changed & ~removed
        counts["rows_removed"] += int(removed.sum())
        counts["rows_changed"] += int(changed.sum())
        if edited.moved is not None and edited.moved.any():
            self._moved = self._moved or NewFile(self._path)
            self._moved.write(tf_records([rows[i] for i in np.flatnonzero(edited.moved)]))
        if changed.any():
            rows = list(rows)
            at = np.flatnonzero(changed)
            for i, row in zip(at, encode_examples(edited.batch.take(pa.array(at))), strict=True):
                rows[i] = row
        return [rows[i] for i in np.flatnonzero(~removed)]
