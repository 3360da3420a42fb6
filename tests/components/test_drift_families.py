import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.components.drift_validator.families import SHARES, of_detector, weights
from tfx_vigil.components.drift_validator.judge import _levels

ALPHA = 0.05


@given(st.lists(st.sampled_from(sorted(SHARES)), min_size=1, max_size=60))
def test_each_family_has_its_share_of_alpha_however_many_comparisons_it_makes(families):
    families = np.array(families)
    by_family = {name: weights(families)[families == name].sum() for name in set(families)}
    whole = sum(SHARES[name] for name in by_family)
    for name, total in by_family.items():
        assert total / len(families) == pytest.approx(SHARES[name] / whole)


def test_slices_by_the_thousand_take_nothing_from_the_whole():
    few, many = (
        _levels(np.full(10 + slices, 0.5), np.array(["whole"] * 10 + ["slices"] * slices), ALPHA)
        for slices in (10, 10_000)
    )
    np.testing.assert_allclose(few[:10], many[:10])
    assert many[:10].sum() + many[10:].sum() == pytest.approx(ALPHA)


def test_a_value_below_its_floor_is_never_counted_as_found():
    families = np.array(["whole"] + ["slices"] * 10_000)
    levels = _levels(np.ones(len(families)), families, ALPHA)
    assert levels.sum() == pytest.approx(ALPHA)


def test_comparisons_without_a_p_value_take_no_part():
    with_fixed = _levels(np.array([0.5, np.nan, 0.5]), np.array(["whole"] * 3), ALPHA)
    np.testing.assert_allclose(with_fixed[[0, 2]], ALPHA / 2)


def test_what_is_found_makes_room_for_more():
    levels = _levels(np.array([1e-9] * 5 + [0.5] * 5), np.array(["whole"] * 10), ALPHA)
    np.testing.assert_allclose(levels, ALPHA / 2)


def test_a_detector_of_errors_has_their_share():
    assert of_detector("change_point") == of_detector("adwin") == "errors"
    assert of_detector("number_of_examples") == "whole"
