import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.drift_statistics.categories import (
    Categories,
    bucket_of,
    common_cells,
    merged,
    value_hashes,
)

texts = st.lists(st.sampled_from([f"value {i}" for i in range(40)]), min_size=1, max_size=80)


def counted(values: list[str], listed: int) -> Categories:
    found = collections.Counter(values)
    return Categories.of(list(found), list(found.values())).most_frequent(listed)


@given(texts, texts, st.integers(1, 40), st.integers(1, 40))
def test_common_cells_hold_every_occurrence_exactly(one, other, most, more):
    sides = [counted(one, most), counted(other, more)]
    names, counts = common_cells(sides)
    assert counts.sum(axis=1).tolist() == [len(one), len(other)]
    named = [name for name in names if name is not None]
    number = min((len(s.buckets) for s in sides if s.buckets is not None), default=1)
    for values, row in zip((one, other), counts, strict=True):
        for name, count in zip(names, row, strict=True):
            assert name is None or count == values.count(name)
        rest = [value for value in values if value not in named]
        buckets = np.bincount(bucket_of(value_hashes(np.array(rest, object)), number))
        assert sorted(buckets[buckets > 0]) == sorted(
            count for name, count in zip(names, row, strict=True) if name is None and count
        )


@given(texts, texts, st.integers(1, 40))
def test_merged_lists_only_exact_counts(one, other, most):
    both = merged([counted(one, most), counted(other, most)], most)
    assert both.total == len(one) + len(other)
    assert len(both.values) <= most
    for value, count in zip(both.values, both.counts, strict=True):
        assert count == one.count(value) + other.count(value)
    expected = np.bincount(bucket_of(value_hashes(np.array(one + other, object)), 64), minlength=64)
    np.testing.assert_array_equal(both.in_buckets(64), expected)


def test_complete_lists_need_no_buckets():
    side = counted(["a", "b", "a"], 10)
    assert side.complete
    assert side.buckets is None
    assert dict(zip(side.values, side.counts, strict=True)) == {"a": 2, "b": 1}


def test_stock_statistics_that_list_a_part_are_not_comparable():
    listed = Categories.of(["a"], [5], rest=3)
    assert not listed.comparable
    with pytest.raises(ValueError, match="most frequent"):
        common_cells([listed, counted(["a"], 5)])


def test_hashes_are_the_same_in_every_process():
    assert value_hashes(np.array(["tfx", b"tfx"], object)).tolist() == [2003238307685798873] * 2
