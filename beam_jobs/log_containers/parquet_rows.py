"""Apache Parquet: a row a record."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pyarrow as pa

from .arrow_rows import rows
from .compression import Damaged, decompressed, is_compressed, peek, stored
from .contract import Chunk, Extent
from .parquet_decoder import BAD, BATCH, BROKEN, GROUP
from .parquet_process import messages

_MAGIC = b"PAR1"
_MOST_DECOMPRESSED = 4 << 30


def read(extent: Extent) -> Iterator[Chunk]:
    """Rows as dicts of JSON values (see row_values).

    A row group that cannot be decoded, or the rest of it, is one empty record (``bad_parquet``),
    as is a file with a broken footer: the file itself is to be mended. A file that is compressed
    as a whole, or not local, is copied to a temporary file without a name, so that nothing of it
    is left where the process is killed.
    """
    head, _ = peek(stored(extent), len(_MAGIC))
    if "://" not in extent.path and not is_compressed(head):
        if head:
            yield from _chunks(extent.path, extent.size)
        return
    with tempfile.TemporaryFile() as copy:
        try:
            for piece in decompressed(extent):
                copy.write(piece)
                if copy.tell() > _MOST_DECOMPRESSED:
                    break
        except Damaged as error:
            yield Chunk([0], [b""], error.reason, error.cut)
            return
        copy.flush()
        if copy.tell():
            yield from _chunks(f"/proc/{os.getpid()}/fd/{copy.fileno()}", copy.tell())


def _chunks(path: str, size: int) -> Iterator[Chunk]:
    row = 0
    for kind, payload in messages(path, size):
        if kind == GROUP:
            row = int(payload)
        elif kind == BATCH:
            batch = pa.ipc.open_stream(payload).read_next_batch()
            yield from _batch(batch, row)
            row += batch.num_rows
        elif kind == BAD:
            yield Chunk([row], [b""], "bad_parquet")
        elif kind == BROKEN:
            yield Chunk([row], [b""], "bad_parquet", cut=not _ended(path, size))


def _batch(batch: pa.RecordBatch, row: int) -> Iterator[Chunk]:
    records = rows(batch)
    while None in records:
        bad = records.index(None)
        yield Chunk(range(row, row + bad + 1), [*records[:bad], b""], "bad_parquet")
        records, row = records[bad + 1 :], row + bad + 1
    if records:
        yield Chunk(range(row, row + len(records)), records)


def _ended(path: str, size: int) -> bool:
    with open(path, "rb") as file:
        file.seek(max(0, size - len(_MAGIC)))
        return file.read(len(_MAGIC)) == _MAGIC
