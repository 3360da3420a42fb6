import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from tfx_vigil.components.drift_validator.thresholds import (
    DivergenceNoise,
    LargestDifferenceNoise,
    threshold,
)

SIZES = [(100, 100), (100, 100_000), (1_000, 1_000), (10_000, 10_000), (10_000, 1_000_000)]
SHAPES = {
    "even": np.full(10, 0.1),
    "zero_inflated": np.array([0.8, *[0.2 / 9] * 9]),
    "two": np.array([0.3, 0.7]),
    "many": np.full(500, 1 / 500),
}
REPEATS = 4000


def samples(shape, n, m, repeats=REPEATS):
    rng = np.random.default_rng(n + m)
    return (rng.multinomial(size, shape, repeats) / size for size in (n, m))


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("shape", ["even", "zero_inflated", "two"])
def test_divergence_of_equal_populations_exceeds_its_quantile_as_rarely_as_stated(shape, n, m):
    baselines, currents = samples(SHAPES[shape], n, m)
    values = jensenshannon(baselines, currents, axis=1, base=2) ** 2
    for chance in (0.05, 0.01, 0.001):
        alarms = sum(
            value > DivergenceNoise(b, c, n, m).quantile(chance)
            for b, c, value in zip(baselines[:2000], currents[:2000], values, strict=False)
        )
        # Three standard deviations of the binomial count above what is stated.
        assert alarms <= 2000 * chance + 3 * np.sqrt(2000 * chance) + 1


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("shape", ["zero_inflated", "two", "many"])
def test_largest_difference_of_equal_populations_exceeds_its_quantile_as_rarely_as_stated(
    shape, n, m
):
    baselines, currents = samples(SHAPES[shape], n, m, 1000)
    values = np.abs(baselines - currents).max(axis=1)
    rates = np.array(
        [
            LargestDifferenceNoise(b, c, n, m).false_alarm_rate(value)
            for b, c, value in zip(baselines, currents, values, strict=True)
        ]
    )
    for chance in (0.05, 0.01, 0.001):
        assert (rates < chance).sum() <= 1000 * chance + 3 * np.sqrt(1000 * chance) + 1


@pytest.mark.parametrize("kind", [DivergenceNoise, LargestDifferenceNoise])
@pytest.mark.parametrize("n", [100, 1_000, 10_000])
def test_a_report_of_many_comparisons_rarely_raises_any_alarm(kind, n):
    """200 reports of 100 comparisons each, without floors, at alpha 0.05: at most 5 % alarmed."""
    comparisons, reports = 100, 200
    baselines, currents = samples(SHAPES["even"], n, 10 * n, comparisons * reports)
    if kind is DivergenceNoise:
        values = jensenshannon(baselines, currents, axis=1, base=2) ** 2
    else:
        values = np.abs(baselines - currents).max(axis=1)
    limits = np.array(
        [
            threshold(kind(b, c, n, 10 * n), 0.0, None, 0.05, comparisons).value
            for b, c in zip(baselines[:500], currents[:500], strict=True)
        ]
    )
    alarmed = (values > limits.min()).reshape(reports, comparisons).any(axis=1).mean()
    assert alarmed <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / reports)


def test_noise_quantile_and_false_alarm_rate_are_inverse():
    shares = SHAPES["even"]
    for kind in (DivergenceNoise, LargestDifferenceNoise):
        noise = kind(shares, shares, 200, 3000)
        for chance in (0.1, 1e-3, 1e-6):
            assert noise.false_alarm_rate(noise.quantile(chance)) == pytest.approx(chance, rel=1e-3)


def test_threshold_says_where_it_comes_from():
    shares = SHAPES["even"]
    small, large = (DivergenceNoise(shares, shares, n, n) for n in (60, 1_000_000))
    assert threshold(large, 0.02, None, 0.01, 100).origin == "practical floor"
    noisy = threshold(small, 0.02, None, 0.01, 100)
    assert noisy.origin == "sampling noise at n=60 against 60"
    assert noisy.value > 0.02
    fixed = threshold(small, 0.02, 0.3, 0.01, 100)
    assert (fixed.value, fixed.origin) == (0.3, "fixed in configuration")


def test_more_comparisons_never_lower_the_threshold():
    noise = DivergenceNoise(SHAPES["even"], SHAPES["even"], 100, 100)
    values = [threshold(noise, 0.02, None, 0.01, tests).value for tests in (1, 10, 1000)]
    assert values == sorted(values)
    assert values[0] < values[-1]
