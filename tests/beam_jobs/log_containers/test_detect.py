import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from tfx_vigil.beam_jobs.log_containers.detect import container_of, is_csv, is_splittable, read

from .avro_files import container
from .reading import extent, good
from .test_tfrecords import frame

PARQUET = io.BytesIO()
pq.write_table(pa.table({"a": [1, 2]}), PARQUET)
LINES = b'{"a": 1}\n{"a": 2}\n'
AVRO = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
LOGS = {
    "json": LINES,
    "csv": b"a\n1\n2\n",
    "parquet": PARQUET.getvalue(),
    "avro": container(AVRO, [{"a": 1}, {"a": 2}]),
    "tfrecord": frame(b'{"a": 1}') + frame(b'{"a": 2}'),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize(
    ("name", "format", "container"),
    [
        ("log", "auto", "json"),
        ("log", "json_lines", "json"),
        ("log", "vertex_ai", "json"),
        ("log.csv", "auto", "csv"),
        ("log.csv.gz", "kserve", "csv"),
        ("LOG.CSV.ZST", "kserve", "csv"),
        ("log", "csv", "csv"),
        ("log", "auto", "parquet"),
        ("log.json", "kserve", "parquet"),
        ("log", "vertex_ai", "avro"),
        ("log", "auto", "tfrecord"),
        ("log", "prediction_log", "tfrecord"),
        ("log.tfrecord.gz", "kserve", "tfrecord"),
    ],
)
def test_a_container_is_told_by_content_format_and_name(tmp_path, name, format, container, pack):
    log = extent(tmp_path / name, pack(LOGS[container]))
    assert container_of(log, format) == container
    records = [json.loads(x) if type(x) is bytes else x for x in good(read(log, format))]
    assert [int(record["a"]) for record in records] == [1, 2]


@pytest.mark.parametrize("format", ["parquet", "avro"])
def test_a_file_of_the_said_format_whose_magic_is_damaged_is_damaged(tmp_path, format):
    log = extent(tmp_path / "log", b"x" + LOGS[format][1:-1])
    (chunk,) = read(log, format)
    assert chunk.damage == f"bad_{format}"


@pytest.mark.parametrize("format", ["auto", "csv", "parquet", "avro", "prediction_log", "kserve"])
@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_chunk(tmp_path, data, format):
    assert list(read(extent(tmp_path / "log", data), format)) == []


@pytest.mark.parametrize(
    ("data", "format", "splittable"),
    [
        (LINES, "auto", True),
        (b"\n" + LINES, "sagemaker", True),
        (b"x" + LINES, "auto", True),
        (gzip.compress(LINES, mtime=0), "auto", False),
        (b'[{"a": 1},\n{"a": 2}]', "auto", False),
        (b'{\n "a": 1\n}\n{\n "a": 2\n}', "auto", False),
        (LOGS["csv"], "csv", False),
        (LOGS["parquet"], "auto", False),
        (LOGS["avro"], "auto", False),
        (LOGS["tfrecord"], "auto", False),
    ],
)
def test_only_plain_json_lines_are_read_in_parts(tmp_path, data, format, splittable):
    assert is_splittable(extent(tmp_path / "log", data), format) is splittable


def test_a_part_of_a_file_is_lines(tmp_path):
    part = extent(tmp_path / "log.csv", LINES, start=3)
    assert good(read(part, "auto")) == [b'{"a": 2}']


def test_csv_is_told_by_format_or_name():
    assert is_csv("a.csv.gz", "kserve")
    assert is_csv("a", "csv")
    assert not is_csv("a.csv.parquet", "auto")


def test_a_file_that_is_not_there_raises_what_the_filesystem_raises(tmp_path):
    log = extent(tmp_path / "log", LINES)
    (tmp_path / "log").unlink()
    with pytest.raises(OSError, match="log"):
        list(read(log, "auto"))
