import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.privacy_methods import GeneralizeNumber

from .treating import operate


@pytest.mark.parametrize(
    ("method", "values", "kind", "expected"),
    [
        (GeneralizeNumber(width=5), [-1, 0, 4, 5, 12], pa.int64(), [-5, 0, 0, 5, 10]),
        (GeneralizeNumber(width=5), [-0.5, 4.9], pa.float32(), [-5.0, 0.0]),
        (GeneralizeNumber(width=0.5), [1.75, -1.75], pa.float64(), [1.5, -2.0]),
        (GeneralizeNumber(edges=[0, 18, 65]), [-3, 0, 17, 18, 99], pa.int64(), [0, 0, 0, 18, 65]),
        (GeneralizeNumber(edges=[0, 1.5]), [1.4, math.inf], pa.float64(), [0.0, 1.5]),
        (
            GeneralizeNumber(width=10),
            ["37", " 4.5", "-1", "x"],
            None,
            ["30", "0", "-10", "[REDACTED]"],
        ),
        (GeneralizeNumber(width=10), ["nan", "inf"], None, ["[REDACTED]"] * 2),
    ],
)
def test_numbers_become_the_known_edges(method, values, kind, expected):
    assert operate(method, values, kind) == expected


def test_nan_stays_nan():
    for method in (GeneralizeNumber(width=5), GeneralizeNumber(edges=[0.0])):
        assert math.isnan(operate(method, [math.nan], pa.float32())[0])


@given(st.lists(st.integers(-(2**53), 2**53), max_size=20), st.integers(1, 10**6))
@settings(max_examples=50, deadline=None)
def test_a_bucket_starts_at_or_below_its_values_and_is_no_wider_than_asked(values, width):
    lower = operate(GeneralizeNumber(width=width), values, pa.int64())
    for value, edge in zip(values, lower, strict=True):
        assert edge <= value < edge + width
        assert edge % width == 0
    assert operate(GeneralizeNumber(width=width), lower, pa.int64()) == lower


def test_types_keep_their_width():
    for kind in (pa.int32(), pa.float32(), pa.uint8()):
        treated = GeneralizeNumber(width=2).operate(pa.array(np.array([3, 4]), kind), None)
        assert treated.type == kind
        assert treated.to_pylist() == [2, 4]


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        (GeneralizeNumber(width=0.5), pa.int64()),
        (GeneralizeNumber(edges=[0.5]), pa.int64()),
        (GeneralizeNumber(width=5), pa.bool_()),
    ],
)
def test_types_that_do_not_suit_are_refused(method, kind):
    with pytest.raises(ValueError, match=r"generalize needs numbers|whole"):
        method.validate_type(kind)


@pytest.mark.parametrize(
    "given", [{}, {"width": 1, "edges": [1]}, {"width": 0}, {"edges": [2, 1]}, {"edges": []}]
)
def test_buckets_that_make_no_sense_are_refused(given):
    with pytest.raises(ValueError, match=r"width|edges"):
        GeneralizeNumber(**given)
