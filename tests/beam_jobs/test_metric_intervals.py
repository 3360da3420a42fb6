import numpy as np
import pytest
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.metric_intervals import (
    SliceEvidence,
    auc_interval,
    auc_variance,
    mover_difference,
    wilson_interval,
)
from tfx_vigil.beam_jobs.metric_moments import Layout

BINARY = EvaluationConfig(label="label")
MODELS = ("candidate", "in_service")


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_matches_published_values(successes, trials, lower, upper):
    assert wilson_interval(successes, trials) == pytest.approx((lower, upper), abs=5e-5)


def test_auc_standard_error_matches_hanley_and_mcneil():
    assert auc_variance(0.893, 51, 58) ** 0.5 == pytest.approx(0.032, abs=5e-4)


@pytest.mark.parametrize("auc", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_auc_interval_has_width_and_stays_in_bounds(auc):
    lower, upper = auc_interval(auc, 20, 30)
    assert 0 <= lower <= auc <= upper <= 1
    assert 0.05 < upper - lower < 0.5


def test_auc_interval_narrows_with_rows():
    few, many = auc_interval(0.8, 20, 30), auc_interval(0.8, 2000, 3000)
    assert many[1] - many[0] < (few[1] - few[0]) / 5


def test_independent_differences_combine_margins():
    assert mover_difference(0.8, (0.77, 0.83), 0.7, (0.66, 0.74)) == pytest.approx((0.05, 0.15))


def quantities(rng, rows, skill, noise):
    """X of two calibrated-in-truth models; also the label and both scores."""
    truth = rng.beta(0.8, 3.2, rows)
    label = (rng.uniform(size=rows) < truth).astype(float)
    logit = np.log(truth / (1 - truth))
    scores = [
        1 / (1 + np.exp(-(s * logit + rng.normal(0, n, rows))))
        for s, n in zip(skill, noise, strict=True)
    ]
    columns = [np.ones(rows), label]
    for p in scores:
        p = np.clip(p, 1e-7, 1 - 1e-7)
        positive = p > BINARY.threshold
        columns += [
            p,
            -np.where(label == 1, np.log(p), np.log1p(-p)),
            (p - label) ** 2,
            positive == label,
            positive,
            positive * label,
        ]
    return np.column_stack(columns).astype(float), label, scores


def evidence(x):
    return SliceEvidence(x.T @ x, Layout("binary_classification", MODELS), BINARY)


def rank_auc(label, score):
    ranks = np.empty(len(score))
    ranks[np.argsort(score)] = np.arange(1, len(score) + 1)
    positives = label.sum()
    return (ranks[label == 1].sum() - positives * (positives + 1) / 2) / (
        positives * (len(label) - positives)
    )


SKILL, NOISE = (0.9, 0.7), (0.4, 0.6)
MEANS = ["binary_crossentropy", "brier", "accuracy", "precision", "recall", "calibration"]


@pytest.fixture(scope="module")
def truth():
    rng = np.random.default_rng(1)
    x, label, scores = quantities(rng, 1_000_000, SKILL, NOISE)
    whole = evidence(x)
    return {
        (model, name): whole.value(model, name)
        for model in MODELS
        for name in [*MEANS, "mean_label"]
    } | {(m, "auc"): rank_auc(label, s) for m, s in zip(MODELS, scores, strict=True)}


@pytest.mark.parametrize("rows", [200, 2000])
def test_intervals_cover_the_truth_in_95_of_100_samples(truth, rows):
    rng = np.random.default_rng(rows)
    hits = {}
    for _ in range(400):
        x, label, scores = quantities(rng, rows, SKILL, NOISE)
        found, values = evidence(x), {}
        for model, score in zip(MODELS, scores, strict=True):
            values[model] = {name: found.value(model, name) for name in [*MEANS, "mean_label"]}
            values[model]["auc"] = rank_auc(label, score)
            for name, value in values[model].items():
                lower, upper = found.bounds(model, name, value)
                hits.setdefault((model, name), []).append(lower <= truth[model, name] <= upper)
        a, b = MODELS
        for name in [*MEANS, "auc"]:
            lower, upper = found.difference_bounds(a, values[a][name], b, values[b][name], name)
            change = truth[a, name] - truth[b, name]
            hits.setdefault(("change", name), []).append(lower <= change <= upper)
    shares = {key: np.mean(values) for key, values in hits.items()}
    assert shares.pop(("change", "auc")) >= 0.95  # wider than need be
    # What 400 draws at 0.95 leave to chance, and a little for 200 rows.
    assert {key: share for key, share in shares.items() if not 0.915 <= share <= 0.985} == {}


def test_paired_interval_is_narrower_than_the_models_own():
    x, *_ = quantities(np.random.default_rng(2), 500, SKILL, NOISE)
    found = evidence(x)
    values = [found.value(model, "brier") for model in MODELS]
    lower, upper = found.difference_bounds(MODELS[0], values[0], MODELS[1], values[1], "brier")
    own = [found.bounds(m, "brier", v) for m, v in zip(MODELS, values, strict=True)]
    assert upper - lower < min(high - low for low, high in own)


def test_equal_models_have_no_difference():
    x, *_ = quantities(np.random.default_rng(3), 300, SKILL, NOISE)
    layout = Layout("binary_classification", ("candidate",))
    x = np.column_stack([x[:, : layout.size], x[:, 2 : layout.size]])
    value = evidence(x).value("candidate", "recall")
    bounds = evidence(x).difference_bounds("candidate", value, "in_service", value, "recall")
    assert bounds == pytest.approx((0, 0), abs=1e-7)


def test_undefined_metrics_have_no_value():
    x, *_ = quantities(np.random.default_rng(4), 100, SKILL, NOISE)
    negatives = evidence(x[x[:, 1] == 0])
    for name in ("auc", "recall", "calibration"):
        assert not negatives.defined("candidate", name)
    assert negatives.value("candidate", "recall") is None
    assert negatives.defined("candidate", "brier")


def test_one_row_has_no_interval():
    x, *_ = quantities(np.random.default_rng(5), 1, SKILL, NOISE)
    assert evidence(x).bounds("candidate", "brier", 0.1) is None
