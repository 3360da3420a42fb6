"""The masked CRC-32C of TFRecord: of one piece of data, and of all headers a text may hold."""

from __future__ import annotations

import functools

import google_crc32c
import numpy as np

HEADER_BYTES = 12
CRC_DELTA = 0xA282EAD8
_STEP = 1 << 10
_LONGEST_STEP = 1 << 22


def masked_crc(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + CRC_DELTA) & 0xFFFFFFFF


def next_header(data: bytes, start: int, longest: int) -> int:
    """Where from ``start`` on a record's length, at most ``longest`` (below 2 ** 32), has its
    right checksum after it; -1 for nowhere.
    """
    octets, end, step = np.frombuffer(data, np.uint8), len(data) - HEADER_BYTES + 1, _STEP
    while start < end:
        found = _headers(octets, start, min(step, end - start), longest)
        if len(found):
            return int(found[0])
        start += step
        step = min(2 * step, _LONGEST_STEP)
    return -1


def _headers(octets: np.ndarray, start: int, count: int, longest: int) -> np.ndarray:
    byte = [octets[start + n : start + n + count] for n in range(HEADER_BYTES)]
    upper, others = _any(byte[4:8]), _any(byte[:4] + byte[8:])
    places = start + np.flatnonzero(~upper & others)
    places = places[_number(octets, places) <= longest]
    crc = np.full(len(places), google_crc32c.value(bytes(8)), np.uint32)
    for n, table in enumerate(_tables()):
        crc ^= table[octets[places + n]]
    masked = (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(CRC_DELTA)
    return places[masked == _number(octets, places + 8)]


def _any(octets: list[np.ndarray]) -> np.ndarray:
    """Where one of them is not zero."""
    return functools.reduce(np.bitwise_or, octets) != 0


def _number(octets: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The little-endian number of four bytes at each place."""
    number = np.zeros(len(places), np.uint32)
    for n in range(4):
        number |= octets[places + n].astype(np.uint32) << np.uint32(8 * n)
    return number


@functools.cache
def _tables() -> list[np.ndarray]:
    """What each value of each of the four lower bytes of a length changes of its CRC."""
    none = google_crc32c.value(bytes(8))
    return [
        np.array(
            [google_crc32c.value((b << 8 * n).to_bytes(8, "little")) ^ none for b in range(256)],
            np.uint32,
        )
        for n in range(4)
    ]
