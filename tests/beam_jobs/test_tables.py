import datetime
import decimal
import gzip

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from apache_beam.testing.util import assert_that, equal_to
from tfx_vigil.beam_jobs import examples, tables

UTC = datetime.timezone.utc


ROWS: list[dict] = []


def read(path) -> list[dict]:
    """The table's rows as a list of dicts, sorted by ``id``."""
    ROWS.clear()
    with beam.Pipeline() as pipeline:
        _ = pipeline | tables.ReadTable(str(path)) | beam.Map(keep)
    return sorted(ROWS, key=lambda row: row["id"])


def keep(batch):
    ROWS.extend(batch.to_pylist())


def parquet(path, **columns):
    pa.parquet.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_columns_become_lists_of_the_three_tf_example_types(tmp_path):
    noon = datetime.datetime(2026, 3, 1, 12, tzinfo=UTC)
    path = parquet(
        tmp_path / "t.parquet",
        id=pa.array([1, 2, 3], pa.int8()),
        name=["a", None, ""],
        word=pa.array(["x", "y", "x"]).dictionary_encode(),
        price=pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.25")]),
        paid=[True, False, None],
        at=pa.array([noon, None, noon], pa.timestamp("ns", "UTC")),
        day=pa.array([noon.date()] * 3),
        clock=pa.array([1, 2, 3], pa.time32("s")),
        tags=[["a", "b"], None, []],
        nothing=pa.nulls(3),
    )
    micros = int(noon.timestamp() * 1e6)
    midnight = micros - 12 * 3600 * 10**6
    assert read(path) == [
        {
            "id": [1], "name": [b"a"], "word": [b"x"], "price": [1.5], "paid": [1],
            "at": [micros], "day": [midnight], "clock": [10**6], "tags": [b"a", b"b"],
        },
        {
            "id": [2], "name": None, "word": [b"y"], "price": None, "paid": [0],
            "at": None, "day": [midnight], "clock": [2 * 10**6], "tags": None,
        },
        {
            "id": [3], "name": [b""], "word": [b"x"], "price": [2.25], "paid": None,
            "at": [micros], "day": [midnight], "clock": [3 * 10**6], "tags": [],
        },
    ]  # fmt: skip


def test_batches_can_be_written_as_tf_examples_and_read_back(tmp_path):
    source = parquet(tmp_path / "t.parquet", id=[1, 2], x=[0.5, None], s=["a", "b"], l=[[1], []])
    with beam.Pipeline() as pipeline:
        batches = pipeline | tables.ReadTable(str(source))
        _ = batches | examples.WriteExamples(str(tmp_path / "examples" / "Split-serving"))
    written = read(tmp_path / "examples")
    assert [row["id"] for row in written] == [[1], [2]]
    assert [row["x"] for row in written] == [[0.5], None]
    assert read(tmp_path / "examples" / "Split-serving") == written
    assert read(tmp_path / "examples" / "Split-*" / "*.gz") == written


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("address", pa.array([{"street": "Main"}])),
        ("huge", pa.array([2**64 - 1], pa.uint64())),
        ("holes", pa.array([[1, None]])),
    ],
)
def test_a_column_no_tf_example_can_hold_is_refused_by_file_and_name(tmp_path, name, column):
    path = parquet(tmp_path / "t.parquet", **{name: column})
    with pytest.raises(Exception, match=f"t.parquet: column '{name}' of type") as error:
        read(path)
    assert "Main" not in str(error.value)
    assert str(2**64 - 1) not in str(error.value)


def test_csv_types_hold_every_value_and_every_file(tmp_path, monkeypatch):
    """The first block of a file, and the first file, may look narrower than the rest."""
    monkeypatch.setattr(tables, "CSV_BLOCK_BYTES", 1 << 14)
    early = [f"{i},{i},{i},," for i in range(4_000)]
    late = ["4000,0.5,word,2026-01-01 00:00:00,"]
    header = "id,number,text,when,never"
    (tmp_path / "a.csv").write_text("\n".join([header, *early, *late]) + "\n")
    with gzip.open(tmp_path / "b.csv.gz", "wt") as f:
        f.write(f"{header}\n4001,7,8,,\n")
    rows = read(tmp_path)
    assert len(rows) == 4_002
    assert rows[0] == {"id": [0], "number": [0.0], "text": [b"0"], "when": None}
    assert rows[-2]["number"] == [0.5]
    assert rows[-2]["text"] == [b"word"]
    assert rows[-1]["number"] == [7.0]
    assert rows[-1]["text"] == [b"8"]


def test_csv_lines_and_quotes_may_cross_blocks(tmp_path, monkeypatch):
    lines = [f'{i},"line {i}\nwith ""quotes"", commas"' for i in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["id,text", *lines]))
    for size in (64, 1 << 20):
        monkeypatch.setattr(tables, "CSV_BLOCK_BYTES", size)
        rows = read(tmp_path / "t.csv")
        assert [row["id"] for row in rows] == [[i] for i in range(20)]
        assert rows[7]["text"] == [b'line 7\nwith "quotes", commas']


def test_csv_empty_cells_are_missing_and_na_is_a_word(tmp_path):
    (tmp_path / "t.csv").write_text('id,country,x\n1,NA,nan\n2,,\n3,"",3\n')
    rows = read(tmp_path / "t.csv")
    assert [row["country"] for row in rows] == [[b"NA"], None, None]
    assert np.isnan(rows[0]["x"][0])
    assert rows[1]["x"] is None


def test_a_damaged_csv_names_the_file_and_no_value(tmp_path):
    (tmp_path / "t.csv").write_text("id,name\n1,a\n2,secret,more\n")
    with pytest.raises(Exception, match=r"t.csv is not a CSV table: Expected 2 columns") as error:
        read(tmp_path / "t.csv")
    assert "secret" not in str(error.value)


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "CSV_BLOCK_BYTES", 64)
    (tmp_path / "t.csv").write_text('id,text\n1,"pipe\n' + "2,valve\n" * 99)
    with pytest.raises(Exception, match=r"t.csv is not a CSV table: a quote is never closed"):
        read(tmp_path / "t.csv")


def test_a_path_without_files_and_a_mix_of_formats_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no table at"):
        tables.ReadTable(str(tmp_path / "none"))
    parquet(tmp_path / "t.parquet", id=[1])
    (tmp_path / "_SUCCESS").touch()
    assert tables.table_files(str(tmp_path)) == [str(tmp_path / "t.parquet")]
    (tmp_path / "t.csv").write_text("id\n1\n")
    with pytest.raises(ValueError, match="mixes formats"):
        tables.ReadTable(str(tmp_path))


def test_memory_bound_every_batch_is_a_block_of_the_table(tmp_path):
    rows = 3 * tables.PARQUET_BATCH_ROWS
    pa.parquet.write_table(pa.table({"id": np.arange(rows)}), tmp_path / "t.parquet")
    with beam.Pipeline() as pipeline:
        sizes = pipeline | tables.ReadTable(str(tmp_path)) | beam.Map(lambda b: b.num_rows)
        assert_that(sizes, equal_to([tables.PARQUET_BATCH_ROWS] * 3))


def test_rows_read_in_this_process_are_those_that_beam_reads(tmp_path):
    path = parquet(
        tmp_path / "t.parquet",
        id=[0, 1, 2, 3],
        word=["a", None, "b", "a"],
        coded=pa.array(["x", "y", None, "x"]).dictionary_encode(),
        raw=[b"\xff", b"", None, b"\xff"],
        day=[datetime.date(2026, 3, 1), None] * 2,
        real=[0.1, None, float("nan"), -0.0],
        several=[["a", "b"], [], None, ["c"]],
        nothing=pa.nulls(4),
    )
    batches = list(tables.flat_batches(str(path), 3))
    assert [batch.num_rows for batch in batches] == [2, 1, 1]
    assert pa.types.is_dictionary(batches[0].schema.field("word").type)
    rows = [row for batch in batches for row in batch.to_pylist()]
    wanted = read(path)
    for row in rows:
        row.update({k: v if k == "several" or v is None else [v] for k, v in row.items()})
    assert str(rows) == str(wanted)


def test_csv_read_in_this_process_has_the_types_of_all_files(tmp_path):
    (tmp_path / "1.csv").write_text("id,x\n0,1\n")
    (tmp_path / "2.csv").write_text("id,x\n1,2.5\n")
    batches = tables.flat_batches(str(tmp_path), 100)
    assert [b.to_pylist() for b in batches] == [[{"id": 0, "x": 1.0}], [{"id": 1, "x": 2.5}]]


def test_tf_examples_are_not_read_in_this_process(tmp_path):
    (tmp_path / "data_tfrecord-00000-of-00001").write_bytes(b"")
    assert tables.flat_batches(str(tmp_path), 100) is None
