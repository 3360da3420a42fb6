"""Intervals where rows come in groups, and intervals that hold for all slices at once."""

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs import evaluate_slices as job
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.evaluation_plan import make_plan
from tfx_vigil.beam_jobs.metrics.groups import in_buckets, measure_groups
from tfx_vigil.beam_jobs.metrics.memberships import BUCKETS, Membership
from tfx_vigil.beam_jobs.metrics.quantities import Rows
from tfx_vigil.beam_jobs.metrics.results import confidence_levels, measure
from tfx_vigil.beam_jobs.metrics.slice_table import SliceTable
from tfx_vigil.beam_jobs.reports import SliceReport, read_report

from .simulated_scores import MODELS

NAMES = ["auc", "binary_crossentropy", "accuracy", "recall", "mean_label"]
PLAN = make_plan(EvaluationConfig(label="label", metrics=NAMES), {m: m for m in MODELS})
GROUPS, A_GROUP = 100, 10


def clustered(rng, sets):
    """Rows in groups that share much of what decides their label and how models fail on them."""
    groups = np.repeat(np.arange(sets * GROUPS), A_GROUP)
    shared = rng.normal(0, 1.2, (3, sets * GROUPS))[:, groups]
    own = rng.normal(0, 0.6, (3, len(groups)))
    logit = shared[0] + own[0]
    labels = (rng.random(len(groups)) < 1 / (1 + np.exp(-logit))).astype(float)
    scores = {
        model: 1 / (1 + np.exp(-(skill * logit + 0.8 * (shared[i] + own[i]))))
        for i, (model, skill) in enumerate(zip(MODELS, (0.9, 0.6), strict=True), 1)
    }
    return groups, Rows(labels, scores)


def grouped(rng, sets):
    groups, rows = clustered(rng, sets)
    table = SliceTable(PLAN.needs())
    buckets = rng.integers(0, BUCKETS, sets * GROUPS)[groups]
    keys = [(("\x01group", b), ("set", s)) for s in range(sets) for b in range(BUCKETS)]
    codes = groups // GROUPS * BUCKETS + buckets
    kept, codes = np.unique(codes, return_inverse=True)
    table.add(rows, [Membership([keys[i] for i in kept], None, codes)])
    return measure_groups(PLAN, table.statistics(), None)


def alone(rng, sets):
    groups, rows = clustered(rng, sets)
    table = SliceTable(PLAN.needs())
    table.add(rows, [Membership([(("set", s),) for s in range(sets)], None, groups // GROUPS)])
    return measure(PLAN, table.statistics())


def by_name(found):
    named = {m.planned.name: m for m in found.metrics if m.planned.model == MODELS[0]}
    changes = {m.planned.name: m for m in found.changes if m.planned.metric.depends_on_model}
    return named | {f"change of {name}": m for name, m in changes.items()}


def test_intervals_of_groups_cover_the_truth_where_those_of_rows_do_not():
    table = SliceTable(PLAN.needs())
    _, rows = clustered(np.random.default_rng(0), 800)
    table.add(rows, [Membership([()], None, np.zeros(len(rows), np.int64))])
    truth = {name: m.values[0] for name, m in by_name(measure(PLAN, table.statistics())).items()}
    covered = [
        {
            name: ((m.lower <= truth[name]) & (truth[name] <= m.upper)).mean()
            for name, m in by_name(how(np.random.default_rng(1), 200)).items()
        }
        for how in (grouped, alone)
    ]
    assert {name: share for name, share in covered[0].items() if not 0.91 < share < 0.98} == {}
    assert covered[1]["mean_label"] < 0.8


@pytest.fixture
def users():
    rng = np.random.default_rng(2)
    user = np.repeat(np.arange(150), 8)
    taste = rng.normal(0, 2, 150)[user]
    score = 1 / (1 + np.exp(-rng.normal(0, 1, len(user))))
    label = (rng.random(len(user)) < 1 / (1 + np.exp(-taste))).astype(float)
    columns = {
        "label": label.tolist(),
        "prediction": score.tolist(),
        "city": [b"Bern" if u % 3 else b"Basel" for u in user],
        "user": [None if u == 7 else f"user-{u}@example.org".encode() for u in user],
    }
    return pa.RecordBatch.from_pydict(
        {
            name: pa.array(
                [None if v is None else [v] for v in values],
                pa.large_list(pa.large_binary() if name in ("city", "user") else pa.float64()),
            )
            for name, values in columns.items()
        }
    )


def evaluate(batch, uri, **settings):
    config = EvaluationConfig(label="label", slices=[["city"]], metrics=NAMES, **settings)
    with beam.Pipeline() as pipeline:
        rows = pipeline | beam.Create([batch.slice(0, 500), batch.slice(500)])
        rows | job.EvaluateSlices(config, str(uri), str(uri))
    return read_report(str(uri), SliceReport)


def test_grouped_rows_have_the_same_values_and_wider_intervals(users, tmp_path):
    plain = evaluate(users, tmp_path / "plain")
    grouped = evaluate(users, tmp_path / "grouped", group_by="user")
    assert (plain.grouped_by, grouped.grouped_by) == (None, "user")
    wide = {(m.slice, m.metric): m for m in grouped.metrics}
    assert len(wide) == 3 * len(NAMES)
    for m in plain.metrics:
        other = wide[m.slice, m.metric]
        assert (other.value, other.n) == (pytest.approx(m.value, abs=1e-12), m.n)
    own = next(m for m in plain.metrics if (m.slice, m.metric) == ("overall", "mean_label"))
    other = wide["overall", "mean_label"]
    assert other.upper - other.lower > 1.5 * (own.upper - own.lower)


def test_group_values_are_written_nowhere(users, tmp_path):
    evaluate(users, tmp_path, group_by="user")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"example.org" in path.read_bytes()]


def test_simultaneous_intervals_of_slices_are_wider_and_the_wholes_is_not(users, tmp_path):
    alone = evaluate(users, tmp_path / "alone")
    together = evaluate(users, tmp_path / "together", simultaneous=True)
    assert together.simultaneous
    for one, other in zip(alone.metrics, together.metrics, strict=True):
        widths = [m.upper - m.lower for m in (one, other)]
        if one.slice == "overall":
            assert widths[0] == widths[1]
        else:
            assert widths[0] < widths[1]


def test_simultaneous_intervals_of_independent_slices_hold_together_with_95_percent():
    table = SliceTable(PLAN.needs())
    labels = np.tile([0.0, 1.0], 33)
    keys = [(), *((("s", i),) for i in range(5))]
    codes = np.repeat(np.arange(6), [20, 20, 20, 2, 2, 2])
    table.add(Rows(labels, dict.fromkeys(MODELS, labels / 2)), [Membership(keys, None, codes)])
    levels = confidence_levels(table.statistics(), 10)
    assert levels[0] == 0.95
    assert levels[1:3].prod() == pytest.approx(0.95)  # two slices have ten rows


def test_slices_in_buckets_keep_their_values():
    plan = make_plan(EvaluationConfig(label="y", slices=[["a", "b"]]), {"logged": "p"})
    whole, cross = in_buckets(plan.slices)
    assert whole.features == ("\x01group",)
    assert cross.features == ("\x01group", "a", "b")
