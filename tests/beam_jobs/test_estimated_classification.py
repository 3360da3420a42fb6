import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from tfx_vigil.beam_jobs.estimated_performance.assumptions import calibration_change, share_outside
from tfx_vigil.beam_jobs.estimated_performance.binary_metrics import METRICS
from tfx_vigil.beam_jobs.estimated_performance.calibration import (
    fit_calibration,
    fit_offset,
    offset_variance,
)
from tfx_vigil.beam_jobs.estimated_performance.confidence_based import estimate_metrics
from tfx_vigil.beam_jobs.estimated_performance.score_points import (
    ScorePoints,
    bin_edges,
    points_of,
)

THRESHOLD = 0.3
EDGES = bin_edges([THRESHOLD])


def simulated(generator, rows, moved=0.0, drift=0.0, base=-1.0):
    """Overconfident scores; ``moved`` inputs keep their meaning, ``drift`` changes it."""
    truth = generator.normal(base + moved, 1.5, rows)
    labels = (generator.random(rows) < expit(truth + drift)).astype(float)
    return np.clip(expit(1.7 * truth + 0.5), 1e-7, 1 - 1e-7), labels


def real_values(points):
    return {name: float(METRICS[name](points, points.positives, THRESHOLD)) for name in METRICS}


def exact_values(scores, labels):
    decided = scores > THRESHOLD
    pairs = scores[labels == 1][:, None] - scores[labels == 0]
    return {
        "auc": ((pairs > 0) + (pairs == 0) / 2).mean(),
        "binary_crossentropy": -np.log(np.where(labels == 1, scores, 1 - scores)).mean(),
        "brier": ((scores - labels) ** 2).mean(),
        "accuracy": (decided == labels).mean(),
        "precision": labels[decided].mean(),
        "recall": decided[labels == 1].mean(),
        "calibration": scores.sum() / labels.sum(),
        "mean_label": labels.mean(),
    }


def test_metrics_of_points_are_those_of_the_rows():
    scores, labels = simulated(np.random.default_rng(0), 2000)
    found = real_values(points_of(scores, labels, EDGES))
    assert found == pytest.approx(exact_values(scores, labels), rel=2e-3)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=40), st.integers(1, 60), st.integers(1, 30)
)
def test_coarser_points_hold_the_same_rows_in_the_same_order(rows, least, most):
    rows = np.array(rows, float)
    points = ScorePoints(np.linspace(-5, 5, len(rows)), rows, np.minimum(rows, 3))
    coarse = points.coarsened(least, most)
    assert coarse.total == points.total
    assert coarse.positives.sum() == points.positives.sum()
    assert (np.diff(coarse.logits) > 0).all()
    assert len(coarse.rows) <= most
    assert points.total < least or (coarse.rows >= least).all()


@pytest.mark.parametrize("moved", [0.0, 1.0])
@pytest.mark.parametrize("base", [-1.0, -4.0])
def test_bands_hold_the_value_that_the_labels_show(moved, base):
    generator = np.random.default_rng(1)
    inside = {name: [] for name in METRICS}
    for seed in range(60):
        curve = fit_calibration(points_of(*simulated(generator, 3000, base=base), EDGES))
        scores, labels = simulated(generator, 1500, moved, base=base)
        found = estimate_metrics(
            curve, points_of(scores, None, EDGES), list(METRICS), THRESHOLD, seed=seed
        )
        for name, real in real_values(points_of(scores, labels, EDGES)).items():
            inside[name].append(found[name].lower <= real <= found[name].upper)
    covered = {name: np.mean(held) for name, held in inside.items()}
    assert min(covered.values()) >= 0.85
    assert 0.92 <= np.mean(list(covered.values())) <= 0.99


def test_scores_that_lie_are_corrected():
    generator = np.random.default_rng(2)
    scores, labels = simulated(generator, 20_000)
    curve = fit_calibration(points_of(scores, labels, EDGES))
    truth = np.linspace(-3, 1.5, 20)
    assert curve.chances(1.7 * truth + 0.5) == pytest.approx(expit(truth), abs=0.02)


def test_a_slice_that_is_off_the_curve_gets_its_own_offset_and_others_none():
    generator = np.random.default_rng(3)
    alike = [points_of(*simulated(generator, 500), EDGES) for _ in range(20)]
    other = points_of(*simulated(generator, 500, drift=1.5), EDGES)
    whole = fit_calibration(ScorePoints.merged(alike))
    assert offset_variance(whole, alike) < 0.02
    variance = offset_variance(whole, [*alike, other])
    assert fit_offset(whole, other, variance).value > 0.8
    assert abs(fit_offset(whole, alike[0], variance).value) < 0.4
    assert fit_offset(whole, alike[0], 0.0).value == 0


def test_newer_labels_that_fit_the_curve_raise_no_doubt_and_a_concept_drift_does():
    generator = np.random.default_rng(4)
    p_values, broken, drifted = [], 0, 0
    for _ in range(60):
        curve = fit_calibration(points_of(*simulated(generator, 3000), EDGES))
        change = calibration_change(curve, points_of(*simulated(generator, 1000, 0.5), EDGES))
        p_values.append(change.p_value)
        broken += change.broken
        newer = points_of(*simulated(generator, 1000, drift=0.6), EDGES)
        drifted += calibration_change(curve, newer).broken
    assert np.mean(np.array(p_values) < 0.05) < 0.15
    assert broken <= 3
    assert drifted >= 55


def test_no_newer_labels_say_nothing():
    curve = fit_calibration(points_of(*simulated(np.random.default_rng(5), 500), EDGES))
    nothing = np.empty(0)
    assert calibration_change(curve, ScorePoints(nothing, nothing, nothing)) is None


def test_scores_beyond_those_learned_from_are_counted():
    generator = np.random.default_rng(6)
    scores, labels = simulated(generator, 5000)
    known = scores < 0.5
    curve = fit_calibration(points_of(scores[known], labels[known], EDGES))
    outside = share_outside(curve, points_of(scores, None, EDGES))
    assert outside == pytest.approx((~known).mean(), abs=0.02)


def test_labels_of_one_class_give_estimates_of_what_is_defined():
    scores, _ = simulated(np.random.default_rng(7), 300, base=-6.0)
    curve = fit_calibration(points_of(scores, np.zeros(300), EDGES))
    found = estimate_metrics(curve, points_of(scores, None, EDGES), list(METRICS), THRESHOLD)
    assert "auc" not in found
    assert found["accuracy"].lower > 0.9


def test_without_labelled_rows_nothing_can_be_learned():
    nothing = np.empty(0)
    with pytest.raises(ValueError, match="no labelled rows"):
        fit_calibration(ScorePoints(nothing, nothing, nothing))
