import gzip
import json
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers import json_records
from tfx_vigil.beam_jobs.log_containers.contract import MAX_RECORD_BYTES

from .reading import damages, extent, found, good, is_part, pieces

RECORDS = [json.dumps({"id": f"r-{n}", "text": 'naïve ]},{[ \\" é' * n}).encode() for n in range(6)]
LINES = b"\n".join(RECORDS) + b"\n\n"


@pytest.fixture
def read(tmp_path):
    def read(data: bytes, **part):
        return list(json_records.read(extent(tmp_path / "log", data, **part)))

    return read


@pytest.mark.parametrize("data", [LINES, LINES.replace(b"\n", b"\r\n"), b"\n \n" + LINES])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_come_with_their_offsets_and_without_blank_ones(read, data, pack):
    records = found(read(pack(data)))
    assert [x.record.strip() for x in records] == RECORDS
    assert all(data.startswith(x.record, x.offset) and x.damage is None for x in records)


def test_a_byte_order_mark_is_dropped(read):
    (first, *_) = found(read(b"\xef\xbb\xbf" + LINES))
    assert (first.offset, first.record) == (3, RECORDS[0])


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\xef\xbb\xbf\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_chunk(read, data):
    assert read(data) == []


@pytest.mark.parametrize(
    ("data", "cut"),
    [(LINES, False), (LINES.strip(), True), (LINES[:-9], True), (LINES + b"  ", False)],
)
def test_a_last_line_without_newline_may_be_cut(read, data, cut):
    assert [chunk.cut for chunk in read(data)] == [cut]


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 50, len(LINES)])
@pytest.mark.parametrize("data", [LINES, LINES.strip(), b"\xef\xbb\xbf" + LINES])
def test_each_line_is_in_the_part_it_begins_in(read, data, parts):
    edges = [len(data) * n // parts for n in range(parts + 1)]
    got = [x for start, end in pairwise(edges) for x in found(read(data, start=start, end=end))]
    assert got == found(read(data))


def test_the_last_line_of_a_part_is_read_to_its_end_but_not_beyond_the_listed_size(tmp_path):
    part = extent(tmp_path / "log", LINES, start=0, end=1)
    (tmp_path / "log").write_bytes(LINES.strip() * 2)
    assert good(json_records.read(part)) == RECORDS[:1]
    whole = extent(tmp_path / "log", LINES.strip())
    (tmp_path / "log").write_bytes(LINES.strip() + b"more\n")
    assert good(json_records.read(whole)) == RECORDS


def test_a_line_of_100_mb_is_one_record_and_costs_little(read):
    long = b'{"text": "' + b"x" * 100_000_000 + b'"}'
    start = time.process_time()
    assert good(read(RECORDS[0] + b"\n" + long + b"\n" + RECORDS[1])) == [
        RECORDS[0],
        long,
        RECORDS[1],
    ]
    assert time.process_time() - start < 10


def test_a_longer_line_than_is_held_is_damaged_alone(read):
    long = bytes(MAX_RECORD_BYTES + (2 << 20))
    first, bad, last = found(read(RECORDS[0] + b"\n" + long + b"\n" + RECORDS[1] + b"\n"))
    assert (first.record, last.record) == (RECORDS[0], RECORDS[1])
    assert (bad.offset, bad.damage) == (len(RECORDS[0]) + 1, "too_long")
    assert long.startswith(bad.record)
    assert last.offset == bad.offset + len(long) + 1


def test_many_lines_come_in_chunks_of_bounded_size():
    lines = [b'{"n": %d}' % n for n in range(1_000_000)]
    chunks = list(json_records.records(pieces(b"\n".join(lines), 1 << 20)))
    assert good(chunks) == lines
    assert len(chunks) > 2


def test_the_readable_part_of_a_cut_gzip_file_is_kept(read):
    packed = gzip.compress(LINES)
    whole = found(read(packed))
    for size in range(3, len(packed)):
        chunks = read(packed[:size])
        *kept, last = found(chunks)
        assert kept == whole[: len(kept)]
        assert (last.damage, chunks[-1].cut) == ("damaged_gzip", True)
    assert len(kept) == len(whole)


def test_a_failed_checksum_is_reported_after_the_records(read):
    packed = bytearray(gzip.compress(LINES))
    packed[-5] ^= 1
    chunks = read(bytes(packed))
    *kept, last = found(chunks)
    assert [x.record for x in kept] == RECORDS
    assert last == (len(LINES), b"", "damaged_gzip", b"")
    assert not chunks[-1].cut


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 200))
def test_damage_costs_the_damaged_lines_alone(data, size):
    damaged = data.draw(damages(LINES))
    spared = []
    for record in RECORDS:
        start = LINES.index(record)
        if damaged.spares(start - 1, start + len(record) + 1):
            spared.append(json.loads(record))
    read = [_json(record) for record in good(json_records.records(pieces(damaged.data, size)))]
    assert is_part(spared, read)


def _json(record):
    try:
        return record if type(record) is dict else json.loads(record)
    except ValueError:
        return None
