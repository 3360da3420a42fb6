"""Evidence, gathered with a judge that only knows missing rates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs.drift_statistics.population import (
    FeatureStatistics,
    SliceStatistics,
    SpanStatistics,
    merged,
)
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.detectors import ErrorStream, Rows
from tfx_vigil.components.drift_validator.explain import Known, explain
from tfx_vigil.components.drift_validator.verdict import drift_report

from .drift_comparisons import comparison, missing

CONFIG = DriftConfig()
DAYS = [f"2014-06-{day:02}" for day in range(1, 15)]  # the first one is a Sunday
SUNDAYS = DAYS[::7]
ROWS = 1_000


def span(**rates: float) -> dict[str, SpanStatistics]:
    """A split of ``ROWS`` rows with features of these missing rates, on the whole and a slice."""
    features = {name: FeatureStatistics(ROWS, int(ROWS * r), {}) for name, r in rates.items()}
    keys = {"overall": (), "hour=7": (("hour", "7"),)}
    slices = {name: SliceStatistics(key, ROWS, features) for name, key in keys.items()}
    return {"serving": SpanStatistics(slices)}


def judge(current, training, references):
    """Drift where the missing rates differ by more than 0.1."""
    sides = {"training": training, "previous": references[-1]["serving"] if references else None}
    if len(references) > 1:
        sides["reference"] = merged([each["serving"] for each in references])
    return [
        _judged(feature, name, against, here, side.slices[name])
        for against, side in sides.items()
        if side is not None
        for name, here in current["serving"].slices.items()
        for feature in here.features
    ]


def _judged(feature, name, against, here, there):
    now, then = (s.features[feature].missing / s.features[feature].rows for s in (here, there))
    return comparison(
        feature,
        abs(now - then),
        0.1,
        slice=name,
        against=against,
        distance="missing_rate_difference",
        distribution=missing(then, now),
    )


TRAINING = span(fare=0.0, miles=0.0)["serving"]


def evidence(today: str, now, references, **more):
    known = Known(today, now, TRAINING, references, **more)
    comparisons = judge(now, TRAINING, list(references.values()))
    return comparisons, explain(comparisons, known, judge, CONFIG)


def told(today: str, now, references):
    comparisons, found = evidence(today, now, references)
    report = drift_report(comparisons, [], [], CONFIG, found)
    return {f.feature: (f.severity, f.spans, f.since, f.seasonal) for f in report.findings}


def test_a_change_that_lasts_is_dated_and_acts_and_a_new_one_is_watched():
    calm, bad = span(fare=0.0, miles=0.0), span(fare=0.3, miles=0.0)
    references = dict(zip(DAYS[:6], [calm, calm, bad, calm, bad, bad], strict=True))
    assert told(DAYS[6], span(fare=0.3, miles=0.3), references) == {
        "fare": ("act", 3, DAYS[4], None),
        "miles": ("watch", 1, None, None),
    }


def test_the_day_after_one_bad_day_is_not_its_second():
    calm, bad = span(fare=0.0), span(fare=0.5)
    references = dict(zip(DAYS[:3], [calm, calm, bad], strict=True))
    assert told(DAYS[3], calm, references)["fare"][:2] == ("watch", 1)


def test_a_sunday_like_other_sundays_is_seasonal_and_no_other_day_is():
    sunday, workday = span(fare=0.3), span(fare=0.0)
    references = {day: sunday if day in SUNDAYS else workday for day in DAYS}
    assert told("2014-06-15", sunday, references)["fare"] == ("watch", 1, None, "weekday")
    assert told("2014-06-16", sunday, {**references, "2014-06-15": sunday})["fare"][3] is None


def test_earlier_spans_are_asked_only_about_what_drifted():
    asked = []

    def asking(current, training, references):
        asked.extend((f, name) for name, s in current["serving"].slices.items() for f in s.features)
        return judge(current, training, references)

    calm, now = span(fare=0.0, miles=0.0), span(fare=0.3, miles=0.0)
    comparisons = [c for c in judge(now, TRAINING, [calm]) if c.slice == "overall"]
    explain(comparisons, Known(DAYS[1], now, TRAINING, {DAYS[0]: calm}), asking, CONFIG)
    assert asked == [("fare", "overall")]


def test_without_drift_nothing_else_is_asked():
    calm = span(fare=0.0)
    _, found = evidence(DAYS[2], calm, {DAYS[0]: calm, DAYS[1]: calm})
    assert (found.earlier, found.seasons, found.others) == ([], {}, [])


def served(n: int, seed: int, version: str, longer: float = 0.0) -> pa.Table:
    fare = np.random.default_rng(seed).normal(longer, 1, n)
    return pa.table(
        {"fare": fare, "label": fare, "prediction": 2 * fare, "log_model_version": [version] * n}
    )


@pytest.mark.parametrize(("longer", "told"), [(0.5, ["fare"]), (0.0, None)])
def test_rows_tell_what_moved_the_prediction_and_who_answers(longer, told):
    rows = Rows(
        served(2_000, 1, "6"),
        served(2_000, 2, "7", longer),
        "serving",
        "previous",
        ["fare", "label", "prediction"],
    )
    untold = Rows(rows.baseline.select(["fare"]), rows.current, "serving", "training", ["fare"])
    calm = span(fare=0.0)
    _, found = evidence(DAYS[1], calm, {DAYS[0]: calm}, rows=[untold, rows])
    change = found.prediction_change
    assert (change and [c.feature for c in change.contributions]) == told
    assert found.new_version.version == "7"


def test_the_course_of_the_errors_is_kept_for_the_report():
    times = np.arange(300, dtype=np.int64) * 1_000_000
    stream = ErrorStream(times, np.linspace(0, 1, 300), [0, 150], "labelled")
    calm = span(fare=0.0)
    _, found = evidence(DAYS[1], calm, {DAYS[0]: calm}, stream=stream)
    assert len(found.errors) == 10
