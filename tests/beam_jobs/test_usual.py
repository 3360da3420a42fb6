"""How often chance alone looks surprising, and what does not go unnoticed: by simulation."""

import numpy as np
import pytest
from tfx_vigil.beam_jobs.usual import CHANCE, Counted, surprise

SPREAD = 0.15


def alarms(windows, mean, noise, draws=300, factor=1.0):
    """After how many of the draws a count looks too small, and too large."""
    random = np.random.default_rng(windows)
    rates = mean * np.exp(noise * random.normal(size=(draws, windows + 1)))
    rates[:, 0] *= factor
    found = [
        surprise(Counted(now, 1), [Counted(x, 1) for x in earlier], SPREAD)
        for now, *earlier in random.poisson(rates).tolist()
    ]
    return sum(x.low < CHANCE for x in found), sum(x.high < CHANCE for x in found)


@pytest.mark.parametrize(("mean", "noise"), [(3, 0.0), (30, 0.1), (5_000, 0.15)])
def test_chance_alone_hardly_ever_surprises(mean, noise):
    assert sum(sum(alarms(windows, mean, noise)) for windows in (1, 3, 12)) <= 4


def test_noise_that_is_wider_than_taken_for_granted_is_learned():
    assert sum(alarms(4, 5_000, 0.3)) <= 6
    assert sum(alarms(12, 5_000, 0.3)) <= 3


@pytest.mark.parametrize(("windows", "missed"), [(3, 30), (12, 3)])
def test_a_third_of_usual_is_noticed(windows, missed):
    low, _ = alarms(windows, 5_000, 0.1, factor=1 / 3)
    assert low >= 300 - missed


@pytest.mark.parametrize("windows", [1, 2, 12])
def test_a_ten_times_larger_count_is_noticed(windows):
    assert alarms(windows, 1_000, 0.1, draws=100, factor=10)[1] >= 99


def test_one_earlier_window_lets_only_gross_changes_surprise():
    usual = [Counted(1000, 1)]
    assert surprise(Counted(333, 1), usual, SPREAD).low > CHANCE
    assert surprise(Counted(100, 1), usual, SPREAD).low < CHANCE


def test_one_outlier_among_the_earlier_hides_nothing():
    usual = [Counted(n, 1) for n in (1000, 1050, 980, 1020, 10, 990, 1010)]
    assert surprise(Counted(333, 1), usual, SPREAD).low < CHANCE


def test_counts_are_compared_by_their_sizes():
    usual = [Counted(100 * n, n) for n in (1, 2, 5, 10)]
    found = surprise(Counted(300, 3), usual, SPREAD)
    assert found.usual == pytest.approx(300)
    assert min(found.low, found.high) > 0.3


def test_after_nothing_but_zeros_a_few_are_no_surprise():
    usual = [Counted(0, 10_000)] * 7
    assert surprise(Counted(0, 10_000), usual, SPREAD).high == 1
    assert surprise(Counted(2, 10_000), usual, SPREAD).high > CHANCE
    assert surprise(Counted(50, 10_000), usual, SPREAD).high < CHANCE
