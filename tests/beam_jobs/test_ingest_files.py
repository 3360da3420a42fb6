import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_files import RawRecord, match, read_records

RECORDS = [json.dumps({"id": f"r-{n}", "text": 'naïve ]},{[ \\" é' * n}).encode() for n in range(6)]
ARRAY = b"[\n " + b" ,\n".join(RECORDS) + b"]\n"
LINES = b"\n".join(RECORDS) + b"\n\n"


@pytest.fixture
def read(tmp_path):
    def read(data: bytes) -> list[RawRecord]:
        path = tmp_path / "log"
        path.write_bytes(data)
        return list(read_records(str(path)))

    return read


@pytest.mark.parametrize("data", [ARRAY, LINES, LINES.replace(b"\n", b"\r\n")])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_records_come_with_their_offsets(read, data, pack):
    records = read(pack(data))
    assert [record.data.strip() for record in records] == RECORDS
    assert all(data.startswith(r.data, r.offset) and r.damage is None for r in records)


def test_gzip_is_seen_by_its_magic_and_members_are_joined(read):
    half = len(LINES) // 2
    members = gzip.compress(LINES[:half]) + b"\0" * 7 + gzip.compress(LINES[half:]) + b"\0"
    assert [r.data for r in read(members)] == RECORDS


def test_lines_longer_than_a_chunk_are_whole(read):
    long = [json.dumps({"n": n, "x": "y" * 200_000}).encode() for n in range(3)]
    assert [r.data for r in read(b"\n".join(long))] == long


@pytest.mark.parametrize("data", [b"", b" \n\n", gzip.compress(b"")])
def test_an_empty_file_has_no_records(read, data):
    assert read(data) == []


@pytest.mark.parametrize(
    ("damaged", "rest"),
    [
        (ARRAY.replace(b'"r-3"', b'"r-3'), None),
        (b"[" + b",".join(RECORDS[:3]) + b"," + b"[" * 100_000, b"[" * 100_000),
        (b"[" + b",".join(RECORDS[:3]) + b"] more", b" more"),
        (b"[" + b",".join(RECORDS[:3]) + b",", b""),
        (b"[" + b",".join(RECORDS[:3]), b""),
        (b"[" + b",".join(RECORDS[:3]) + b'}, {"a": 1}]', b'}, {"a": 1}]'),
    ],
)
def test_the_records_before_a_damage_in_an_array_are_kept(read, damaged, rest):
    *good, last = read(damaged)
    assert [record.data for record in good] == RECORDS[:3]
    assert last.damage == "not_json"
    assert damaged[last.offset :] == last.data
    assert rest is None or last.data == rest


def test_a_huge_number_does_not_hide_its_neighbours(read):
    data = b'[{"n": ' + b"9" * 10_000 + b'}, {"n": NaN}, {"n": 1}]'
    assert [r.damage for r in read(data)] == [None] * 3


@pytest.mark.parametrize("data", [ARRAY, LINES])
def test_the_readable_part_of_a_cut_gzip_file_is_kept(read, data):
    packed = gzip.compress(data)
    whole = read(packed)
    for size in range(3, len(packed)):
        *good, last = read(packed[:size])
        assert good == whole[: len(good)]
        assert last.damage == "damaged_gzip"
    assert len(good) == len(whole)


def test_a_failed_checksum_is_reported_after_the_records(read):
    packed = bytearray(gzip.compress(LINES))
    packed[-5] ^= 1
    *good, last = read(bytes(packed))
    assert [r.data for r in good] == RECORDS
    assert last == RawRecord(len(LINES), b"", "damaged_gzip")


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([ARRAY, LINES, gzip.compress(ARRAY), gzip.compress(LINES)]))
def test_no_byte_makes_reading_fail(tmp_path_factory, data, log):
    damaged = bytearray(log)
    for place in data.draw(st.lists(st.integers(0, len(log) - 1), min_size=1, max_size=5)):
        damaged[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / "log"
    path.write_bytes(bytes(damaged))
    records = list(read_records(str(path)))
    assert all(record.damage is None for record in records[:-1])
    if not damaged.startswith(b"\x1f\x8b"):
        assert all(damaged.startswith(r.data, r.offset) for r in records)


def test_files_of_several_globs_come_once_and_sorted(tmp_path):
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).touch()
    found = match([f"{tmp_path}/*.json", f"{tmp_path}/b*", f"{tmp_path}/none"])
    assert [m.path for m in found] == [f"{tmp_path}/a.json", f"{tmp_path}/b.json"]
