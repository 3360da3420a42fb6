"""JSON that is not one value a line: arrays, and objects over several lines."""

import gzip
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers import json_records
from tfx_vigil.beam_jobs.log_containers.contract import CHUNK_RECORDS

from .reading import Damage, damages, extent, found, good, is_part, pieces

VALUES = [
    {"id": f"r-{n}", "text": 'naïve ]},{[ \\" é' * n, "url": {"Path": "/"}, "x": [[1], 2.5, None]}
    for n in range(6)
]
RECORDS = [json.dumps(value).encode() for value in VALUES]
ARRAY = b"[\n " + b" ,\n".join(RECORDS) + b"]\n"
COMPACT = b"[" + b",".join(RECORDS) + b"]"
PRETTY = json.dumps(VALUES, indent=2).encode()
OBJECTS = "\n".join(json.dumps(value, indent=2) for value in VALUES).encode() + b"\n"


def read(data: bytes, size: int = 1 << 20):
    return list(json_records.records(pieces(data, size)))


@pytest.mark.parametrize("data", [ARRAY, COMPACT, PRETTY])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_elements_of_an_array_are_parsed_and_know_their_bytes(tmp_path, data, pack):
    chunks = list(json_records.read(extent(tmp_path / "log", pack(data))))
    records = found(chunks)
    assert [x.record for x in records] == VALUES
    assert all(data.startswith(x.raw, x.offset) and x.damage is None for x in records)
    assert [orjson.loads(x.raw) for x in records] == VALUES
    assert not chunks[-1].cut


def test_an_element_that_is_no_object_is_handed_on_as_its_bytes():
    data = b'[{"a": 1}, [1, "],"], "te,xt", null , 1.50]'
    assert good(read(data)) == [{"a": 1}, b'[1, "],"]', b'"te,xt"', b"null", b"1.50"]


def test_a_long_array_comes_in_several_chunks():
    values = [{"n": n} for n in range(2 * CHUNK_RECORDS + 1)]
    chunks = read(json.dumps(values).encode())
    assert [len(chunk.records) for chunk in chunks] == [CHUNK_RECORDS, CHUNK_RECORDS, 1]
    assert (
        [x.record for x in found(chunks)] == [orjson.loads(x.raw) for x in found(chunks)] == values
    )


def test_an_array_too_long_to_be_held_is_read_piece_by_piece(monkeypatch):
    monkeypatch.setattr(json_records, "ARRAY_BYTES", 1000)
    values = [{"n": n, "text": "x" * 1000} for n in range(3000)]
    records = found(read(json.dumps(values, indent=1).encode()))
    assert [orjson.loads(x.record) for x in records] == values


@pytest.mark.parametrize("data", [b"[]", b" [ ]\n"])
def test_an_empty_array_has_no_chunk(data):
    assert read(data) == []


@pytest.mark.parametrize("data", [OBJECTS, OBJECTS.strip(), OBJECTS.replace(b"}\n{", b"}{")])
def test_objects_may_follow_each_other_over_several_lines(data):
    chunks = read(data)
    assert [json.loads(x.record) for x in found(chunks)] == VALUES
    assert all(data.startswith(x.record, x.offset) and x.damage is None for x in found(chunks))
    assert not chunks[-1].cut


def test_one_object_over_many_lines_is_one_record():
    data = b'{"id": "r-1",\n "text": "a"}'
    assert good(read(data)) == [data]


def test_a_value_python_writes_and_json_does_not_know_costs_no_neighbour():
    data = b'[{"n": ' + b"9" * 10_000 + b'}, {"n": NaN}, {"n": 1}]'
    assert [x.damage for x in found(read(data))] == [None] * 3


@pytest.mark.parametrize(
    ("damaged", "bad", "after"),
    [
        (ARRAY.replace(b'"r-3"', b'"r-3'), RECORDS[3].replace(b'"r-3"', b'"r-3'), RECORDS[4:]),
        (COMPACT.replace(b'"r-3"', b'"r-3'), RECORDS[3].replace(b'"r-3"', b'"r-3'), RECORDS[4:]),
        (b"[" + b",".join(RECORDS[:3]) + b"," + b"[" * 100_000, b"[" * 100_000, []),
        (b"[" + b",".join(RECORDS[:3]) + b"] more", b"more", []),
        (b"[" + b",".join(RECORDS[:3]) + b",", b"", []),
        (b"[" + b",".join(RECORDS[:3]), b"", []),
        (b"[" + b",".join(RECORDS[:3]) + b'x, {"a": 1}]', b"x", [b'{"a": 1}']),
    ],
)
def test_what_lies_around_damage_in_an_array_is_kept(damaged, bad, after):
    records = found(read(damaged))
    assert [x.record for x in records if not x.damage] == [*RECORDS[:3], *after]
    (lost,) = [x for x in records if x.damage]
    assert (lost.record, lost.damage) == (bad, "not_json")
    assert damaged.startswith(bad, lost.offset)


@pytest.mark.parametrize(
    ("data", "cut"),
    [(COMPACT[:-1], True), (COMPACT[:-2], True), (COMPACT, False), (OBJECTS[:-3], True)],
)
def test_an_array_or_object_that_is_not_closed_may_be_cut(data, cut):
    assert read(data)[-1].cut == cut


@pytest.mark.parametrize("data", [ARRAY, PRETTY, OBJECTS])
def test_the_readable_part_of_a_cut_gzip_file_is_kept(tmp_path, data):
    packed = gzip.compress(data)
    for size in range(3, len(packed)):
        chunks = list(json_records.read(extent(tmp_path / "log", packed[:size])))
        *kept, last = found(chunks)
        assert [orjson.loads(x.raw) for x in kept] == VALUES[: len(kept)]
        assert (last.damage, chunks[-1].cut) == ("damaged_gzip", True)
    assert len(kept) == len(VALUES)


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from([ARRAY, COMPACT, PRETTY, OBJECTS]), st.integers(1, 3000))
def test_damage_costs_the_damaged_elements_alone(data, log, size):
    damaged = data.draw(damages(log, start=2))
    _check(log, damaged, size)


def _check(log: bytes, damaged: Damage, size: int) -> None:
    whole = found(read(log))
    starts = [x.offset for x in whole]
    ends = [x.offset + len(x.raw) for x in whole]
    zones = zip(range(6), [-1, *ends], [*starts[1:], len(log)], strict=False)
    spared = [VALUES[n] for n, start, end in zones if damaged.spares(start, end)]
    records = found(read(damaged.data, size))
    kept = [_json(x.record) for x in records if x.damage is None]
    assert is_part(spared, kept), (damaged, spared)


@pytest.mark.parametrize("log", [ARRAY, COMPACT, PRETTY])
@pytest.mark.parametrize("sign", [b"", b"{", b"}", b"\0", b"x", b"{ "])
def test_without_its_first_sign_an_array_is_read_all_the_same(log, sign):
    assert is_part(VALUES[1:], [_json(record) for record in good(read(sign + log[1:]))])


@pytest.mark.parametrize("log", [ARRAY, PRETTY])
@pytest.mark.parametrize("sign", b'[{"}]:,')
def test_no_single_sign_put_anywhere_costs_a_neighbour(log, sign):
    for at in range(1, len(log)):
        _check(log, Damage(log[:at] + bytes([sign]) + log[at:], at, at), 1 << 20)


def _json(record):
    try:
        return record if type(record) is dict else json.loads(record)
    except ValueError:
        return None
