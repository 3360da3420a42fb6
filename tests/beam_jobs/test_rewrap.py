"""Stored pseudonyms move to the primary key version, and nothing else does."""

import os
import pickle
import stat
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import tensorflow as tf
from tfx_vigil.beam_jobs import keysets, pseudonymize
from tfx_vigil.beam_jobs.keysets import KeysetError
from tfx_vigil.beam_jobs.privacy_methods import Hmac
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.rewrap import Rewrap
from tfx_vigil.beam_jobs.rewrap_data import HeldPseudonyms, held_versions, rewrap_data

from .keysets.fixed_keyset import PLAIN

RIDERS = ["ada", "bob", "ada", "cy"]


@pytest.fixture
def config(key_path):
    return PrivacyConfig(
        fields={
            "rider": {"method": "hmac", "role": "subject_id"},
            "friends": {"method": "hmac", "encoding": "base32"},
        },
        default="keep",
        keyset=key_path,
        domain="riders",
    )


def write_split(folder, riders, name="data_tfrecord-0.gz"):
    """Rows as a job has left them before treatment."""
    path = Path(folder, "Split-all", name)
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for at, rider in enumerate(riders):
            feature = {
                "rider": bytes_feature([rider]),
                "friends": bytes_feature(["dee", "eve"][: at % 3]),
                "fare": tf.train.Feature(float_list=tf.train.FloatList(value=[at / 2])),
            }
            if at % 2:
                del feature["fare"]
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def bytes_feature(values):
    values = [value.encode() for value in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def rows(folder):
    files = sorted(str(path) for path in Path(folder).glob("Split-*/*"))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
    return [tf.train.Example.FromString(record) for record in records]


def values(folder, field):
    return [row.features.feature[field].bytes_list.value[:] for row in rows(folder)]


def pseudonymized(config, folder, riders):
    write_split(f"{folder}-raw", riders)
    pseudonymize.run(config, f"{folder}-raw", str(folder))
    return str(folder)


def rows_of_batch(config, **columns):
    batch = pa.RecordBatch.from_pydict({name: pa.array(v) for name, v in columns.items()})
    edit = Rewrap(config)
    edit.setup()
    return edit.edit(batch)


def pseudonym(config, value, version, method=None):
    keys = keysets.domain_keys(config.keyset, version, config.domain)
    return (method or Hmac()).operate(pa.array([value]), keys)[0].as_py()


def test_joins_by_pseudonym_work_across_a_rotation(config, key_path, tmp_path):
    first = pseudonymized(config, tmp_path / "first", RIDERS)
    keysets.rotate(key_path)
    second = pseudonymized(config, tmp_path / "second", ["bob", "ada", "dora"])
    assert not {v[0] for v in values(first, "rider")} & {v[0] for v in values(second, "rider")}
    report = rewrap_data(config, first)
    assert (report.version, report.rows, report.rows_changed) == (2, 4, 4)
    assert report.unreadable == []
    of = dict(zip(["bob", "ada", "dora"], (v[0] for v in values(second, "rider")), strict=True))
    made = [v[0] for v in values(first, "rider")]
    assert made[:3] == [of["ada"], of["bob"], of["ada"]]
    assert made[3] not in of.values()


def test_a_rewrapped_dataset_is_what_the_new_version_would_have_made(config, key_path, tmp_path):
    moved = pseudonymized(config, tmp_path / "moved", RIDERS)
    keysets.rotate(key_path)
    rewrap_data(config, moved)
    anew = pseudonymized(config, tmp_path / "anew", RIDERS)
    assert rows(moved) == rows(anew)


def test_what_is_of_the_primary_version_stays_byte_by_byte(config, key_path, tmp_path):
    data = pseudonymized(config, tmp_path / "data", RIDERS)
    keysets.rotate(key_path)
    assert rewrap_data(config, data).rows_changed == 4
    (file,) = Path(data).glob("Split-*/*")
    before, written = file.read_bytes(), file.stat().st_mtime_ns
    report = rewrap_data(config, data)
    assert (report.rows, report.rows_changed, report.unreadable) == (4, 0, [])
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, written)


def test_versions_are_counted_by_field(config, key_path, tmp_path):
    data = pseudonymized(config, tmp_path / "data", RIDERS)
    files = [str(path) for path in Path(data).glob("Split-*/*")]
    expected = [("friends", 1, 3), ("rider", 1, 4)]
    assert held_versions(config, files) == [
        HeldPseudonyms(field=field, version=version, values=n) for field, version, n in expected
    ]


def test_what_a_destroyed_version_made_stays_and_is_counted(config, key_path, tmp_path):
    data = pseudonymized(config, tmp_path / "data", RIDERS)
    before = rows(data)
    keysets.rotate(key_path)
    keysets.destroy(key_path, 1)
    report = rewrap_data(config, data)
    assert report.rows_changed == 0
    assert {(h.field, h.version, h.values) for h in report.unreadable} == {
        ("rider", 1, 4),
        ("friends", 1, 3),
    }
    assert rows(data) == before


def test_what_no_key_made_stays(config, key_path):
    keysets.rotate(key_path)
    odd = ["[REDACTED]", "", "v1.", "v1.zz", "v9." + "0" * 32, None, "ada", "v1x" + "0" * 32]
    edited = rows_of_batch(config, rider=odd)
    assert edited.batch.column(0).to_pylist() == odd
    assert edited.is_same


def test_pseudonyms_inside_of_texts_move_and_the_text_stays(config, key_path):
    made = pseudonym(config, "ada@x.org", 1)
    keysets.rotate(key_path)
    new = pseudonym(config, "ada@x.org", 2)
    notes = [f"mail [EMAIL:{made}] or [IP]", "v1. of the form", None, f"[EMAIL:{new}]"]
    edited = rows_of_batch(config, note=notes)
    assert edited.batch.column(0).to_pylist() == [
        f"mail [EMAIL:{new}] or [IP]",
        *notes[1:],
    ]
    assert edited.changed.tolist() == [True, False, False, False]


def test_several_versions_move_at_once(config, key_path):
    made = [pseudonym(config, "ada", 1)]
    keysets.rotate(key_path)
    made.append(pseudonym(config, "ada", 2))
    keysets.rotate(key_path)
    edited = rows_of_batch(config, rider=made)
    assert edited.batch.column(0).to_pylist() == [pseudonym(config, "ada", 3)] * 2


def test_another_domain_s_pseudonyms_do_not_become_ours(config, key_path):
    made = pseudonym(config.model_copy(update={"domain": "drivers"}), "ada", 1)
    assert made != pseudonym(config, "ada", 1)
    keysets.rotate(key_path)
    edited = rows_of_batch(config, rider=[made])
    assert edited.batch.column(0).to_pylist() != [pseudonym(config, "ada", 2)]


def test_an_edit_that_is_ready_to_go_to_workers_holds_no_key(config, key_path):
    secret = keysets.load(key_path)
    pickled = pickle.dumps(Rewrap(config))
    for key in (secret.root, secret.key(1).material):
        assert key not in pickled
    ready = Rewrap(config)
    ready.setup()
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(ready)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_tables_are_rewrapped_in_their_own_format(config, key_path, tmp_path, suffix):
    raw = tmp_path / f"riders.{suffix}"
    frame = pd.DataFrame({"rider": RIDERS, "fare": ["1", None, "3", "4"]})
    frame.to_csv(raw, index=False) if suffix == "csv" else frame.to_parquet(raw)
    pseudonymize.run(config, str(raw), str(tmp_path / "out"))
    treated = tmp_path / "out" / raw.name
    treated.chmod(0o600)
    keysets.rotate(key_path)
    report = rewrap_data(config, str(treated))
    assert (report.rows, report.rows_changed, report.unreadable) == (4, 4, [])
    read = pd.read_csv(treated, dtype=str) if suffix == "csv" else pd.read_parquet(treated)
    assert read.rider.tolist() == [pseudonym(config, rider, 2) for rider in RIDERS]
    assert read.fare.fillna("").tolist() == ["1", "", "3", "4"]
    assert stat.S_IMODE(treated.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path / "out")) == ["report.json", raw.name]


def test_a_table_keeps_its_columns_types(config, key_path, tmp_path):
    path = tmp_path / "typed.parquet"
    made = pseudonym(config, "ada", 1)
    table = pa.table({"rider": pa.array([made], pa.large_string()), "n": pa.array([1], pa.int8())})
    parquet.write_table(table, path)
    keysets.rotate(key_path)
    rewrap_data(config, str(path))
    assert parquet.read_schema(path) == table.schema


def wrong_mode(path):
    os.chmod(path, 0o644)


def gone(path):
    os.unlink(path)


def damaged(path):
    Path(path).write_bytes(Path(path).read_bytes().replace(b"enabled", b"enablee"))


@pytest.mark.parametrize("trouble", [wrong_mode, gone, damaged])
def test_without_a_usable_keyset_no_byte_is_written(config, key_path, tmp_path, trouble):
    data = pseudonymized(config, tmp_path / "data", RIDERS)
    keysets.rotate(key_path)
    files = [path for path in Path(data).rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    trouble(key_path)
    with pytest.raises(KeysetError, match=key_path):
        rewrap_data(config, data)
    assert {p: p.read_bytes() for p in Path(data).rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()])
def test_where_no_data_is_it_is_said(config, tmp_path, make):
    make(tmp_path / "data")
    with pytest.raises(FileNotFoundError, match=r"data: neither Split-\* folders"):
        rewrap_data(config, str(tmp_path / "data"))


def test_pseudonyms_of_a_fixed_keyset_are_the_same_for_ever(tmp_path):
    path = tmp_path / "keyset.json"
    path.write_bytes(PLAIN)
    path.chmod(0o600)
    config = PrivacyConfig(
        fields={"rider": {"method": "hmac"}}, default="keep", keyset=str(path), domain="riders"
    )
    assert pseudonym(config, "ada", 2) == "v2.033664f5d4fd9c19a10cfaa66566d4a4"
    assert pseudonym(config, "ada", 3) == "v3.2cfeaa053547122673bd2a35a186f71b"
    edited = rows_of_batch(config, rider=["v2.033664f5d4fd9c19a10cfaa66566d4a4"])
    assert edited.batch.column(0).to_pylist() == ["v3.2cfeaa053547122673bd2a35a186f71b"]
