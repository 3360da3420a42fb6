"""Fast metrics give TFMA's numbers on whatever rows."""

import json
import math

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tensorflow_model_analysis.proto import config_pb2
from tfx_vigil.beam_jobs.metrics.auc import Curve, threshold_step
from tfx_vigil.beam_jobs.metrics.memberships import Membership
from tfx_vigil.beam_jobs.metrics.plan import plan_evaluation
from tfx_vigil.beam_jobs.metrics.quantities import Rows
from tfx_vigil.beam_jobs.metrics.results import measure
from tfx_vigil.beam_jobs.metrics.slice_table import SliceTable

from .real_tfma import tfma_values

BINARY_TASK = "binary_classification"
UNSHRUNK = (Phase.explicit, Phase.generate)
RATES = """
BinaryAccuracy Precision PPV Recall TPR Specificity TNR FallOut FPR MissRate FNR NPV
NegativePredictiveValue FalseDiscoveryRate FalseOmissionRate Prevalence ThreatScore
PredictedPositiveRate TruePositives TP TrueNegatives TN FalsePositives FP FalseNegatives FN
"""
BINARY = [
    ("AUC", {}),
    ("AUC", {"name": "auc_200", "num_thresholds": 200}),
    ("BinaryCrossEntropy", {}),
    ("MeanSquaredError", {"name": "brier"}),
    ("Calibration", {}),
    ("MeanLabel", {}),
    ("MeanPrediction", {}),
    ("ExampleCount", {}),
    ("WeightedExampleCount", {}),
    *((name, {}) for name in RATES.split()),
    ("Precision", {"name": "precision_at_0.3", "thresholds": 0.3}),
]
ERRORS = """
MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError
MeanLabel MeanPrediction Calibration ExampleCount
"""
REGRESSION = [(name, {}) for name in ERRORS.split()]


def eval_config(metrics, weight_key=""):
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(label_key="y", prediction_key="p", example_weight_key=weight_key)
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                model_names=[""],
                metrics=[
                    config_pb2.MetricConfig(class_name=name, config=json.dumps(arguments))
                    for name, arguments in metrics
                ],
            )
        ],
    )


def whole(n):
    return Membership([()], None, np.zeros(n, np.int64))


def fast_values(config, labels, scores, weights=None, task=BINARY_TASK):
    plan = plan_evaluation(config, {"": "logged"}, task)
    rows = Rows(np.array(labels), {"logged": np.array(scores)}, weights and np.array(weights))
    table = SliceTable(plan.needs())
    table.add(rows, [whole(len(labels))])
    return {m.planned.key: float(m.values[0]) for m in measure(plan, table.statistics()).metrics}


def assert_same(fast, real):
    assert fast.keys() == real.keys()
    for key, value in real.items():
        if math.isnan(value):
            assert math.isnan(fast[key]), key
        else:
            assert fast[key] == pytest.approx(float(value), rel=1e-6, abs=1e-6), key


SCORE = st.floats(1e-7, 1 - 1e-7) | st.sampled_from([0.5, 0.3, 0.25, 0.0001, 0.9999])
LABELLED = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), SCORE), min_size=1, max_size=40)
WEIGHT = st.floats(0.01, 30)


@given(LABELLED)
@settings(max_examples=12, deadline=None, phases=UNSHRUNK)
def test_binary_metrics(rows):
    config = eval_config(BINARY)
    labels, scores = zip(*rows, strict=True)
    assert_same(fast_values(config, labels, scores), tfma_values(config, labels, scores))


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), SCORE, WEIGHT), min_size=1, max_size=40))
@settings(max_examples=10, deadline=None, phases=UNSHRUNK)
def test_binary_metrics_of_weighted_rows(rows):
    config = eval_config(BINARY, weight_key="w")
    labels, scores, weights = zip(*rows, strict=True)
    assert_same(
        fast_values(config, labels, scores, list(weights)),
        tfma_values(config, labels, scores, weights),
    )


@given(
    st.lists(st.tuples(st.integers(0, 20).map(lambda x: x / 20), SCORE), min_size=1, max_size=20)
)
@settings(max_examples=8, deadline=None, phases=UNSHRUNK)
def test_labels_between_the_classes_count_for_both(rows):
    config = eval_config([("AUC", {}), ("Recall", {}), ("Specificity", {}), ("Calibration", {})])
    labels, scores = zip(*rows, strict=True)
    assert_same(fast_values(config, labels, scores), tfma_values(config, labels, scores))


NUMBER = st.integers(0, 10**6).map(lambda x: x / 128)


@given(st.lists(st.tuples(NUMBER, NUMBER, WEIGHT), min_size=1, max_size=30), st.booleans())
@settings(max_examples=12, deadline=None, phases=UNSHRUNK)
def test_regression_metrics(rows, weighted):
    config = eval_config(REGRESSION, weight_key="w" if weighted else "")
    labels, numbers, weights = zip(*rows, strict=True)
    weights = list(weights) if weighted else None
    assert_same(
        fast_values(config, labels, numbers, weights, task="regression"),
        tfma_values(config, labels, numbers, weights),
    )


@given(LABELLED, st.integers(0, 40), st.booleans())
@settings(max_examples=10, deadline=None, phases=UNSHRUNK)
def test_statistics_add_up_over_batches_and_workers(rows, cut, merged):
    config = eval_config(BINARY)
    plan = plan_evaluation(config, {"": "logged"}, BINARY_TASK)
    tables = [SliceTable(plan.needs()), SliceTable(plan.needs())]
    for part, table in ((rows[:cut], tables[0]), (rows[cut:], tables[merged])):
        if part:
            labels, scores = (np.array(column) for column in zip(*part, strict=True))
            keys = [(), (("city", part[0][0]),)]
            table.add(
                Rows(labels, {"logged": scores}),
                [whole(len(part)), Membership(keys[1:], None, np.zeros(len(part), np.int64))],
            )
    tables[0].merge(tables[1])
    known = tables[0].statistics()
    total = measure(plan, known).metrics
    labels, scores = zip(*rows, strict=True)
    place = known.keys.index(())
    assert known.rows[place] == len(rows)
    assert_same(
        {m.planned.key: float(m.values[place]) for m in total},
        tfma_values(config, labels, scores),
    )


def test_slices_with_full_and_sparse_histograms_have_the_same_auc():
    rng = np.random.default_rng(0)
    n = 40_000
    labels, scores = (rng.uniform(size=n) < 0.3).astype(float), rng.beta(1, 6, n)
    plan = plan_evaluation(eval_config([("AUC", {})]), {"": "logged"}, BINARY_TASK)
    keys = [(("city", i),) for i in range(400)]
    many, one_by_one = SliceTable(plan.needs()), SliceTable(plan.needs())
    codes = rng.integers(0, 400, n)
    codes[: n // 2] = 7
    many.add(Rows(labels, {"logged": scores}), [Membership(keys, None, codes)])
    for code in range(400):
        chosen = codes == code
        one_by_one.add(
            Rows(labels[chosen], {"logged": scores[chosen]}),
            [Membership([keys[code]], None, np.zeros(chosen.sum(), np.int64))],
        )
    values = [measure(plan, t.statistics()).metrics[0].values for t in (many, one_by_one)]
    np.testing.assert_allclose(*values, rtol=1e-12)


def test_configuration_may_come_as_text():
    config = text_format.Parse(
        """model_specs { label_key: "y" prediction_key: "p" }
        slicing_specs {}
        slicing_specs { feature_keys: "city" feature_values { key: "hour" value: "7" } }
        metrics_specs { model_names: "" metrics { class_name: "AUC" } }""",
        config_pb2.EvalConfig(),
    )
    plan = plan_evaluation(config, {"": "logged"}, BINARY_TASK)
    (spec,) = plan.slices
    assert (spec.features, spec.only) == (("city", "hour"), (("hour", "7"),))
    assert [planned.name for planned in plan.metrics] == ["auc"]


def test_scores_of_one_and_beyond_lie_in_the_last_step():
    step = threshold_step(10_000)
    assert step.max() == step[-1] == 9_998
    cells = np.array([2 * 10_001, 2 * 10_001 + 1])
    curve = Curve(1, np.zeros(2, np.int64), cells, step[cells // 2], np.ones((2, 1)))
    assert curve.auc == 0.5
