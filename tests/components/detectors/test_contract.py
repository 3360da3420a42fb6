"""What holds for every detector."""

import doctest
import importlib
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from pydantic import ValidationError
from tfx_vigil.components.drift_validator.detectors import STREAMS, DetectorsConfig, run

from .samples import mixed_rows, rows, stream

KINDS = [
    "adwin",
    "change_point",
    "correlations",
    "ddm",
    "domain_classifier",
    "kswin",
    "page_hinkley",
]
ON_ROWS = ["correlations", "domain_classifier"]
ALL_OFF = dict.fromkeys(KINDS)


@lru_cache
def measured(kind, baseline=800, current=800, **changes):
    config = DetectorsConfig(**ALL_OFF | {kind: {}})
    tables = rows(mixed_rows(0, baseline), mixed_rows(1, current, flipped=True), **changes)
    errors = np.random.default_rng(2).random(baseline + current)
    errors[baseline:] += 1.5
    return run(config, [tables], stream(errors, [0, baseline]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_found_and_the_same_each_time(kind):
    first = measured(kind)
    assert first == measured.__wrapped__(kind)
    found = [m for m in first if m.reason is None and (m.p_value is None or m.p_value < 1e-4)]
    assert found
    for m in found:
        assert m.value > (m.threshold if m.quantile is None else m.quantile(1e-3))


@pytest.mark.parametrize("kind", KINDS)
def test_a_p_value_and_its_quantile_agree(kind):
    for m in measured(kind):
        if m.reason:
            continue
        assert (m.p_value is None) == (m.quantile is None) != (m.threshold is None)
        if m.quantile is not None and 1e-200 < m.p_value < 0.3:
            assert m.quantile(m.p_value * 0.99) >= m.value * 0.98
            assert m.quantile(m.p_value * 1.01) <= m.value * 1.02


@pytest.mark.parametrize("kind", ON_ROWS)
def test_the_order_of_columns_does_not_matter(kind):
    tables = rows(mixed_rows(0, 300), mixed_rows(1, 300, flipped=True))
    names = tables.columns[::-1]
    turned = replace(tables, columns=names, current=tables.current.select(names))
    config = DetectorsConfig(**ALL_OFF | {kind: {}})
    assert run(config, [tables], None) == run(config, [turned], None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("current", [0, 1, 19])
def test_too_few_rows_give_a_reason_and_no_verdict(kind, current):
    [m] = measured(kind, current=current)
    assert m.value is m.p_value is m.quantile is m.threshold is None
    assert m.reason.startswith("fewer than 100 rows")
    assert (m.n_baseline, m.n_current) == (800, current)


@pytest.mark.parametrize("kind", ON_ROWS)
def test_no_value_of_a_row_is_told(kind):
    told = repr(measured(kind))
    assert "Oslo" not in told
    assert "customer" not in told


@pytest.mark.parametrize("kind", STREAMS)
def test_errors_that_are_all_alike_are_no_change(kind):
    config = DetectorsConfig(**ALL_OFF | {kind: {}})
    [m] = run(config, [], stream(np.ones(600), [0, 300]))
    assert m.reason == "all errors are the same" or m.value == 0


@pytest.mark.parametrize("kind", STREAMS)
def test_a_change_that_earlier_spans_had_is_not_found_again(kind):
    errors = np.random.default_rng(0).random(3000)
    errors[:1000] += 2
    config = DetectorsConfig(**ALL_OFF | {kind: {}})
    [m] = run(config, [], stream(errors, [0, 2000]))
    assert m.value == 0 or m.p_value > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_runs(kind):
    module = importlib.import_module(f"tfx_vigil.components.drift_validator.detectors.{kind}")
    done = doctest.testmod(module)
    assert done.attempted
    assert not done.failed


def test_without_labels_only_rows_are_looked_at():
    assert run(DetectorsConfig(), [], None) == []


def test_unknown_detectors_and_parameters_are_refused():
    with pytest.raises(ValidationError, match="eddm"):
        DetectorsConfig(eddm={})
    with pytest.raises(ValidationError, match="lambda"):
        DetectorsConfig(page_hinkley={"lambda": 50})
