"""What a comparison says has changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.reports import Detail, Distribution
from tfx_vigil.components.drift_validator.changes import (
    change_of,
    name_of,
    rise,
    subject_of,
    widening,
)
from tfx_vigil.components.drift_validator.detectors import CLASSIFIER, CORRELATION, STREAMS

from .drift_comparisons import CASH, FALLEN, NUMBERS, RISEN, WIDER, comparison, missing, payment


@pytest.mark.parametrize(
    ("distance", "distribution", "more", "kind"),
    [
        ("location", RISEN, {}, "values_rose"),
        ("location", FALLEN, {}, "values_fell"),
        ("jensen_shannon_divergence", RISEN, {}, "values_rose"),
        ("jensen_shannon_divergence", WIDER, {}, "spread_grew"),
        ("spread", WIDER, {}, "spread_grew"),
        ("spread", WIDER.model_copy(update={"baseline": WIDER.current, "current": [0.25] * 4}), {},
         "spread_shrank"),
        ("jensen_shannon_divergence", None, {}, "distribution_changed"),
        ("infinity_norm", payment(0.5, 0.3), {}, "category_shrank"),
        ("new_values", payment(0.5, 0.7), {}, "new_values"),
        ("missing_rate_difference", missing(0.0, 0.2), {}, "more_missing"),
        ("missing_rate_difference", missing(0.2, 0.0), {}, "fewer_missing"),
        ("number_of_examples", None, {"n_current": 20_000}, "more_rows"),
        ("number_of_examples", None, {}, "fewer_rows"),
        ("rank_correlation", None, {}, "correlation_changed"),
        ("domain_classifier", None, {}, "rows_separable"),
        ("change_point", None, {"detail": Detail(before=0.2, after=0.4)}, "errors_rose"),
        ("adwin", None, {"detail": Detail(before=0.4, after=0.2)}, "errors_fell"),
        ("ddm", None, {}, "errors_rose"),
    ],
)  # fmt: skip
def test_kind_of_change(distance, distribution, more, kind):
    found = comparison("fare", distance=distance, distribution=distribution, **more)
    assert change_of(found).kind == kind


def test_a_category_that_moved_is_the_first_by_name_of_those_that_moved_most():
    found = comparison("payment", distance="infinity_norm", distribution=payment(0.5, 0.7))
    assert change_of(found).category == CASH


def test_all_projections_of_a_vector_are_one_subject():
    subjects = {subject_of(comparison("v", aspect=f"projection_{i}")) for i in range(4)}
    assert len(subjects) == 1
    assert subject_of(comparison("v", aspect="norm")) not in subjects


SIDES = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(sum)


@given(SIDES, SIDES)
def test_rise_is_the_mann_whitney_probability_and_turns_with_the_order(left, right):
    baseline, current = (np.array(side) / sum(side) for side in (left, right))

    def made(a, b):
        return Distribution(bins=NUMBERS, baseline=a.tolist(), current=b.tolist(), ordered=True)

    larger = sum(c * b for i, c in enumerate(current) for b in baseline[:i])
    expected = larger + current @ baseline / 2 - 0.5
    assert rise(made(baseline, current)) == pytest.approx(expected)
    assert rise(made(baseline[::-1], current[::-1])) == pytest.approx(-expected)
    assert rise(made(current, baseline)) == pytest.approx(-expected)
    assert widening(made(baseline, baseline)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("feature", "distance", "name"),
    [
        ("fare", "location", "fare"),
        ("fare and tip", CORRELATION, "correlation of fare and tip"),
        ("*", CLASSIFIER, "all rows"),
        ("*", STREAMS[0], "errors"),
    ],
)
def test_what_is_no_single_feature_is_named_in_words(feature, distance, name):
    assert name_of(comparison(feature, distance=distance)) == name
