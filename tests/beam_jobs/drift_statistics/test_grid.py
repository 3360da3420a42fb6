import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.drift_statistics.grid import Grid, levels_to_drop, merged, on_common_bins

numbers = st.lists(st.floats(allow_nan=True), max_size=60).map(np.array)
some_numbers = st.lists(st.floats(allow_nan=False), min_size=1, max_size=60).map(np.array)


@given(numbers, st.integers(2, 30))
def test_every_value_lies_in_its_bin_and_is_counted_once(values, bins):
    grid = Grid.of(values, bins)
    known = values[~np.isnan(values)] + 0.0
    assert len(grid.keys) <= bins
    assert grid.nan == len(values) - len(known)
    upper = np.append(grid.upper[:-1], np.inf)[:, None]  # inf lies in the last bin, if anywhere
    in_last = np.arange(len(grid.keys))[:, None] == len(grid.keys) - 1
    inside = (grid.lower[:, None] <= known) & ((known < upper) | in_last & (known == np.inf))
    np.testing.assert_array_equal(inside.sum(axis=0), np.ones(len(known)))
    np.testing.assert_array_equal(inside.sum(axis=1), grid.counts)


@given(numbers, numbers, st.integers(2, 30))
def test_merged_parts_are_the_grid_of_the_whole(one, other, bins):
    parts = merged([Grid.of(one, bins), Grid.of(other, bins)], bins)
    whole = Grid.of(np.append(one, other), bins)
    assert (parts.level, parts.nan) == (whole.level, whole.nan)
    np.testing.assert_array_equal(parts.keys, whole.keys)
    np.testing.assert_array_equal(parts.counts, whole.counts)


@given(some_numbers, some_numbers)
def test_two_grids_are_counted_exactly_on_common_bins(one, other):
    level, keys, counts = on_common_bins([Grid.of(one, 8), Grid.of(other, 8)])
    edges = Grid(level, keys, counts[0])
    for values, row in zip((one, other), counts, strict=True):
        values = values[np.isfinite(values)] + 0.0
        below = (values[:, None] < edges.upper).sum(axis=0)
        finite = np.isfinite(edges.lower) & np.isfinite(edges.upper)
        inside = below - (values[:, None] < edges.lower).sum(axis=0)
        np.testing.assert_array_equal(inside[finite], row[finite])


@given(some_numbers, st.integers(2, 20))
def test_the_level_is_the_finest_that_suffices(values, bins):
    grid = Grid.of(values, bins)
    exact = Grid.of(values, 10**6)
    assert grid.level == 0 or len(exact.at_level(grid.level - 1).keys) > bins
    assert levels_to_drop(exact.keys, bins) == grid.level


def test_integers_are_exact_up_to_two_to_the_53rd():
    whole = np.array([0, 1, -1, 2**53 - 1, -(2**53), 7], np.int64)
    np.testing.assert_array_equal(Grid.of(whole).lower, np.sort(whole))


def test_both_zeros_are_one_value():
    grid = Grid.of(np.array([0.0, -0.0, 0.0]))
    assert grid.counts.tolist() == [3]
    assert grid.lower.tolist() == [0.0]


def test_infinities_are_values_and_nan_is_not():
    grid = Grid.of(np.array([-np.inf, 1.0, np.inf, np.nan]))
    assert grid.lower.tolist() == [-np.inf, 1.0, np.inf]
    assert grid.total == 3
    assert grid.nan == 1


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_quantiles_are_off_by_less_than_a_bin(scale):
    values = np.random.default_rng(0).lognormal(sigma=2, size=20_000) * scale
    grid = Grid.of(values, 512)
    shares = np.linspace(0.01, 0.99, 25)
    found, true = grid.quantiles(shares), np.quantile(values, shares)
    assert np.abs(found / true - 1).max() < 0.1


def test_zeros_and_a_narrow_far_range_are_both_resolved():
    times = 1.7e15 + np.arange(100_000) * 1e6
    grid = Grid.of(np.append(np.zeros(50_000), times))
    assert grid.counts[0] == 50_000
    assert grid.counts[1:].max() < 400


def test_no_values_make_an_empty_grid_without_quantiles():
    empty = Grid.of(np.array([np.nan]))
    assert merged([empty, Grid.of(np.array([2.0]))]).total == 1
    with pytest.raises(ValueError, match="empty grid"):
        empty.quantiles(np.array([0.5]))
