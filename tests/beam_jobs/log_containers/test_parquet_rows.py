import datetime as dt
import decimal
import gzip
import io
import os

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers import parquet_process, parquet_rows
from tfx_vigil.beam_jobs.log_containers.contract import CHUNK_RECORDS

from .reading import damages, extent, found, good, is_part

ROWS = 300
NEW_YEAR = dt.datetime(2026, 1, 1)
TABLE = pa.table(
    {
        "id": [f"r-{n} é" for n in range(ROWS)],
        "n": range(ROWS),
        "maybe": [n if n % 3 else None for n in range(ROWS)],
        "x": [None if n % 5 == 0 else float("nan") if n % 5 == 1 else n / 4 for n in range(ROWS)],
        "small": pa.array([n / 4 for n in range(ROWS)], pa.float32()),
        "ok": [n % 2 == 0 for n in range(ROWS)],
        "body": [b"\xff\x00" if n % 2 else b"text" for n in range(ROWS)],
        "time": pa.array(
            [NEW_YEAR + dt.timedelta(seconds=n) for n in range(ROWS)], pa.timestamp("ms")
        ),
        "zoned": pa.array([n * 1001 for n in range(ROWS)], pa.timestamp("ns", "Europe/Zurich")),
        "day": [dt.date(2026, 1, 1 + n % 28) for n in range(ROWS)],
        "at": pa.array(list(range(ROWS)), pa.time64("us")),
        "price": pa.array([decimal.Decimal(n) / 4 for n in range(ROWS)], pa.decimal128(20, 2)),
        "scores": pa.array([[n / 2, float("nan")][: n % 3] for n in range(ROWS)]),
        "nested": [{"a": n, "b": [{"t": NEW_YEAR}]} for n in range(ROWS)],
        "tags": pa.array([[("k", str(n))] for n in range(ROWS)], pa.map_(pa.string(), pa.string())),
        "kind": pa.array(["a", "b", None] * 100).dictionary_encode(),
    }
)


def value(n: int) -> dict:
    return {
        "id": f"r-{n} é",
        "n": n,
        "maybe": n if n % 3 else None,
        "x": n / 4 if n % 5 > 1 else None,
        "small": n / 4,
        "ok": n % 2 == 0,
        "body": "/wA=" if n % 2 else "text",
        "time": (1_767_225_600 + n) * 1_000_000,
        "zoned": n * 1001 // 1000,
        "day": f"2026-01-{1 + n % 28:02}",
        "at": n,
        "price": n / 4,
        "scores": [n / 2, None][: n % 3],
        "nested": {"a": n, "b": [{"t": 1_767_225_600_000_000}]},
        "tags": {"k": str(n)},
        "kind": ["a", "b", None][n % 3],
    }


VALUES = [value(n) for n in range(ROWS)]


def file(table=TABLE, rows=100, **kinds) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=rows, version="2.6", **kinds)
    return out.getvalue()


LOG = file()
PLAIN = file(compression="none", use_dictionary=False)


@pytest.fixture
def read(tmp_path):
    return lambda data: list(parquet_rows.read(extent(tmp_path / "log", data)))


@pytest.mark.parametrize("data", [LOG, PLAIN, file(data_page_version="2.0"), gzip.compress(LOG)])
def test_rows_come_with_their_numbers_and_values_as_json_has_them(read, data):
    chunks = read(data)
    assert [(x.offset, x.record, x.damage) for x in found(chunks)] == [
        (n, VALUES[n], None) for n in range(ROWS)
    ]
    assert all(orjson.loads(x.raw) == x.record for x in found(chunks))
    assert not any(chunk.cut for chunk in chunks)


def test_a_long_row_group_comes_in_chunks_of_bounded_size(read):
    chunks = read(file(pa.table({"n": range(2 * CHUNK_RECORDS + 1)}), rows=1 << 20))
    assert [len(chunk.records) for chunk in chunks] == [CHUNK_RECORDS, CHUNK_RECORDS, 1]
    assert [x.offset for x in found(chunks)] == [x["n"] for x in good(chunks)]


@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0), file(TABLE.slice(0, 0))])
def test_without_rows_there_is_no_chunk(read, data):
    assert read(data) == []


def test_rows_without_columns_are_empty():
    assert list(map(len, parquet_rows.rows(TABLE.select([]).to_batches()[0]))) == [0] * ROWS


def test_a_value_python_has_no_object_for_costs_its_row(read):
    days = pa.array([0, 1 << 30, 1], pa.int32()).cast(pa.date32())
    records = found(read(file(pa.table({"day": days, "n": range(3)}))))
    assert [(x.offset, x.record, x.damage) for x in records] == [
        (0, {"day": "1970-01-01", "n": 0}, None),
        (1, b"", "bad_parquet"),
        (2, {"day": "1970-01-02", "n": 2}, None),
    ]


def test_a_moment_out_of_range_stays_a_number(read):
    times = pa.array([1 << 62], pa.timestamp("ms"))
    assert good(read(file(pa.table({"time": times})))) == [{"time": float((1 << 62) * 1000)}]


def _pages(group: int) -> tuple[int, int]:
    """Where the data of a row group of LOG begin and end."""
    columns = pq.ParquetFile(io.BytesIO(LOG)).metadata.row_group(group)
    facts = [columns.column(n) for n in range(columns.num_columns)]
    starts = [x.dictionary_page_offset or x.data_page_offset for x in facts]
    return min(starts), max(s + x.total_compressed_size for s, x in zip(starts, facts, strict=True))


def test_a_row_group_that_cannot_be_decoded_costs_itself(read):
    start, end = _pages(1)
    records = found(read(LOG[:start] + b"\xff" * (end - start) + LOG[end:]))
    assert [x.record for x in records if not x.damage] == VALUES[:100] + VALUES[200:]
    assert [(x.offset, x.record, x.damage) for x in records if x.damage] == [
        (100, b"", "bad_parquet")
    ]


@pytest.mark.parametrize(
    ("data", "cut"),
    [
        (LOG[:-1], True),
        (LOG[:500], True),
        (b"PAR1", False),
        (LOG[:-50] + bytes(46) + b"PAR1", False),
    ],
)
def test_a_file_with_a_broken_footer_is_one_empty_record(read, data, cut):
    (chunk,) = read(data)
    assert (list(chunk.offsets), chunk.records) == ([0], [b""])
    assert (chunk.damage, chunk.cut) == ("bad_parquet", cut)


def test_a_damaged_gzip_file_is_one_empty_record(read):
    (chunk,) = read(gzip.compress(LOG)[:-9])
    assert (chunk.records, chunk.damage, chunk.cut) == ([b""], "damaged_gzip", True)


def test_a_file_that_kills_the_decoder_costs_one_row_group(read, monkeypatch):
    def die(self, path, size, first):
        for message in messages(self, path, size, first):
            yield message
            if message.payload == b"100":
                raise parquet_process._Died

    messages = parquet_process._Decoder.messages
    monkeypatch.setattr(parquet_process._Decoder, "messages", die)
    records = found(read(LOG))
    assert [x.record for x in records if not x.damage] == VALUES[:100] + VALUES[200:]
    assert [(x.offset, x.damage) for x in records if x.damage] == [(100, "bad_parquet")]


def test_a_reader_that_stops_half_way_leaves_no_decoder_behind(tmp_path):
    reading = parquet_rows.read(extent(tmp_path / "log", LOG))
    next(reading)
    reading.close()
    assert good(parquet_rows.read(extent(tmp_path / "log", LOG))) == VALUES


def test_a_file_that_is_not_there_raises_what_the_filesystem_raises(tmp_path):
    gone = extent(tmp_path / "log", LOG)
    os.remove(gone.path)
    with pytest.raises(OSError, match="log"):
        list(parquet_rows.read(gone))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_damage_to_one_row_group_costs_another(tmp_path_factory, data):
    start, end = _pages(1)
    damaged = data.draw(damages(LOG, start, end))
    changed = damaged.data[: len(LOG)].ljust(len(LOG), b"\0")
    log = changed[:end] + LOG[end:]
    kept = good(parquet_rows.read(extent(tmp_path_factory.mktemp("fuzz") / "log", log)))
    assert is_part(VALUES[:100] + VALUES[200:], kept)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_damage_raises_or_hangs(tmp_path_factory, data):
    damaged = data.draw(damages(PLAIN)).data
    found(parquet_rows.read(extent(tmp_path_factory.mktemp("fuzz") / "log", damaged)))
