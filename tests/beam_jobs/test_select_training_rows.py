import glob

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.select_training_rows import select_training_rows


def write(path, times, values, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([[t] for t in times], pa.list_(pa.int64())),
            pa.array([[v] for v in values], pa.list_(pa.float32())),
            pa.array([[b"secret"] for _ in values], pa.list_(pa.large_binary())),
            *(pa.array([x if x is None else [x] for x in column]) for column in columns.values()),
        ],
        ["log_event_time", "fare", "rider", *columns],
    )
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for example in encode_examples(batch):
            writer.write(example)


def rows(split):
    examples = tf.data.TFRecordDataset(glob.glob(f"{split}/*"), "GZIP").as_numpy_iterator()
    return ExamplesToRecordBatchDecoder().DecodeBatch(list(examples)).to_pydict()


@pytest.fixture
def spans(tmp_path):
    write(tmp_path / "old" / "data.gz", range(10), range(10))
    write(tmp_path / "new" / "data.gz", range(100, 200), range(100, 200))
    return tmp_path


def select(spans, older, holdout, columns, weight=1.0, old_holdout=0.0):
    out = spans / "out"
    patterns = {**dict.fromkeys(older, weight), f"{spans}/new/*": 1.0}
    with beam.Pipeline() as p:
        select_training_rows(p, patterns, holdout, old_holdout, columns, str(out))
    return rows(out / "Split-train"), rows(out / "Split-eval")


def test_the_newest_rows_of_the_newest_span_are_held_out(spans):
    train, held_out = select(spans, [f"{spans}/old/*"], 0.3, ["fare"])
    assert sorted(v for [v] in held_out["fare"]) == list(range(170, 200))
    assert sorted(v for [v] in train["fare"]) == [*range(10), *range(100, 170)]


def test_only_the_columns_asked_for_are_kept(spans):
    for split in select(spans, [], 0.5, ["fare", "absent"]):
        assert list(split) == ["fare"]


def test_rows_whose_outcome_the_model_decided_are_left_out(tmp_path):
    write(tmp_path / "new" / "data.gz", range(4), range(4), log_model_decided=[None, 1, 0, 1])
    train, held_out = select(tmp_path, [], 0.25, ["fare"])
    assert sorted(v for [v] in [*train["fare"], *held_out["fare"]]) == [0, 2]


def test_a_row_whose_label_was_corrected_counts_once_with_the_newer_label(tmp_path):
    ids = {"log_request_id": [b"a", b"b", b"b"], "log_row": [0, 0, 1]}
    write(tmp_path / "old" / "data.gz", range(3), range(3), log_label_time=[1, 2, 3], **ids)
    again = {"log_request_id": [b"b"], "log_row": [1], "log_label_corrects": [1]}
    write(tmp_path / "new" / "data.gz", [2], [9], log_label_time=[8], **again)
    train, _ = select(tmp_path, [f"{tmp_path}/old/*"], 0.5, ["fare"])
    assert sorted(v for [v] in train["fare"]) == [0, 1, 9]


def test_a_correction_leaves_other_rows_alone_though_every_id_was_redacted(tmp_path):
    ids = {"log_request_id": [b"[redacted]"] * 3, "log_row": [0] * 3}
    write(tmp_path / "old" / "data.gz", range(3), range(3), log_label_time=[1, 2, 3], **ids)
    again = {name: values[:1] for name, values in ids.items()} | {"log_label_corrects": [1]}
    write(tmp_path / "new" / "data.gz", [2], [9], log_label_time=[8], **again)
    train, _ = select(tmp_path, [f"{tmp_path}/old/*"], 0.5, ["fare"])
    assert sorted(v for [v] in train["fare"]) == [0, 1, 9]


def test_rows_of_older_spans_that_are_later_than_the_cutoff_are_left_out(spans):
    write(spans / "late" / "data.gz", [150, 169, 170, 198], [1, 2, 3, 4])
    older = [f"{spans}/old/*", f"{spans}/late/*"]
    train, held_out = select(spans, older, 0.3, ["fare"])
    assert sorted(v for [v] in train["fare"]) == [*sorted([*range(10), 1, 2]), *range(100, 170)]
    assert len(held_out["fare"]) == 30


def test_rows_of_a_weighed_span_say_so_and_all_others_count_one(spans):
    train, held_out = select(spans, [f"{spans}/old/*"], 0.3, ["fare"], weight=0.25)
    weights = {(fare < 100, weight) for [fare], [weight] in zip(*train.values(), strict=True)}
    assert list(train) == ["fare", "training_weight"]
    assert weights == {(True, 0.25), (False, 1.0)}
    assert {weight for [weight] in held_out["training_weight"]} == {1.0}


def test_rows_without_a_time_are_older(tmp_path):
    write(tmp_path / "new" / "data.gz", range(4), range(4))
    batch = pa.RecordBatch.from_arrays([pa.array([[7.0]], pa.list_(pa.float32()))], ["fare"])
    (tmp_path / "old").mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / "old/data.gz"), "GZIP") as writer:
        writer.write(next(iter(encode_examples(batch))))
    train, _ = select(tmp_path, [f"{tmp_path}/old/*"], 0.5, ["fare"])
    assert sorted(v for [v] in train["fare"]) == [0, 1, 7]


def test_a_share_of_the_rows_up_to_the_cutoff_never_trains_in_no_later_plan_either(tmp_path):
    for name, first in (("a", 0), ("b", 500), ("c", 1000)):
        values = range(first, first + 500)
        ids = {"log_request_id": [f"r{i}".encode() for i in values]}
        write(tmp_path / name / "data.gz", values, values, **ids)
    out, seen = tmp_path / "out", []
    for spans in ("ab", "abc"):
        patterns = {f"{tmp_path}/{name}/*": 1.0 for name in spans}
        with beam.Pipeline() as p:
            select_training_rows(p, patterns, 0.3, 0.2, ["fare"], f"{out}-{spans}")
        splits = [
            {v for [v] in rows(f"{out}-{spans}/Split-{name}")["fare"]}
            for name in ("train", "eval", "old")
        ]
        train, held_out, old = splits
        cutoff = 500 * len(spans) - 150
        assert held_out == set(range(cutoff, 500 * len(spans)))
        assert train | old == set(range(cutoff))
        assert not train & old
        assert 0.15 < len(old) / cutoff < 0.25
        seen.append(old)
    assert seen[0] < seen[1]


def test_rows_that_are_known_by_nothing_all_train(tmp_path):
    write(tmp_path / "new" / "data.gz", range(4), range(4))
    batch = pa.RecordBatch.from_arrays([pa.array([[7.0]] * 50, pa.list_(pa.float32()))], ["fare"])
    (tmp_path / "old").mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / "old/data.gz"), "GZIP") as writer:
        for example in encode_examples(batch):
            writer.write(example)
    train, _ = select(tmp_path, [f"{tmp_path}/old/*"], 0.5, ["fare"], old_holdout=0.5)
    assert [v for [v] in train["fare"]].count(7) == 50
