"""Files framed by hand from TFRecord's definition, and by TensorFlow's golden bytes."""

import gzip
import random
import struct

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers import tfrecords
from tfx_vigil.beam_jobs.log_containers.tfrecord_crc import masked_crc, next_header

from .reading import damages, extent, found, good, is_part, pieces

RECORDS = [bytes([n]) * n * 7 for n in range(9)]


def frame(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    crcs = (struct.pack("<I", masked_crc(x)) for x in (length, data))
    return length + next(crcs) + data + next(crcs)


FRAMES = [frame(record) for record in RECORDS]
LOG = b"".join(FRAMES)
OFFSETS = [sum(map(len, FRAMES[:n])) for n in range(len(FRAMES))]


def read(data: bytes, size: int = 1 << 20):
    return list(tfrecords.records(pieces(data, size)))


def test_the_frame_is_that_of_tensorflow():
    written = bytes.fromhex("0500000000000000 eab2043e 68656c6c6f bb1f1c19")
    assert frame(b"hello") == written
    assert good(read(written)) == [b"hello"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_records_come_with_their_offsets(tmp_path, pack):
    chunks = list(tfrecords.read(extent(tmp_path / "log", pack(LOG))))
    assert [(x.offset, x.record, x.damage) for x in found(chunks)] == [
        (offset, record, None) for offset, record in zip(OFFSETS, RECORDS, strict=True)
    ]
    assert not chunks[-1].cut


def test_an_empty_file_has_no_chunk(tmp_path):
    assert list(tfrecords.read(extent(tmp_path / "log", b""))) == []
    assert list(tfrecords.read(extent(tmp_path / "log", gzip.compress(b"")))) == []


def test_a_long_file_with_long_records_is_read_in_pieces():
    records = [random.Random(n).randbytes(n % 17 * 100_000) for n in range(40)]
    assert good(read(b"".join(map(frame, records)), 99_991)) == records


def flipped(at: int) -> bytes:
    return LOG[:at] + bytes([LOG[at] ^ 1]) + LOG[at + 1 :]


@pytest.mark.parametrize("at", [12, -1])
def test_data_with_a_wrong_checksum_are_a_damaged_record(at):
    start, end = OFFSETS[4], OFFSETS[5]
    records = found(read(flipped(start + at if at > 0 else end + at)))
    assert [x.record for x in records if not x.damage] == RECORDS[:4] + RECORDS[5:]
    (bad,) = [x for x in records if x.damage]
    assert (bad.offset, bad.damage, len(bad.record)) == (start, "damaged_tfrecord", len(RECORDS[4]))


def test_a_wrong_length_costs_what_lies_before_the_next_header():
    records = found(read(flipped(OFFSETS[4])))
    assert [x.record for x in records if not x.damage] == RECORDS[:4] + RECORDS[5:]
    (bad,) = [x for x in records if x.damage]
    assert (bad.offset, bad.record) == (OFFSETS[4], flipped(OFFSETS[4])[OFFSETS[4] : OFFSETS[5]])


def test_a_wrong_checksum_of_the_length_costs_nothing():
    assert [x.record for x in found(read(flipped(OFFSETS[4] + 9)))] == RECORDS


def test_a_length_beyond_the_file_is_not_believed():
    data = struct.pack("<Q", 1 << 40) + LOG
    records = found(read(data))
    assert [x.record for x in records if not x.damage] == RECORDS
    assert records[0].record == data[:8]


@pytest.mark.parametrize("lost", [1, 4, 5, 15, 20])
def test_a_file_that_ends_within_a_record_is_cut(lost):
    chunks = read(LOG[:-lost])
    *kept, last = found(chunks)
    assert [x.record for x in kept] == RECORDS[:-1]
    assert (last.offset, last.damage, chunks[-1].cut) == (OFFSETS[-1], "damaged_tfrecord", True)
    assert last.record == FRAMES[-1][:-lost]


def test_a_gzip_file_is_read_up_to_its_damage(tmp_path):
    chunks = list(tfrecords.read(extent(tmp_path / "log", gzip.compress(LOG)[:-9])))
    *kept, last = found(chunks)
    assert [x.record for x in kept] == RECORDS[: len(kept)]
    assert (last.damage, chunks[-1].cut) == ("damaged_gzip", True)


@pytest.mark.parametrize("data", [bytes(20_000_000), random.Random(1).randbytes(20_000_000)])
def test_what_are_no_records_is_one_damaged_one(data):
    (chunk,) = read(data)
    assert (chunk.offsets, chunk.damage, chunk.cut) == ([0], "damaged_tfrecord", True)
    assert data.startswith(chunk.records[0])


def test_headers_that_would_be_read_over_and_over_are_not():
    header = frame(bytes(50_000_000))[:12]
    assert not good(read(header * 100_000))


@given(st.binary(max_size=50), st.integers(0, (1 << 27) - 1), st.binary(max_size=20))
def test_a_header_is_found_wherever_it_lies(before, length, after):
    number = struct.pack("<Q", length)
    data = before + number + struct.pack("<I", masked_crc(number)) + after
    assert next_header(data, 0, 1 << 27) == len(before)
    assert next_header(data, len(before) + 1, 1 << 27) == -1


@settings(max_examples=600, deadline=None)
@given(st.data(), st.integers(1, 100))
def test_damage_costs_the_damaged_records_alone(data, size):
    damaged = data.draw(damages(LOG))
    ends = [*OFFSETS[1:], len(LOG)]
    spared = [
        record
        for record, start, end in zip(RECORDS, OFFSETS, ends, strict=True)
        if damaged.spares(start, end)
    ]
    assert is_part(spared, good(read(damaged.data, size)))
