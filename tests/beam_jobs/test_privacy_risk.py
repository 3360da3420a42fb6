from collections import Counter, defaultdict

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.accounting import AccountError, SumCounts
from tfx_vigil.beam_jobs.count_classes import CountClasses, RiskCounter, measures_risk
from tfx_vigil.beam_jobs.privacy_measures import Measure
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.privacy_risk import split_risks
from tfx_vigil.beam_jobs.row_classes import class_tables, merged
from tfx_vigil.beam_jobs.value_hashes import row_hashes

QUASI, SENSITIVE = ({"method": "keep", "role": r} for r in ("quasi_identifier", "sensitive"))
CONFIG = PrivacyConfig(
    fields={"zip": QUASI, "age": QUASI, "ill": SENSITIVE}, default="keep", min_group_rows=3
)
# Sweeney 2002, figure 2 in spirit: three classes of 4, 2 and 1 rows.
ZIPS = ["0213*"] * 4 + ["0214*"] * 2 + ["0215*"]
AGES = [30, 30, 30, 30, 40, 40, 50]
ILLS = ["flu", "flu", "cold", "ache", "flu", "flu", None]


def batch(zips, ages, ills):
    def lists(values, kind):
        return pa.array([None if v is None else [v] for v in values], pa.large_list(kind))

    columns = {
        "zip": lists(zips, pa.large_binary()),
        "age": lists(ages, pa.int64()),
        "ill": lists(ills, pa.large_string()),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def risks(*batches, config=CONFIG):
    counter = RiskCounter(config, "all")
    for one in batches:
        counter.add(one)
    counts = counter.counts()
    counts[Measure("all", "rows_written")] = sum(one.num_rows for one in batches)
    return split_risks(counts, ["all"], config.min_group_rows)


def test_the_figures_are_those_of_a_table_counted_by_hand():
    [risk] = risks(batch(ZIPS, AGES, ILLS))
    assert (risk.rows, risk.classes, risk.k) == (7, 3, 1)
    assert risk.quasi_identifiers == ["age", "zip"]
    assert risk.unique == pytest.approx(1 / 7)
    assert (risk.under_5, risk.under_floor) == (1.0, pytest.approx(3 / 7))
    sizes = {(s.at_least, s.at_most): (s.classes, s.rows) for s in risk.sizes if s.classes}
    assert sizes == {(1, 1): (1, 1), (2, 4): (2, 6)}
    [ill] = risk.diversity
    assert (ill.field, ill.smallest, ill.classes_with_one_value) == ("ill", 1, 1)


def test_only_classes_that_are_large_enough_say_what_their_rows_share():
    [risk] = risks(batch(ZIPS, AGES, ILLS))
    assert [(c.rows, c.values) for c in risk.smallest] == [
        (1, None),
        (2, None),
        (4, "age=30, zip=0213*"),
    ]


def test_a_field_costs_what_its_absence_would_save():
    zips, ages = ["a", "a", "b", "b"], [1, 2, 3, 3]
    [risk] = risks(batch(zips, ages, [None] * 4))
    assert risk.unique == 0.5
    assert {f.field: f.share for f in risk.unique_without} == {"age": 0.0, "zip": 0.5}


def test_without_a_quasi_identifier_nothing_is_measured():
    assert not measures_risk(PrivacyConfig(default="keep"))
    assert measures_risk(CONFIG)
    columns = pa.RecordBatch.from_arrays([batch(ZIPS, AGES, ILLS).column(2)], ["ill"])
    assert risks(columns) == []
    assert risks() == []


values = st.sampled_from(["a", "b", "c", None])
table = st.lists(st.tuples(values, st.sampled_from([1, 2, None]), values), min_size=1, max_size=60)


@given(table, st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_batches_of_any_size_give_what_a_dictionary_gives(rows, size):
    parts = [batch(*zip(*rows[i : i + size], strict=True)) for i in range(0, len(rows), size)]
    [risk] = risks(*parts)
    classes, ills = Counter(row[:2] for row in rows), defaultdict(set)
    for zip_, age, ill in rows:
        if ill is not None:
            ills[zip_, age].add(ill)
    assert (risk.classes, risk.k) == (len(classes), min(classes.values()))
    assert risk.unique == sum(n == 1 for n in classes.values()) / len(rows)
    without = {"zip": Counter(row[1] for row in rows), "age": Counter(row[0] for row in rows)}
    assert {f.field: f.share for f in risk.unique_without} == {
        name: sum(n == 1 for n in of.values()) / len(rows) for name, of in without.items()
    }
    assert [(d.smallest, d.classes_with_one_value) for d in risk.diversity] == (
        [(min(map(len, ills.values())), sum(len(v) == 1 for v in ills.values()))] if ills else []
    )


def test_a_column_that_a_batch_lacks_is_one_without_values():
    whole = batch(["a", "a", None, None], [1, 2, 1, 2], ["x"] * 4)
    first, second = whole.slice(0, 2), whole.slice(2, 2)
    without_zip = pa.RecordBatch.from_arrays([second.column(1), second.column(2)], ["age", "ill"])
    assert risks(first, without_zip) == risks(whole)


def test_values_hash_alike_whatever_the_batch_and_lists_by_their_order():
    kind = pa.large_list(pa.large_binary())
    rows = [[b"a"], [b"a", b"b"], [b"b", b"a"], None, [], [b"b"]]
    together = row_hashes(pa.array(rows, kind))
    alone = [row_hashes(pa.array([row], kind))[0] for row in rows]
    assert together.tolist() == alone
    assert len(set(alone[:3] + alone[5:])) == 4
    assert alone[3] == alone[4] == 0
    texts = pa.array(["a", None, "b"])
    assert row_hashes(texts).tolist() == row_hashes(texts.cast(pa.large_binary())).tolist()
    assert row_hashes(texts.dictionary_encode()).tolist() == row_hashes(texts).tolist()
    numbers = pa.array([1, 2, None, 1])
    assert row_hashes(numbers).tolist() == row_hashes(numbers.cast(pa.float32())).tolist()


def test_values_that_are_no_utf_8_or_several_are_told_in_words():
    rows = pa.array([[b"\xff"], [b"a", b"b"], None], pa.large_list(pa.large_binary()))
    [*parts] = class_tables(pa.RecordBatch.from_arrays([rows], ["zip"]), ["zip"], [])
    words = [w for _, t in parts for w in t["classes", ""].about.to_pylist()]
    assert sorted(words) == ["", "zip=a, ...", "zip=\ufffd"]


def test_many_classes_meet_over_batches_and_workers():
    rng = np.random.default_rng(7)
    zips, ages = [f"{n:05d}" for n in rng.integers(0, 3000, 20_000)], rng.integers(0, 3, 20_000)
    whole = batch(zips, ages.tolist(), [None] * len(zips))
    parts = [whole.slice(i, 1000) for i in range(0, len(zips), 1000)]
    [risk] = risks(*parts)
    classes = Counter(zip(zips, ages, strict=True))
    assert (risk.classes, risk.k) == (len(classes), min(classes.values()))
    counter = RiskCounter(CONFIG, "all")
    for part in parts:
        counter.add(part)
    expected = counter.counts()

    def equal(found):
        assert found == [expected]

    with beam.Pipeline() as pipeline:
        counts = (
            pipeline
            | beam.Create(parts)
            | CountClasses(CONFIG, "all")
            | beam.CombineGlobally(SumCounts())
        )
        assert_that(counts, equal)


def test_merging_in_any_grouping_is_the_same():
    parts = [
        dict(class_tables(batch(zips, [1, 2], ["x", "y"]), ["zip", "age"], ["ill"]))
        for zips in (["a", "b"], ["a", "c"], ["b", "a"])
    ]
    for bucket in {b for part in parts for b in part}:
        a, b, c = (part.get(bucket) for part in parts)
        found = [x for x in (a, b, c) if x]
        at_once = merged(found)
        step_by_step = found[0]
        for other in found[1:]:
            step_by_step = merged([step_by_step, other])
        for kind, groups in at_once.items():
            assert groups.keys.tolist() == step_by_step[kind].keys.tolist()
            assert groups.rows.tolist() == step_by_step[kind].rows.tolist()
            assert groups.about == step_by_step[kind].about


def test_rows_that_are_in_no_class_fail_the_job():
    counter = RiskCounter(CONFIG, "all")
    counter.add(batch(ZIPS, AGES, ILLS))
    counts = counter.counts() + Counter({Measure("all", "rows_written"): 8})
    with pytest.raises(AccountError, match="rows_written=8 but rows_in_classes=7"):
        split_risks(counts, ["all"], 3)
