"""The process that decodes Parquet, started when it is needed, and again where it dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import NamedTuple

from .parquet_decoder import BAD, BROKEN, END, GROUP, HEAD

_DEATHS = 16
"""So many of the decoder in one file, and the rest of the file is given up."""
_LONGEST_MESSAGE = 4 << 30


class Message(NamedTuple):
    kind: bytes
    payload: bytes = b""


def messages(path: str, size: int) -> Iterator[Message]:
    """What parquet_decoder says of a file; a row group it dies of is BAD, a file BROKEN."""
    first = 0
    for _ in range(_DEATHS):
        decoder, begun = _borrow(), False
        try:
            for message in decoder.messages(path, size, first):
                if message.kind == GROUP:
                    first, begun = first + 1, True
                yield message
        except _Died:
            decoder.end()
            if not begun:
                break
            yield Message(BAD)
        except BaseException:
            decoder.end()
            raise
        else:
            _give_back(decoder)
            return
    yield Message(BROKEN)


class _Died(Exception):
    pass


class _Decoder:
    def __init__(self):
        self.owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.parquet_decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def messages(self, path: str, size: int, first: int) -> Iterator[Message]:
        try:
            self._process.stdin.write(json.dumps([path, size, first]).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise _Died from None
        while True:
            kind, length = HEAD.unpack(self._receive(HEAD.size))
            if kind == END:
                return
            if length > _LONGEST_MESSAGE:
                raise _Died
            yield Message(kind, self._receive(length))

    def _receive(self, size: int) -> bytes:
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise _Died
        return data

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


_idle: list[_Decoder] = []
_lock = threading.Lock()


def _borrow() -> _Decoder:
    with _lock:
        decoder = _idle.pop() if _idle else None
    return decoder if decoder and decoder.owner == os.getpid() else _Decoder()


def _give_back(decoder: _Decoder) -> None:
    with _lock:
        if not _idle:
            _idle.append(decoder)
            return
    decoder.end()
