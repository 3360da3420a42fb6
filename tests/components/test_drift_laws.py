"""Distances and the laws they follow where nothing has drifted."""

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_vigil.components.drift_validator.divergence import divergence, divergence_test
from tfx_vigil.components.drift_validator.hypergeometric import both_tails
from tfx_vigil.components.drift_validator.largest_difference import largest_difference
from tfx_vigil.components.drift_validator.new_values import new_values
from tfx_vigil.components.drift_validator.normalized_difference import normalized_difference
from tfx_vigil.components.drift_validator.rank_tests import location, spread

SIZES = [(200, 200), (10_000, 200), (200, 10_000), (5_000, 5_000)]
SHAPES = {
    "even": np.full(10, 0.1),
    "zero_inflated": np.array([0.7, *[0.03] * 10]),
    "two": np.array([0.85, 0.15]),
    "long_tail": 1 / np.arange(1, 201) / (1 / np.arange(1, 201)).sum(),
    "identifiers": np.full(50_000, 1 / 50_000),
}
DISTANCES = {
    "divergence": divergence_test,
    "largest": largest_difference,
    "location": location,
    "spread": spread,
    "new": lambda counts, _: new_values(counts),
}


def spans(shape, sizes, tests, seed):
    rng = np.random.default_rng(seed)
    return np.stack([rng.multinomial(n, shape, tests) for n in sizes], axis=1).astype(float)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("distance", DISTANCES)
def test_samples_of_one_population_differ_as_rarely_as_stated(distance, shape, sizes):
    tests = 40 if shape == "identifiers" else 1_000
    counts = spans(SHAPES[shape], sizes, tests, seed=sum(sizes))
    values, null = DISTANCES[distance](counts, np.full(tests, "training"))
    chances = null.p_values(values)
    for chance in (0.05, 0.01, 0.001):
        expected = 1.3 * tests * chance
        assert (chances < chance).sum() <= expected + 3 * np.sqrt(expected) + 1


@pytest.mark.parametrize("against", ["training", "previous", "reference"])
@pytest.mark.parametrize("distance", ["divergence", "largest", "location", "spread"])
def test_spans_that_always_differ_raise_no_more_alarms(distance, against):
    rng = np.random.default_rng(1)
    tests, references = 400, 8
    shares = rng.dirichlet(np.full(8, 200.0), (tests, references + 2))
    counts = np.array([[rng.multinomial(5_000, p) for p in each] for each in shares], float)
    if against != "training":
        newest = counts[:, -1]
        counts[:, 1] = newest if against == "previous" else counts[:, 2:].sum(axis=1)
    values, null = DISTANCES[distance](counts, np.full(tests, against))
    assert (null.p_values(values) < 0.01).mean() <= 0.025
    alone, chance = DISTANCES[distance](counts[:, :2], np.full(tests, against))
    assert (chance.p_values(alone) < 0.01).mean() > 0.15
    assert (null.between > 0.5).mean() > 0.8


@pytest.mark.parametrize("distance", DISTANCES)
def test_quantiles_are_exceeded_as_often_as_asked(distance):
    counts = spans(SHAPES["long_tail"], (3_000, 2_000, 2_000, 2_500, 900), 20, seed=3)
    _, null = DISTANCES[distance](counts, np.full(20, "reference"))
    for level in (0.05, 1e-3, 1e-6):
        quantiles = null.quantiles(level)
        assert (null.p_values(quantiles * 1.01) <= level).all()
        assert (null.p_values(quantiles * 0.99) >= level).all()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_hypergeometric_tails_are_never_much_too_small(data):
    total = data.draw(st.integers(100, 20_000))
    marked = data.draw(st.integers(1, total // 2))
    drawn = data.draw(st.integers(20, total - 20))
    law = stats.hypergeom(total, marked, drawn)
    x = data.draw(st.integers(*(int(law.ppf(q)) for q in (1e-7, 1 - 1e-7))))
    distance = abs(x - law.mean())
    exact = law.sf(np.ceil(law.mean() + distance - 1e-9) - 1) + law.cdf(
        np.floor(law.mean() - distance + 1e-9)
    )
    told = both_tails(*(np.array([float(v)]) for v in (distance, total, marked, drawn)))[0]
    assert 0.7 * min(exact, 1) <= told <= 1


def by_tfdv(distance, baseline, current, categorical):
    """TFDV's own comparator, on histograms that are already in the same bins."""
    schema = schema_pb2.Schema()
    kind = schema_pb2.BYTES if categorical else schema_pb2.FLOAT
    feature = schema.feature.add(name="x", type=kind)
    getattr(feature.drift_comparator, distance).threshold = 0.5
    sides = []
    for counts in (baseline, current):
        side = statistics_pb2.DatasetFeatureStatisticsList()
        told = side.datasets.add(num_examples=1).features.add()
        told.path.step.append("x")
        if categorical:
            told.type = statistics_pb2.FeatureNameStatistics.STRING
            told.string_stats.common_stats.num_non_missing = 1
            for i, count in enumerate(counts):
                if count:
                    told.string_stats.rank_histogram.buckets.add(label=str(i), sample_count=count)
        else:
            told.type = statistics_pb2.FeatureNameStatistics.FLOAT
            told.num_stats.common_stats.num_non_missing = 1
            histogram = told.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
            for i, count in enumerate(counts):
                histogram.buckets.add(low_value=i, high_value=i + 1, sample_count=count)
        sides.append(side)
    found = tfdv.validate_statistics(sides[1], schema, previous_statistics=sides[0])
    return found.drift_skew_info[0].drift_measurements[0].value


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12))
def test_values_are_those_of_tfdvs_comparators(pairs):
    baseline, current = np.array(pairs, float).T
    if not baseline.sum() or not current.sum():
        return
    counts, against = np.stack([current, baseline])[None], np.array(["previous"])
    for distance, (values, _), categorical in (
        ("jensen_shannon_divergence", divergence_test(counts, against), False),
        ("infinity_norm", largest_difference(counts, against), True),
        ("normalized_abs_difference", normalized_difference(counts), True),
    ):
        theirs = by_tfdv(distance, baseline, current, categorical)
        assert values[0] == pytest.approx(theirs, abs=1e-9)


def test_divergence_is_the_square_of_scipys_distance_in_bits():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 30, 7))
    expected = jensenshannon(first, second, axis=1, base=2) ** 2
    assert divergence(first, second) == pytest.approx(expected)


def test_ranks_tell_direction_and_width_whatever_the_tails():
    rng = np.random.default_rng(2)
    edges = np.linspace(-8, 8, 200)

    def counted(values):
        return np.histogram(values, [-np.inf, *edges, np.inf])[0].astype(float)

    base, shifted, wider = (
        counted(f(rng.standard_cauchy(4_000)))
        for f in (lambda x: x, lambda x: x + 0.5, lambda x: 2 * x)
    )
    against = np.array(["training", "training"])
    counts = np.array([[shifted, base], [wider, base]])
    (moved, still), law = location(counts, against)
    assert (
        law.p_values(np.array([moved, still]))[0]
        < 1e-6
        < 0.01
        < law.p_values(np.array([moved, still]))[1]
    )
    values, law = spread(counts, against)
    assert law.p_values(values)[1] < 1e-6
