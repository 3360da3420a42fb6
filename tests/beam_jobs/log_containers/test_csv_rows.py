import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers import csv_rows
from tfx_vigil.beam_jobs.log_containers.contract import CHUNK_RECORDS

from .reading import damages, extent, found, good, is_part, pieces

HEADER = ["id", "text", "x"]
ROWS = [[f"r-{n}", 'naïve, "é"\n' * (n % 3) + "q", str(n / 4) if n % 2 else ""] for n in range(9)]
RECORDS = [{name: cell or None for name, cell in zip(HEADER, row, strict=True)} for row in ROWS]


def table(rows, newline="\n", **kinds) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator=newline, **kinds).writerows([HEADER, *rows])
    return out.getvalue().encode()


LOG = table(ROWS)


def read(data: bytes, size: int = 1 << 20):
    return list(csv_rows.records(pieces(data, size)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "log",
    [
        LOG,
        table(ROWS, "\r\n"),
        table(ROWS, quoting=csv.QUOTE_ALL),
        b"\xef\xbb\xbf" + LOG,
        b"\n" + LOG,
    ],
)
def test_rows_are_named_by_the_header(tmp_path, log, pack):
    records = found(csv_rows.read(extent(tmp_path / "log", pack(log))))
    assert [x.record for x in records] == RECORDS
    for x in records:
        header, _, row = x.raw.partition(b"\n")
        assert log.startswith(row, x.offset)
        assert header == log.removeprefix(b"\xef\xbb\xbf").strip().partition(b"\n")[0].strip()
        assert good(read(x.raw)) == [x.record]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"a,b", b"a,b\n", b"a,b\r\n\r\n", gzip.compress(b"", mtime=0)]
)
def test_without_rows_there_is_no_chunk(tmp_path, data):
    assert list(csv_rows.read(extent(tmp_path / "log", data))) == []


def test_blank_rows_are_left_out_and_so_is_a_column_without_a_name():
    assert good(read(b",b\n0,x\n\n  \n1,y\n")) == [{"b": "x"}, {"b": "y"}]


@pytest.mark.parametrize(
    "bad",
    [
        b"1",
        b"1,2,3,4",
        b'1,"2,3',
        b'1,"2"3,4',
        b"1,\xff\xfe,3",
        b'1,"2\xff",3',
        b'"',
    ],
)
def test_a_damaged_row_costs_its_own_line(bad):
    rows = LOG.split(b"\n", 1)
    records = found(read(rows[0] + b"\n" + bad + b"\n" + rows[1]))
    assert (records[0].record, records[0].damage) == (bad, "bad_csv")
    assert records[0].raw == rows[0] + b"\n" + bad
    assert [x.record for x in records[1:]] == RECORDS


def test_a_row_of_several_lines_that_is_no_utf_8_is_damaged_as_a_whole():
    records = found(read(b'a,b\n1,"2\n\xff"\n3,4\n'))
    assert [(x.record, x.damage) for x in records] == [
        (b'1,"2\n\xff"', "bad_csv"),
        ({"a": "3", "b": "4"}, None),
    ]


@pytest.mark.parametrize(
    ("data", "cut"),
    [
        (LOG, [False]),
        (LOG[:-1], [True]),
        (LOG + b" ", [False]),
        (b'a,b\n1,2\n3,"x\ny', [True, True]),
        (b"a,b\n1,2\n3", [True]),
        (b"a,b\n3\n1,2\n", [False, False]),
    ],
)
def test_a_last_row_without_newline_or_closing_quote_may_be_cut(data, cut):
    assert [chunk.cut for chunk in read(data)] == cut


def test_a_cell_without_utf_8_in_the_header_spoils_no_other_column():
    assert good(read(b"a,\xff\n1,2\n")) == [{"a": "1", "\ufffd": "2"}]


def test_a_gzip_file_is_read_up_to_its_damage(tmp_path):
    chunks = list(csv_rows.read(extent(tmp_path / "log", gzip.compress(LOG)[:-12])))
    *kept, last = found(chunks)
    assert RECORDS[: len(kept)] == [x.record for x in kept]
    assert (last.damage, chunks[-1].cut) == ("damaged_gzip", True)
    assert last.raw.startswith(b"id,text,x\n")


def test_rows_lie_across_the_pieces_and_chunks_of_a_long_file():
    rows = [[str(n), 'line "one"\nline two', "x" * (n % 300)] for n in range(3 * CHUNK_RECORDS)]
    log = table(rows)
    chunks = read(log, 99_991)
    assert [[x["id"], x["text"], x["x"] or ""] for x in good(chunks)] == rows
    assert max(len(chunk.records) for chunk in chunks) == CHUNK_RECORDS
    assert all(log.startswith(x.raw[10:], x.offset) for x in found(chunks))


@pytest.mark.parametrize("line", [b'b","x\n', b'a,"x\n', b'"\n', b'"""\n', b"\0\n", b"\n"])
def test_lines_made_to_be_read_over_and_over_are_not(line):
    data = b"a,b\n" + line * 100_000 + b"1,2\n"
    assert good(read(data))[-1:] == [{"a": "1", "b": "2"}]


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from([LOG, table(ROWS, quoting=csv.QUOTE_ALL)]), st.integers(1, 200))
def test_damage_costs_the_damaged_rows_alone(data, log, size):
    whole = found(read(log))
    damaged = data.draw(damages(log, start=whole[0].offset))
    ends = [x.offset for x in whole[1:]] + [len(log)]
    spared = [
        x.record for x, end in zip(whole, ends, strict=True) if damaged.spares(x.offset - 1, end)
    ]
    assert is_part(spared, good(read(damaged.data, size)))
