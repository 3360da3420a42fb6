"""A change is the season's where spans of the same season do not show it."""

import pytest
from tfx_vigil.components.drift_validator.seasonality import explained_by, same_season

from .drift_comparisons import comparison

WEEK = [f"2014-06-{day:02}" for day in range(1, 8)]


@pytest.mark.parametrize(
    ("span", "references", "found"),
    [
        ("2014-06-08", WEEK, {"weekday": ["2014-06-01"]}),
        ("2014-06-08T06", ["2014-06-01T06", "2014-06-08T00"], {"weekday": ["2014-06-01T06"]}),
        ("2014-06-08", ["2014-06-01"], {}),
        ("2014-06-08", WEEK[1:], {}),
        ("2014-06-01", ["2013-06-01", "2014-04-01", "2014-05-01"], {"month": ["2013-06-01"]}),
        ("2014-10-01", ["2014-01-01", "2014-08-01", "2014-09-01"], {}),
        ("17", ["15", "16"], {}),
        ("latest", ["first", "second"], {}),
        (None, WEEK, {}),
    ],
)
def test_reference_spans_of_the_same_weekday_or_month(span, references, found):
    assert {k: v for k, v in same_season(span, references).items() if v} == found


NOW = [
    comparison("fare", against="training"),
    comparison("fare", against="previous"),
    comparison("fare", against="reference"),
]


def of_season(value, threshold=0.1):
    return {"weekday": [comparison("fare", value, threshold, against="reference")]}


@pytest.mark.parametrize(
    ("season", "others", "explained"),
    [
        pytest.param(of_season(0.05), [], "weekday", id="as on other sundays"),
        pytest.param(of_season(0.15), [], None, id="also unlike other sundays"),
        pytest.param(of_season(0.05, 0.3), [], None, id="too few rows on sundays to tell"),
        pytest.param({"weekday": []}, [], None, id="no sunday had the feature"),
        pytest.param({}, [], None, id="no sundays"),
        pytest.param(of_season(0.05), NOW[:1], None, id="weekdays are unlike training too"),
        pytest.param(
            of_season(0.05), [comparison("fare", 0.01)], "weekday", id="weekdays are like training"
        ),
    ],
)
def test_a_season_explains_a_change_that_only_other_days_show(season, others, explained):
    assert explained_by(NOW, season, others) == explained


def test_what_differs_from_training_alone_is_not_seasonal():
    assert explained_by(NOW[:1], of_season(0.05), []) is None
