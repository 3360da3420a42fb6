import numpy as np
import pytest
from scipy.stats import rankdata
from tfx_vigil.beam_jobs.evaluation_config import MULTI_CLASS, EvaluationConfig
from tfx_vigil.beam_jobs.evaluation_plan import make_plan
from tfx_vigil.beam_jobs.metrics.auc import hanley_mcneil_variance, score_interval
from tfx_vigil.beam_jobs.metrics.intervals import difference, matched, ratio, wilson
from tfx_vigil.beam_jobs.metrics.quantities import Rows
from tfx_vigil.beam_jobs.metrics.results import measure

from .simulated_scores import MODELS, classified_rows, scored_rows, statistics_of

PLAN = make_plan(EvaluationConfig(label="label"), {model: model for model in MODELS})


def results_of(rows, sets=1):
    return measure(PLAN, statistics_of(PLAN.needs(), rows, sets))


def by_name(measured):
    return {(m.planned.model, m.planned.name): m for m in measured}


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
    found = wilson(np.array([successes / trials]), np.array([trials]), 0.95)
    assert np.ravel(found) == pytest.approx((lower, upper), abs=5e-5)


def test_auc_standard_error_matches_hanley_and_mcneil():
    assert hanley_mcneil_variance(0.893, 51, 58) ** 0.5 == pytest.approx(0.032, abs=5e-4)


@pytest.mark.parametrize("auc", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_auc_interval_has_width_and_stays_in_bounds(auc):
    counts = (np.array([20.0]), np.array([30.0]))
    with np.errstate(invalid="ignore"):
        lower, upper = score_interval(np.array([auc]), np.array([0.0]), counts, 1.96)
    assert 0 <= lower <= auc <= upper <= 1
    assert 0.05 < upper - lower < 0.5


def placements(labels, scores):
    """DeLong's structural components, by counting pairs."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    right = (positives[:, None] > negatives) + (positives[:, None] == negatives) / 2
    return right.mean(axis=1), right.mean(axis=0)


def test_auc_differences_have_delongs_variance():
    rows = scored_rows(np.random.default_rng(8), 600)
    ours = by_name(results_of(rows).changes)["candidate", "auc"]
    (a10, a01), (b10, b01) = (placements(rows.labels, rows.scores[model]) for model in MODELS)
    variance = sum(np.var(x - y, ddof=1) / len(x) for x, y in ((a10, b10), (a01, b01)))
    assert ours.values[0] == pytest.approx(a10.mean() - b10.mean(), abs=1e-4)
    width = 2 * 1.95996 * variance**0.5
    assert ours.upper[0] - ours.lower[0] == pytest.approx(width, rel=0.01)


def rank_auc(labels, scores):
    positives = labels.sum()
    ranks = rankdata(scores)[labels == 1].sum() - positives * (positives + 1) / 2
    return ranks / (positives * (len(labels) - positives))


@pytest.fixture(scope="module")
def truth():
    rows = scored_rows(np.random.default_rng(1), 1_000_000)
    found = {key: m.values[0] for key, m in by_name(results_of(rows).metrics).items()}
    for model in MODELS:
        assert found[model, "auc"] == pytest.approx(
            rank_auc(rows.labels, rows.scores[model]), abs=1e-5
        )
    return found


@pytest.mark.parametrize("rows", [200, 2000])
def test_intervals_cover_the_truth_in_95_of_100_samples(truth, rows):
    sets = 400
    found = results_of(scored_rows(np.random.default_rng(rows), sets * rows), sets)
    shares = {}
    for m in found.metrics:
        if m.planned.name != "example_count":
            actual = truth[m.planned.model, m.planned.name]
            covered = (m.lower <= actual) & (actual <= m.upper)
            shares[m.planned.model, m.planned.name] = covered.mean()
    for m in found.changes:
        if m.planned.metric.depends_on_model:
            name = m.planned.name
            actual = truth[m.planned.model, name] - truth[m.against.model, name]
            shares["change", name] = ((m.lower <= actual) & (actual <= m.upper)).mean()
    # What 400 draws at 0.95 leave to chance, and a little for 200 rows.
    assert {key: share for key, share in shares.items() if not 0.915 <= share <= 0.985} == {}


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_mean_losses_have_no_interval_while_one_class_is_all_there_is(label):
    rows = scored_rows(np.random.default_rng(3), 300)
    found = results_of(Rows(np.full(300, label), rows.scores))
    for of in (by_name(found.metrics), by_name(found.changes)):
        for name in ("binary_crossentropy", "brier"):
            m = of[MODELS[0], name]
            assert np.isfinite(m.values[0])
            assert np.isnan([m.lower[0], m.upper[0]]).all()


def test_two_positives_among_200_rows_are_enough_for_intervals_that_hold():
    plan = make_plan(EvaluationConfig(label="label", metrics=list(RARE)), {m: m for m in MODELS})
    simulated = scored_rows(np.random.default_rng(4), 400 * 200, prevalence=0.01)
    truth = measure(
        plan,
        statistics_of(
            plan.needs(), scored_rows(np.random.default_rng(1), 1_000_000, prevalence=0.01)
        ),
    )
    found = measure(plan, statistics_of(plan.needs(), simulated, 400))
    for m, true in zip(found.metrics, truth.metrics, strict=True):
        told = np.isfinite(m.lower)
        held = (m.lower <= true.values[0]) & (true.values[0] <= m.upper)
        assert held[told].mean() >= 0.925, m.planned.name


RARE = ("auc", "binary_crossentropy", "brier", "calibration")


def test_intervals_cover_the_truth_where_one_row_in_100_is_positive():
    plan = make_plan(EvaluationConfig(label="label", metrics=list(RARE)), {m: m for m in MODELS})
    sets, rows = 300, 2000

    def found(seed, n, sets):
        simulated = scored_rows(np.random.default_rng(seed), n, prevalence=0.01)
        measured = measure(plan, statistics_of(plan.needs(), simulated, sets))
        return [*by_name(measured.metrics).items(), *by_name(measured.changes).items()]

    for (key, truth), (_, m) in zip(
        found(1, 1_000_000, 1), found(2, sets * rows, sets), strict=True
    ):
        covered = (m.lower <= truth.values[0]) & (truth.values[0] <= m.upper)
        assert 0.905 < covered.mean() < 0.99, key


def test_interval_of_matched_proportions_matches_published_values():
    # Newcombe (1998), "Improved confidence intervals for the difference between binomial
    # proportions based on paired data", table II: 36, 14, 0 and 0 of 50 pairs.
    found = matched(np.array([14.0]), np.array([0.0]), np.array([50.0]), 0.95)
    assert np.ravel(found) == pytest.approx((0.1747, 0.4167), abs=5e-5)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (0, 5), (12, 2), (50, 0)])
def test_interval_of_matched_proportions_mirrors_and_stays_in_bounds(gained, lost):
    trials = np.array([50.0])
    lower, upper = matched(np.array([gained * 1.0]), np.array([lost * 1.0]), trials, 0.95)
    mirrored = matched(np.array([lost * 1.0]), np.array([gained * 1.0]), trials, 0.95)
    assert -1 <= lower <= (gained - lost) / 50 <= upper <= 1
    assert lower < upper
    assert np.ravel(mirrored) == pytest.approx((-upper[0], -lower[0]), abs=1e-9)


def test_paired_intervals_are_narrower_than_the_models_own():
    found = results_of(scored_rows(np.random.default_rng(2), 500))
    for name in ("brier", "auc"):
        change = by_name(found.changes)["candidate", name]
        own = [by_name(found.metrics)[model, name] for model in MODELS]
        widths = [float(m.upper[0] - m.lower[0]) for m in (change, *own)]
        assert widths[0] < min(widths[1:])


def test_equal_models_have_no_difference():
    rows = scored_rows(np.random.default_rng(3), 300)
    rows.scores[MODELS[1]][:] = rows.scores[MODELS[0]]
    for change in results_of(rows).changes:
        assert change.values[0] == 0
        if change.planned.metric.depends_on_model:
            assert change.lower[0] <= 0 <= change.upper[0]


def test_undefined_metrics_have_no_interval():
    rows = scored_rows(np.random.default_rng(4), 100)
    rows.labels[:] = 0
    found = by_name(results_of(rows).metrics)
    for name in ("auc", "recall", "calibration"):
        assert not found["candidate", name].defined[0]
        assert np.isnan(found["candidate", name].lower[0])
    assert found["candidate", "brier"].defined[0]


def test_one_row_has_no_interval():
    rows = Rows(np.array([1.0]), {model: np.array([0.7]) for model in MODELS})
    found = by_name(results_of(rows).metrics)["candidate", "brier"]
    assert found.values[0] == pytest.approx(0.09)
    assert np.isnan(found.lower[0])


def test_intervals_of_two_groups_rates_cover_difference_and_ratio():
    rng = np.random.default_rng(3)
    share, n = np.array([0.3, 0.12]), np.array([900, 300])
    found = rng.binomial(n, share, (4000, 2)) / n
    rates = [(found[:, i], *wilson(found[:, i], n[i], 0.95)) for i in (0, 1)]
    for how, truth in ((difference, share[0] - share[1]), (ratio, share[0] / share[1])):
        lower, upper = how(*rates)
        assert 0.94 < ((lower <= truth) & (truth <= upper)).mean() < 0.965


def test_ratio_to_a_rate_that_may_be_zero_has_no_upper_bound():
    none = np.array([0.0])
    rates = [(none + 0.3, none + 0.2, none + 0.4), (none, none, none + 0.1)]
    assert np.isnan(ratio(*rates)[1]).all()


def test_macro_averages_cover_the_truth_and_no_more_than_that():
    """Recall as often as it says, its difference too; what classes share makes AUC's too wide."""
    rng, sets, size, true = np.random.default_rng(5), 400, 600, {}
    macro = {"macro_average": True, "class_weights": dict.fromkeys("012", 1.0)}
    names = ["Recall", "AUC"]
    config = EvaluationConfig(
        task=MULTI_CLASS,
        classes=["a", "b", "c"],
        eval_config={
            "model_specs": [{"label_key": "y", "prediction_key": "p"}],
            "metrics_specs": [{"aggregate": macro, "metrics": [{"class_name": n} for n in names]}],
        },
    )
    plan = make_plan(config, {model: model for model in MODELS})
    shares = {}
    for n, parts in ((1_000_000, 1), (sets * size, sets)):
        found = measure(plan, statistics_of(plan.needs(), classified_rows(rng, n), parts))
        for kind in ("metrics", "changes"):
            for m in getattr(found, kind):
                key = kind, m.planned.model, m.planned.name
                if parts == 1:
                    true[key] = m.values[0]
                else:
                    shares[key] = ((m.lower <= true[key]) & (true[key] <= m.upper)).mean()
    assert len(shares) == 6
    for (_, _, name), share in shares.items():
        assert 0.915 <= share <= (0.985 if name == "recall" else 1)
