"""Decodes Parquet files in a process of its own: pyarrow dies of some that are damaged.

Reads lines of JSON, ``[path, size, first row group]``, from standard input, and writes messages
to standard output: a byte of kind, eight bytes of length (little endian), the payload. GROUP: a
row group begins; the number of its first row. BATCH: rows of it, an Arrow IPC stream. BAD: what
is left of it cannot be decoded. BROKEN: the footer cannot. END: that was the file.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import struct
import sys
from contextlib import suppress
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

with suppress(ImportError):
    import pyarrow_hotfix  # noqa: F401 - old pyarrow would unpickle what a file holds

GROUP, BATCH, BAD, BROKEN, END = b"G", b"B", b"D", b"F", b"E"
HEAD = struct.Struct("<cQ")
_BATCH_ROWS = 4096
_BATCH_BYTES = 16 << 20
_MEMORY = 4 << 30


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for request in sys.stdin.buffer:
        path, size, first = json.loads(request)
        _limit(_MEMORY + size)
        try:
            _decode(path, size, first, answers)
        except BrokenPipeError:
            return
        except Exception:
            _send(answers, BROKEN)
        _send(answers, END)


def _limit(memory: int) -> None:
    for limit, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(limit)[1]
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, hard))


def _decode(path: str, size: int, first: int, answers: BinaryIO) -> None:
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
    parquet = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
    row = 0
    for number in range(parquet.num_row_groups):
        group = parquet.metadata.row_group(number)
        rows = max(0, group.num_rows)
        if number >= first:
            _send(answers, GROUP, str(row).encode())
            count = min(_BATCH_ROWS, _BATCH_BYTES * rows // max(1, group.total_byte_size))
            try:
                for batch in parquet.iter_batches(max(1, count), [number], use_threads=False):
                    batch.validate(full=True)
                    _send(answers, BATCH, _stream(batch))
                    rows -= batch.num_rows
            except BrokenPipeError:
                raise
            except Exception:
                rows = -1
            if rows:
                _send(answers, BAD)
        row += max(0, group.num_rows)


def _stream(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _send(answers: BinaryIO, kind: bytes, payload: bytes | pa.Buffer = b"") -> None:
    answers.write(HEAD.pack(kind, len(payload)))
    answers.write(payload)
    answers.flush()


if __name__ == "__main__":
    main()
