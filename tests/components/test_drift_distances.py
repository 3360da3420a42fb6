"""Counts in common bins, and TFDV's distances on them, beside numpy on the raw values."""

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_vigil.beam_jobs.slice_statistics import QUANTILE_BUCKETS
from tfx_vigil.components.drift_validator.categories import common_values
from tfx_vigil.components.drift_validator.counts import Counts
from tfx_vigil.components.drift_validator.distances import measured, tfdv_anomalies
from tfx_vigil.components.drift_validator.histograms import Cumulative, choose_cuts, common_bins

from .drift_statistics import statistics_of

JS, LINF = "jensen_shannon_divergence", "infinity_norm"
RNG = np.random.default_rng(7)
COLUMNS = {
    "normal": lambda n: RNG.normal(size=n),
    "log_normal": lambda n: RNG.lognormal(sigma=2, size=n),
    "cauchy": lambda n: RNG.standard_cauchy(n),
    "zero_inflated": lambda n: np.where(RNG.random(n) < 0.6, 0, RNG.exponential(size=n)),
    "mostly_zero": lambda n: np.where(RNG.random(n) < 0.97, 0, RNG.exponential(size=n)),
    "capped": lambda n: np.minimum(RNG.exponential(size=n), 1.5),
    "constant": lambda n: np.full(n, 3.0),
    "code": lambda n: RNG.integers(0, 5, n),
    "month": lambda n: RNG.integers(1, 13, n),
    "poisson": lambda n: RNG.poisson(3, n),
    "bimodal": lambda n: np.where(RNG.random(n) < 0.5, -5, 5) + RNG.normal(size=n) / 10,
    "infinite": lambda n: np.where(RNG.random(n) < 0.1, np.inf, RNG.normal(size=n)),
    "not_a_number": lambda n: np.where(RNG.random(n) < 0.1, np.nan, RNG.normal(size=n)),
}


def features(columns: dict, options=None) -> dict:
    return {f.path.step[0]: f for f in statistics_of(columns, options=options).datasets[0].features}


@pytest.fixture(scope="module")
def samples() -> tuple[dict, dict]:
    return tuple({name: draw(n) for name, draw in COLUMNS.items()} for n in (20_000, 5_000))


@pytest.fixture(scope="module")
def sides(samples) -> tuple[dict, dict]:
    return tuple(features(sample) for sample in samples)


@pytest.mark.parametrize("name", COLUMNS)
def test_two_samples_of_one_population_are_close_whatever_its_shape(sides, name):
    counts = common_bins(sides[0][name], sides[1][name], 10)
    assert by_tfdv(JS, counts) < 0.004


@pytest.mark.parametrize("name", ["normal", "log_normal", "cauchy", "poisson", "month"])
def test_counts_are_those_of_the_raw_values_within_a_hundredth(samples, sides, name):
    cuts = choose_cuts(known(sides[0][name]), 10, 5_000)
    edges = [value for value, _ in cuts]
    for sample, side in zip(samples, sides, strict=True):
        raw = np.float32(sample[name])
        truth = [
            (raw <= np.float32(e)).mean() if closed else (raw < np.float32(e)).mean()
            for e, closed in cuts
        ]
        read = [known(side[name]).count(cut) / len(raw) for cut in cuts]
        np.testing.assert_allclose(read, truth, atol=0.01)
    assert edges == sorted(edges)


@pytest.mark.parametrize("shift", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("name", ["normal", "log_normal", "zero_inflated"])
def test_divergence_is_that_of_the_raw_values_over_the_same_edges(samples, sides, name, shift):
    moved = samples[1][name] + shift * samples[0]["normal"].std()
    current = features({name: moved})[name]
    counts = common_bins(sides[0][name], current, 10)
    cuts = choose_cuts(known(sides[0][name]), 10, len(moved))
    shares = []
    for values in (np.float32(samples[0][name]), np.float32(moved)):
        below = [
            (values <= np.float32(e)).mean() if closed else (values < np.float32(e)).mean()
            for e, closed in cuts
        ]
        shares.append(np.diff([0, *below, 1]))
    truth = jensenshannon(*shares, base=2) ** 2
    assert by_tfdv(JS, counts) == pytest.approx(truth, abs=0.004)


def test_mass_at_a_point_stays_at_the_point(sides):
    zeros = common_bins(sides[0]["mostly_zero"], sides[1]["mostly_zero"], 10)
    shares = dict(zip(zeros.bins, zeros.shares()[1], strict=True))
    assert shares["0"] == pytest.approx(0.97, abs=0.015)
    assert shares["(-inf, 0)"] == 0
    caps = common_bins(sides[0]["capped"], sides[1]["capped"], 10)
    assert dict(zip(caps.bins, caps.shares()[0], strict=True))["1.5"] == pytest.approx(
        np.exp(-1.5), abs=0.015
    )


def test_values_outside_the_baselines_range_have_bins_of_their_own():
    constant = features({"x": np.full(1000, 3.0)})["x"]
    for other in (2.0, 4.0):
        counts = common_bins(constant, features({"x": np.full(1000, other)})["x"], 10)
        assert by_tfdv(JS, counts) == 1


def test_nan_on_both_sides_is_no_difference_and_on_one_side_is(sides):
    """TFDV by itself sets the NaN of one side against those of the other."""
    same = common_bins(sides[0]["not_a_number"], sides[1]["not_a_number"], 10)
    assert same.bins[-1] == "NaN"
    fewer = common_bins(sides[0]["not_a_number"], sides[1]["normal"], 10)
    assert by_tfdv(JS, fewer) > 0.04
    only = common_bins(sides[0]["not_a_number"], features({"x": np.full(100, np.nan)})["x"], 10)
    assert only.shares()[1][-1] == 1


def test_stock_statistics_are_compared_and_say_how_coarse_they_are(samples, sides):
    stock = [features(sample, tfdv.StatsOptions()) for sample in samples]
    for name in ("normal", "cauchy", "zero_inflated", "code", "poisson"):
        counts = common_bins(stock[0][name], stock[1][name], 10)
        assert by_tfdv(JS, counts) < 0.01
        assert counts.resolution == 0.1
        mixed = common_bins(sides[0][name], stock[1][name], 10)
        assert by_tfdv(JS, mixed) < 0.01
        assert mixed.resolution == 1 / QUANTILE_BUCKETS


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-5, 5) | st.floats(-1e3, 1e3, width=32), min_size=1, max_size=200),
    st.integers(2, 20),
)
def test_every_value_is_in_exactly_one_bin(values, bins):
    x = features({"x": np.array(values, np.float32)})["x"]
    cuts = choose_cuts(known(x), bins, len(values))
    assert cuts == sorted(set(cuts))
    counts = common_bins(x, x, bins)
    assert counts.baseline.sum() == pytest.approx(len(values))
    assert (counts.baseline >= 0).all()
    assert by_tfdv(JS, counts) == pytest.approx(0, abs=1e-9)


def test_divergence_is_tfdvs_own_on_histograms_that_are_already_aligned():
    before, after = np.array([5.0, 0, 20, 75]), np.array([10.0, 5, 5, 30])
    counts = Counts(("a", "b", "c", "d"), before, after)
    truth = jensenshannon(before / before.sum(), after / after.sum(), base=2) ** 2
    for against in ("training", "previous"):
        assert by_tfdv(JS, counts, against) == pytest.approx(truth, abs=1e-9)


@pytest.mark.parametrize("against", ["training", "previous"])
def test_largest_difference_is_that_of_the_raw_values(against):
    before, after = (
        RNG.choice(["a", "b", "c", "d"], n, p=p)
        for n, p in ((9_000, [0.5, 0.3, 0.2, 0]), (700, [0.3, 0.3, 0.3, 0.1]))
    )
    counts = common_values(features({"x": before})["x"], features({"x": after})["x"])
    truth = max(abs((before == v).mean() - (after == v).mean()) for v in "abcd")
    assert by_tfdv(LINF, counts, against) == pytest.approx(truth)


def test_a_truncated_rank_histogram_never_overstates_the_difference():
    """TFDV takes the shares of what was kept: 0.33 for a true 0.21 with ten values kept."""
    tail = [f"v{i}" for i in range(400)]
    before = np.concatenate([["top"] * 4_000, RNG.choice(tail, 6_000)])
    after = np.concatenate([["top"] * 1_900, RNG.choice(tail, 8_100)])
    cut_short = [
        features({"x": side}, tfdv.StatsOptions(num_rank_histogram_buckets=10))["x"]
        for side in (before, after)
    ]
    assert by_tfdv(LINF, common_values(*cut_short)) == pytest.approx(0.21, abs=0.002)


@pytest.mark.parametrize(("n", "m"), [(20_000, 60), (60, 20_000), (20_000, 20_000)])
def test_unique_identifiers_do_not_differ(n, m):
    """But for one row of the smaller side, and a thousandth that TFDV's sketch may count off."""
    before, after = (
        features({"x": np.array([f"{side}{i}" for i in range(rows)])})["x"]
        for side, rows in (("a", n), ("b", m))
    )
    assert by_tfdv(LINF, common_values(before, after)) <= 1 / min(n, m) + 0.001


def test_distribution_shows_the_largest_values_and_the_rest():
    counts = Counts(("a", "b", "c"), np.array([1.0, 6, 3]), np.array([0.0, 5, 5]), 10, 0)
    shown = counts.distribution(largest=2)
    assert shown.bins == ["b", "c", "all others"]
    assert shown.baseline == pytest.approx([0.3, 0.15, 0.55])
    assert shown.current == pytest.approx([0.5, 0.5, 0])


def known(feature) -> Cumulative:
    (histogram,) = [
        h for h in feature.num_stats.histograms if h.type == statistics_pb2.Histogram.QUANTILES
    ]
    return Cumulative(histogram, feature.type == statistics_pb2.FeatureNameStatistics.INT)


def by_tfdv(distance: str, counts: Counts, against: str = "previous") -> float:
    return measured(tfdv_anomalies({"x": (distance, counts, 0.5)}, against))["x"]
