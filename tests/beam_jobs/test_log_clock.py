import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import Window
from tfx_vigil.beam_jobs.log_clock import LASTING, jumps_back, leads

MINUTE = 60_000_000
WINDOW = Window(0, 24 * 60 * MINUTE, 0)
ORDERED = np.arange(0, 600) * MINUTE


def minutes(found):
    return [round(x / 60) for x in found]


def test_a_clock_that_is_set_back_jumps_once():
    times = ORDERED.copy()
    times[300:] -= 60 * MINUTE
    assert minutes(jumps_back(times, WINDOW)) == [60 - 2 * LASTING + 1]
    dense = ORDERED // 600
    dense[300:] -= 60 * MINUTE
    assert minutes(jumps_back(dense, Window(-WINDOW.end, WINDOW.end, 0))) == [60]


def test_files_in_order_do_not_jump():
    assert len(jumps_back(ORDERED, WINDOW)) == 0
    assert len(jumps_back(ORDERED[: 2 * LASTING - 1][::-1], WINDOW)) == 0


@given(st.integers(0, 2**32 - 1))
def test_files_in_no_order_do_not_jump(seed):
    shuffled = np.random.default_rng(seed).permutation(ORDERED)
    assert len(jumps_back(shuffled, WINDOW)) == 0


def test_a_large_file_in_no_order_does_not_jump():
    shuffled = np.random.default_rng(0).permutation(1_000_000) * 86_400
    assert len(jumps_back(shuffled, WINDOW)) == 0


@given(st.integers(0, 2**32 - 1))
def test_records_that_come_late_or_from_two_clocks_do_not_jump(seed):
    random = np.random.default_rng(seed)
    late = ORDERED - (random.random(600) < 0.05) * random.integers(0, 500, 600) * MINUTE
    assert len(jumps_back(late, WINDOW)) == 0
    two_clocks = ORDERED - (random.random(600) < 0.5) * 60 * MINUTE
    assert len(jumps_back(two_clocks, WINDOW)) == 0


def test_jumps_outside_the_window_are_another_windows():
    times = (ORDERED // 60).copy()
    times[300:] -= 60 * MINUTE
    place = int(times[299])
    assert len(jumps_back(times, Window(place + 1, place + MINUTE, 0))) == 0
    assert len(jumps_back(times, Window(place, place + MINUTE, 0))) == 1


def test_records_stamped_later_than_their_file_was_written_lead():
    times = np.array([0, 5, 6, 90]) * MINUTE
    assert minutes(leads(times, 0, WINDOW)) == [6, 90]
    assert minutes(leads(times, 60 * MINUTE, WINDOW)) == [30]
    assert minutes(leads(times, 0, Window(50 * MINUTE, 60 * MINUTE, 0))) == [90]


def test_no_records_have_no_facts():
    none = np.empty(0, np.int64)
    assert len(jumps_back(none, WINDOW)) == len(leads(none, 0, WINDOW)) == 0
