"""In how many spans in a row a change is found, counted back from now."""

import pytest
from tfx_vigil.components.drift_validator.persistence import earlier_changes, in_a_row, lasting

from .drift_comparisons import FALLEN, RISEN, comparison, payment

NAMES = ["2014-06-05", "2014-06-06", "2014-06-07"]
SPAN = "2014-06-08"


@pytest.mark.parametrize(
    ("span", "references", "row"),
    [
        (SPAN, NAMES, NAMES[::-1]),
        (SPAN, ["2014-05-25", "2014-06-01", *NAMES], NAMES[::-1]),
        ("2014-05-01", ["2013-05-01", "2014-03-01", "2014-04-01"], ["2014-04-01", "2014-03-01"]),
        (SPAN, ["2014-06-05", "2014-06-06"], []),
        ("5", ["1", "3", "4"], ["4", "3"]),
        (None, ["a", "b"], ["b", "a"]),
        (SPAN, [], []),
    ],
)
def test_spans_in_a_row_end_at_a_gap(span, references, row):
    assert in_a_row(span, references) == row


def counted(now, *earlier, most=8):
    """Spans in a row with each of ``now``; ``earlier``: comparisons of the spans, newest first."""
    judged = dict(zip(reversed(NAMES), earlier, strict=False))
    asked = []

    def judge(name, before):
        asked.append((name, list(before)))
        return judged.get(name, [])

    found = list(earlier_changes(lasting(now), SPAN, NAMES, judge, most))
    return [sum(subject in left for _, left in found) for subject in lasting(now)], asked


def rose(against="training"):
    return comparison("fare", distribution=RISEN, against=against)


def fell(against="training"):
    return comparison("fare", distribution=FALLEN, against=against)


@pytest.mark.parametrize(
    ("earlier", "before"),
    [
        pytest.param([], 0, id="never before"),
        pytest.param([[rose()]], 1, id="once"),
        pytest.param([[rose()], [rose("reference")], [rose()]], 3, id="in all"),
        pytest.param([[], [rose()]], 0, id="not in the span before"),
        pytest.param([[fell()]], 0, id="the other way"),
        pytest.param([[rose("previous")]], 0, id="only against the span before it"),
        pytest.param([[comparison("fare", 0.01, distribution=RISEN)]], 0, id="not enough to tell"),
    ],
)
def test_the_same_change_in_the_same_direction_counts(earlier, before):
    assert counted([rose()], *earlier)[0] == [before]


def test_the_way_back_from_one_bad_span_is_not_its_second():
    now = [fell("previous"), fell("reference")]
    assert counted(now, [rose("training"), rose("previous"), rose("reference")])[0] == [0]


def test_categories_count_where_the_same_one_moved_the_same_way():
    def paid(before, now):
        return comparison("payment", distance="infinity_norm", distribution=payment(before, now))

    assert counted([paid(0.5, 0.3)], [paid(0.5, 0.35)])[0] == [1]
    assert counted([paid(0.5, 0.3)], [paid(0.5, 0.7)])[0] == [0]


def test_asks_no_further_than_needed_and_each_span_about_those_before_it():
    both, other = [rose(), comparison("miles", distribution=RISEN)], [rose()]
    counts, asked = counted(both, both, other, [])
    assert counts == [2, 1]
    assert asked == [
        ("2014-06-07", ["2014-06-05", "2014-06-06"]),
        ("2014-06-06", ["2014-06-05"]),
        ("2014-06-05", []),
    ]
    assert len(counted(both, both, both, both, most=1)[1]) == 1
