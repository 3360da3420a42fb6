import numpy as np
from tfx_vigil.beam_jobs.drift_statistics.categories import Categories
from tfx_vigil.beam_jobs.drift_statistics.grid import Grid
from tfx_vigil.beam_jobs.drift_statistics.population import (
    VALUE,
    FeatureStatistics,
    SliceStatistics,
    SpanStatistics,
    merged,
)


def span(rows: int, **features: Grid | Categories) -> SpanStatistics:
    measured = {
        name: FeatureStatistics(rows, rows - int(aspect.total), {VALUE: aspect})
        for name, aspect in features.items()
    }
    return SpanStatistics({"overall": SliceStatistics((), rows, measured)})


def test_a_feature_that_a_span_lacks_is_missing_in_all_its_rows():
    both = merged([span(5, fare=Grid.of(np.arange(4.0))), span(7)])
    fare = both.overall.features["fare"]
    assert (fare.rows, fare.missing, fare.present) == (12, 8, 4)


def test_a_slice_has_the_rows_of_the_spans_that_wrote_it():
    small = SliceStatistics((("hour", "3"),), 40, {})
    first, second = span(100), SpanStatistics(span(100).slices | {"hour=3": small}, unnamed=2)
    both = merged([first, second])
    assert both.slices["hour=3"] == small
    assert both.overall.rows == 200
    assert both.unnamed == 2


def test_an_aspect_that_became_categories_is_that_of_the_last_spans():
    numbers, words = Grid.of(np.arange(4.0)), Categories.of(["a", "b"], [1, 2])
    both = merged([span(4, code=numbers), span(3, code=words)])
    value = both.overall.features["code"].aspects[VALUE]
    assert dict(zip(value.values, value.counts, strict=True)) == {"a": 1, "b": 2}
