import math
import statistics

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from scipy.stats import kstest, laplace
from tfx_vigil.beam_jobs.privacy_methods import Noise

ROWS = 3000


def treat(method, values, kind):
    method.validate_type(kind)
    treated = method.operate_rows(pa.array(values, kind), None, None)
    assert treated.type == (pa.int64() if pa.types.is_integer(kind) else kind)
    return treated.to_pylist()


@pytest.mark.parametrize(("kind", "distance"), [(np.float64, 8.0), (np.int64, 8)])
def test_opendp_certifies_the_epsilon_for_the_whole_range(kind, distance):
    for epsilon in (0.1, 1.0, 3.0):
        mechanism = Noise(epsilon=epsilon, lower=2, upper=10).mechanism(kind)
        assert mechanism.map(distance) == pytest.approx(epsilon, rel=1e-9)


def test_floats_get_laplace_noise_of_the_stated_scale():
    treated = treat(Noise(epsilon=2, lower=0, upper=10), [4.0] * ROWS, pa.float64())
    assert kstest(np.array(treated) - 4, laplace(scale=5).cdf).pvalue > 1e-4


def test_integers_get_integer_noise_of_the_stated_scale():
    treated = treat(Noise(epsilon=2, lower=0, upper=10), [4] * ROWS, pa.int64())
    noise = np.array(treated) - 4
    ratio = math.exp(-1 / 5)
    assert np.mean(noise == 0) == pytest.approx((1 - ratio) / (1 + ratio), abs=0.03)
    assert np.mean(np.abs(noise)) == pytest.approx(2 * ratio / (1 - ratio**2), rel=0.15)


def test_values_are_first_moved_into_the_bounds():
    method = Noise(epsilon=1000, lower=-1, upper=1)
    for kind in (pa.float32(), pa.float64()):
        low, high = treat(method, [-math.inf, 1e9], kind)
        assert (low, high) == (pytest.approx(-1, abs=0.1), pytest.approx(1, abs=0.1))
    assert treat(method, [-500, 500], pa.int64()) == [-1, 1]


def test_equal_values_get_noise_of_their_own_in_each_run():
    method = Noise(epsilon=1, lower=0, upper=1)
    first, second = (treat(method, [0.5] * 20, pa.float64()) for _ in range(2))
    assert len({*first, *second}) == 40


def test_null_and_nan_stay():
    treated = treat(Noise(epsilon=1, lower=0, upper=1), [None, math.nan, 0.5], pa.float32())
    assert treated[0] is None
    assert math.isnan(treated[1])
    assert treat(Noise(epsilon=1, lower=0, upper=1), [None, None], pa.int64()) == [None, None]


def test_means_stay_right():
    treated = treat(Noise(epsilon=2, lower=0, upper=10), [3, 5] * (ROWS // 2), pa.int64())
    assert statistics.fmean(treated) == pytest.approx(4, abs=0.6)


@pytest.mark.parametrize(
    "given",
    [{"epsilon": 0}, {"epsilon": -1}, {"epsilon": math.inf}, {"lower": 1}, {"upper": math.nan}],
)
def test_parameters_that_make_no_sense_are_refused(given):
    with pytest.raises(ValidationError):
        Noise(**{"epsilon": 1, "lower": 0, "upper": 1} | given)


def test_integers_become_int64_where_noise_may_lead():
    treated = treat(Noise(epsilon=0.01, lower=0, upper=255), [0] * 20, pa.uint8())
    assert min(treated) < 0


def test_integers_beyond_int64_are_an_error():
    with pytest.raises(pa.ArrowInvalid):
        treat(Noise(epsilon=1, lower=0, upper=9), [2**63], pa.uint64())


def test_text_and_fractional_bounds_of_integers_are_refused():
    method = Noise(epsilon=1, lower=0, upper=0.5)
    with pytest.raises(ValueError, match="noise needs numbers"):
        method.validate_type(pa.string())
    with pytest.raises(ValueError, match="must be whole"):
        method.validate_type(pa.int64())
