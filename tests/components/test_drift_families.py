import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.families import (
    MAIN,
    SHARES,
    of_detector,
    weights,
)
from tfx_vigil.components.drift_validator.judge import _levels
from tfx_vigil.components.drift_validator.measure import measure
from tfx_vigil.components.drift_validator.pairs import pair_up
from tfx_vigil.components.drift_validator.populations import population

from .drift_statistics import measured

ALPHA = 0.05


COMPARISONS = st.tuples(st.sampled_from(sorted(SHARES)), st.booleans())


def levels_of(chances: np.ndarray, families: list[str]) -> np.ndarray:
    return _levels(chances, np.array(families), np.zeros(len(families), bool), ALPHA)


@given(st.lists(COMPARISONS, min_size=1, max_size=60))
def test_each_family_has_its_share_of_alpha_however_many_comparisons_it_makes(comparisons):
    families, main = (np.array(each) for each in zip(*comparisons, strict=True))
    found = weights(families, main)
    whole = sum(SHARES[name] for name in set(families))
    for name in set(families):
        share = found[families == name].sum() / len(families)
        assert share == pytest.approx(SHARES[name] / whole)


def test_main_comparisons_may_be_found_with_more_chance_than_others_of_their_family():
    families = np.array(["whole"] * 3 + ["slices"] * 2)
    found = weights(families, np.array([True, False, False, False, True]))
    assert found[1] == found[2] == found[0] / MAIN
    assert found[3] == found[4] / MAIN


@pytest.mark.parametrize(
    ("column", "main"),
    [
        (np.arange(100.0), "location"),
        (["a", "b", "c", "d"] * 25, "jensen_shannon_divergence"),
        (["a", "b"] * 50, "infinity_norm"),
    ],
)
def test_each_columns_values_have_one_main_comparison(column, main):
    config = DriftConfig()
    side = population(measured({"x": column}), config)
    tests = list(measure(pair_up({"serving": side}, side, [], config).pairs, config))
    subjects = [subject for each in tests for subject in each.subjects]
    assert len(subjects) > 1
    assert [subject.distance for subject in subjects if subject.main] == [main]


def test_slices_by_the_thousand_take_nothing_from_the_whole():
    few, many = (
        levels_of(np.full(10 + slices, 0.5), ["whole"] * 10 + ["slices"] * slices)
        for slices in (10, 10_000)
    )
    np.testing.assert_allclose(few[:10], many[:10])
    assert many[:10].sum() + many[10:].sum() == pytest.approx(ALPHA)


def test_a_value_below_its_floor_is_never_counted_as_found():
    families = ["whole"] + ["slices"] * 10_000
    levels = levels_of(np.ones(len(families)), families)
    assert levels.sum() == pytest.approx(ALPHA)


def test_comparisons_without_a_p_value_take_no_part():
    with_fixed = levels_of(np.array([0.5, np.nan, 0.5]), ["whole"] * 3)
    np.testing.assert_allclose(with_fixed[[0, 2]], ALPHA / 2)


def test_what_is_found_makes_room_for_more():
    levels = levels_of(np.array([1e-9] * 5 + [0.5] * 5), ["whole"] * 10)
    np.testing.assert_allclose(levels, ALPHA / 2)


def test_a_detector_of_errors_has_their_share():
    assert of_detector("change_point") == of_detector("adwin") == "errors"
    assert of_detector("number_of_examples") == "whole"
