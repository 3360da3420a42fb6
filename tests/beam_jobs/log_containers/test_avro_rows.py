import datetime as dt
import decimal
import gzip
import io
import json
import uuid
from itertools import pairwise

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers import avro_rows
from tfx_vigil.beam_jobs.log_containers.contract import CHUNK_RECORDS

from .avro_files import CODECS, SYNC, block, container, encode, header
from .reading import damages, extent, found, good, is_part, pieces

SCHEMA = {
    "type": "record",
    "name": "Call",
    "namespace": "logs.v1",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "price", "type": ["null", _price := {
            "type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2
        }]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "scores", "type": {"type": "array", "items": "double"}},
        {"name": "body", "type": "bytes"},
        {"name": "tags", "type": {"type": "map", "values": {
            "type": "record", "name": "Tag", "fields": [{"name": "n", "type": ["null", "long"]}]
        }}},
        {"name": "tag", "type": ["null", "Tag"]},
        {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "color", "type": {"type": "enum", "name": "Color", "symbols": ["RED", "BLUE"]}},
    ],
}  # fmt: skip
NEW_YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def datum(n: int) -> dict:
    return {
        "id": f"r-{n} é",
        "time": NEW_YEAR + dt.timedelta(milliseconds=n),
        "price": decimal.Decimal(n) / 4 if n % 3 else None,
        "day": dt.date(2026, 1, 1 + n % 28),
        "at": dt.time(1, 0, 0, n),
        "scores": [n / 2, float("nan"), float("inf")][: n % 4],
        "body": b"\xff\x00" if n % 2 else b"text",
        "tags": {"k": {"n": n}},
        "tag": {"n": None} if n % 2 else None,
        "uuid": uuid.UUID(int=n),
        "color": "RED",
    }


def value(n: int) -> dict:
    return {
        "id": f"r-{n} é",
        "time": 1_767_225_600_000_000 + n * 1000,
        "price": n / 4 if n % 3 else None,
        "day": f"2026-01-{1 + n % 28:02}",
        "at": 3_600_000_000 + n,
        "scores": [n / 2, None, float("inf")][: n % 4],
        "body": "/wA=" if n % 2 else "text",
        "tags": {"k": {"n": n}},
        "tag": {"n": None} if n % 2 else None,
        "uuid": str(uuid.UUID(int=n)),
        "color": "RED",
    }


DATA = [datum(n) for n in range(55)]
VALUES = [value(n) for n in range(55)]
LOGS = {codec: container(SCHEMA, DATA, codec) for codec in CODECS}
LOG = LOGS["null"]


def read(data: bytes, size: int = 1 << 20):
    return list(avro_rows.records(pieces(data, size)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("codec", CODECS)
def test_records_come_with_their_numbers_and_values_as_json_has_them(tmp_path, codec, pack):
    data = pack(LOGS[codec])
    chunks = list(avro_rows.read(extent(tmp_path / "log", data)))
    assert [(x.offset, x.record, x.damage) for x in found(chunks)] == [
        (n, VALUES[n], None) for n in range(55)
    ]
    assert json.loads(found(chunks)[0].raw) == VALUES[0]
    assert not chunks[-1].cut


def test_a_file_of_fastavro_is_read():
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(SCHEMA), DATA, codec="deflate")
    assert good(read(out.getvalue())) == VALUES


def test_data_that_are_no_records_are_handed_on_as_json():
    assert good(read(container("string", ["a", "é"]))) == [b'"a"', '"é"'.encode()]


@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0), header(SCHEMA)])
def test_without_blocks_there_is_no_chunk(tmp_path, data):
    assert list(avro_rows.read(extent(tmp_path / "log", data))) == []


def test_many_records_come_in_chunks_of_bounded_size():
    chunks = read(container("long", range(3 * CHUNK_RECORDS), per_block=100), 999)
    assert [len(chunk.records) for chunk in chunks] == [CHUNK_RECORDS] * 3


@pytest.mark.parametrize("codec", CODECS)
def test_a_block_that_cannot_be_decoded_costs_itself(codec):
    broken = bytearray(LOGS[codec])
    second = broken.index(SYNC, broken.index(SYNC) + 16) + 16
    broken[second + 3 : second + 9] = b"\xff" * 6
    records = found(read(bytes(broken)))
    assert [x.record for x in records if not x.damage][:10] == VALUES[:10]
    assert [x.record for x in records if not x.damage][-35:] == VALUES[20:]
    assert {x.damage for x in records} == {None, "bad_avro"}


def test_a_damaged_sync_marker_costs_nothing():
    first = LOG.index(SYNC)
    for at in (*range(first, first + 16), LOG.index(SYNC, first + 16), LOG.rindex(SYNC)):
        broken = bytearray(LOG)
        broken[at] ^= 1
        assert good(read(bytes(broken))) == VALUES


def test_a_wrong_count_of_records_costs_nothing():
    head, blocks = header("long"), block(b"\x02\x04\x06", 3)
    assert good(read(head + blocks.replace(b"\x06", b"\x02", 1) + blocks)) == [b"1", b"2", b"3"] * 2


def test_text_that_is_no_utf_8_costs_its_record():
    data = [encode("string", text) for text in ("a", "b", "c")]
    data[1] = data[1].replace(b"b", b"\xff")
    records = found(read(header("string") + block(b"".join(data), 3)))
    assert [(x.offset, x.record, x.damage) for x in records] == [
        (0, b'"a"', None),
        (1, b"\x02\xff", "bad_avro"),
        (2, b'"c"', None),
    ]


@pytest.mark.parametrize("lost", [1, 16, 17, 60])
def test_a_file_that_ends_within_a_block_is_cut(lost):
    chunks = read(LOG[:-lost])
    *kept, last = found(chunks)
    assert [x.record for x in kept] == VALUES[: len(kept)]
    assert len(kept) >= 54 - (lost > 17)
    assert (last.damage, chunks[-1].cut) == ("bad_avro", True)


@pytest.mark.parametrize(("size", "cut"), [(2, False), (30, True), (700, True)])
def test_a_file_without_a_whole_header_is_one_empty_record(size, cut):
    (chunk,) = read(LOG[:size])
    assert (chunk.records, chunk.damage, chunk.cut) == ([b""], "bad_avro", cut)


def test_a_gzip_file_is_read_up_to_its_damage(tmp_path):
    chunks = list(avro_rows.read(extent(tmp_path / "log", gzip.compress(LOG)[:-9])))
    *kept, last = found(chunks)
    assert [x.record for x in kept] == VALUES[: len(kept)]
    assert (last.damage, chunks[-1].cut) == ("damaged_gzip", True)


NULLS = {"type": "record", "name": "N", "fields": [{"name": "a", "type": "null"}]}
LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}
NESTED: object = "long"
for _ in range(100):
    NESTED = {"type": "array", "items": NESTED}


@pytest.mark.parametrize(
    "schema",
    [
        "null",
        NULLS,
        LIST,
        NESTED,
        {"type": {"type": "null"}},
        {"type": "array", "items": "null"},
        {"type": "array", "items": {"type": "null"}},
        {"type": "map", "values": NULLS},
        {"type": "fixed", "name": "F", "size": 0},
        "Unknown",
        {},
        7,
        {"type": 7},
    ],
)
def test_a_schema_that_lets_few_bytes_become_endless_values_is_not_read(schema):
    (chunk,) = read(header(schema) + block(b"\x02" * 1000, 1 << 60))
    assert chunk.damage == "bad_avro"


def test_numbers_out_of_the_range_of_times_stay_numbers():
    schema = {"type": "record", "name": "R", "fields": [
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    ]}  # fmt: skip
    data = encode("long", 1 << 62) + encode("long", 1 << 30)
    assert good(read(header(schema) + block(data, 1))) == [{"time": 1 << 62, "day": 1 << 30}]


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(sorted(CODECS)), st.integers(1, 3000))
def test_damage_costs_the_damaged_blocks_alone(data, codec, size):
    log = LOGS[codec]
    ends, end = [], 0
    while (end := log.find(SYNC, end)) >= 0:
        end += len(SYNC)
        ends.append(end)
    damaged = data.draw(damages(log, start=ends[0]))
    spared = [
        record
        for n, (start, end) in enumerate(pairwise(ends))
        if damaged.spares(start - 16, end)
        for record in VALUES[10 * n : 10 * n + 10]
    ]
    assert is_part(spared, good(read(damaged.data, size)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_the_header_raises_anything(data):
    read(data.draw(damages(LOG, end=900)).data)
