import numpy as np
import pytest
from tfx_vigil.components.drift_validator.detectors import ErrorStream
from tfx_vigil.components.drift_validator.detectors.change_point import ChangePoint
from tfx_vigil.components.drift_validator.detectors.regimes import LEVEL, regimes

ROWS = 1_000


def errors(rates, seed=0, apart=0.0) -> np.ndarray:
    """Spans of wrong predictions at such rates, each span's rate off by ``apart`` on average."""
    random = np.random.default_rng(seed)
    rates = np.clip(rates + random.normal(0, apart, len(rates)) if apart else rates, 0, 1)
    return (random.random((len(rates), ROWS)) < np.reshape(rates, (-1, 1))).ravel().astype(float)


def starts(spans: int) -> list[int]:
    return [i * ROWS for i in range(spans)]


@pytest.mark.parametrize("apart", [0.0, 0.03])
def test_spans_that_vary_about_one_level_are_seldom_split(apart):
    split = [len(regimes(errors([0.2] * 9, seed, apart), starts(9))) > 1 for seed in range(300)]
    assert np.mean(split) < 2 * LEVEL


def test_the_variance_of_spans_is_told_without_bias():
    told = [regimes(errors([0.2] * 9, seed, 0.03), starts(9))[0].variance for seed in range(300)]
    assert np.mean(told) == pytest.approx(0.03**2 + 0.2 * 0.8 / ROWS, rel=0.1)


@pytest.mark.parametrize("within", [0.15, 0.2, 0.25])
def test_the_last_regime_begins_after_the_span_in_which_the_level_changed(within):
    whole, last = regimes(errors([0.1] * 3 + [within] + [0.3] * 4 + [0.1]), starts(9))
    assert (whole.first, whole.spans) == (0, 8)
    assert (last.first, last.spans) == (4, 4)
    assert last.variance < whole.variance / 3


def test_too_few_spans_tell_neither_variance_nor_regimes():
    assert [r.degrees for r in regimes(errors([0.1, 0.9, 0.9]), starts(3))] == [0]
    assert len(regimes(errors([0.1] * 2 + [0.9] * 3), starts(5))) == 1


@pytest.mark.parametrize("now", [0.1, 0.3])
def test_the_end_of_a_change_is_a_change(now):
    stream = errors([0.1] * 3 + [0.2] + [0.3] * 4 + [now])
    found = ChangePoint().measure(ErrorStream(np.arange(len(stream)), stream, starts(9), "l"))
    assert (found.p_value < 1e-3) == (now == 0.1)
    if now == 0.1:
        assert found.before == pytest.approx(0.3, abs=0.02)
        assert found.after == pytest.approx(0.1, abs=0.02)
        assert found.value > found.quantile(1e-3)
