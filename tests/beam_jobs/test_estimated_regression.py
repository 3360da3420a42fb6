import numpy as np
import pytest
from tfx_vigil.beam_jobs.estimated_performance.direct_loss import (
    estimate_mean_loss,
    fit_loss_model,
)


def simulated(generator, rows, moved=0.0):
    """Inputs (prediction first) and errors, which grow with the first feature."""
    features = generator.normal(size=(rows, 3))
    features[:, 0] += moved
    errors = np.exp(0.5 * features[:, 0] - 0.5) * generator.normal(size=rows)
    return np.column_stack([2 * features[:, 0] + features[:, 1], features]), errors


@pytest.mark.parametrize("moved", [0.0, 0.5])
def test_bands_hold_the_mean_loss_that_the_labels_show(moved):
    generator = np.random.default_rng(0)
    inside, in_slice = [], []
    for _ in range(12):
        inputs, errors = simulated(generator, 2000)
        model = fit_loss_model(inputs, np.abs(errors))
        others, hidden = simulated(generator, 1000, moved)
        expected, part = model.losses(others), others[:, 3] > 0.5
        found = estimate_mean_loss(model, expected)
        inside.append(found.lower <= np.abs(hidden).mean() <= found.upper)
        found = estimate_mean_loss(model, expected[:, part], inputs[:, 3] > 0.5)
        in_slice.append(found.lower <= np.abs(hidden[part]).mean() <= found.upper)
    assert sum(inside) + sum(in_slice) >= 20


def test_where_inputs_move_to_harder_rows_the_estimate_rises():
    generator = np.random.default_rng(1)
    inputs, errors = simulated(generator, 3000)
    model = fit_loss_model(inputs, errors**2)
    same, harder = (
        estimate_mean_loss(model, model.losses(simulated(generator, 1000, moved)[0]))
        for moved in (0.0, 0.7)
    )
    assert harder.value > 1.3 * same.value


def test_a_slice_that_the_model_gets_wrong_is_corrected_by_its_own_rows():
    generator = np.random.default_rng(2)
    inputs, errors = simulated(generator, 2000)
    hidden_trait = generator.random(2000) < 0.1
    losses = np.abs(errors) * np.where(hidden_trait, 4, 1)
    model = fit_loss_model(inputs, losses)
    others = model.losses(simulated(generator, 500)[0])
    plain = estimate_mean_loss(model, others)
    corrected = estimate_mean_loss(model, others, hidden_trait)
    assert corrected.value > 2 * plain.value


def test_too_few_labelled_rows_teach_nothing():
    inputs, errors = simulated(np.random.default_rng(3), 99)
    assert fit_loss_model(inputs, np.abs(errors)) is None


def test_no_error_anywhere_is_expected_to_stay_so():
    inputs, errors = simulated(np.random.default_rng(4), 200)
    model = fit_loss_model(inputs, 0 * errors)
    found = estimate_mean_loss(model, model.losses(inputs))
    assert (found.value, found.lower, found.upper) == (0, 0, 0)
