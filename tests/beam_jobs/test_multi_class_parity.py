"""Fast metrics of several classes give TFMA's numbers on whatever rows."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_model_analysis.proto import config_pb2
from tfx_vigil.beam_jobs.evaluation_config import MULTI_CLASS

from .real_tfma import tfma_values
from .test_metric_parity import UNSHRUNK, WEIGHT, assert_same, fast_values

CLASSES = 4
ALL_CLASSES = [
    ("SparseCategoricalCrossentropy", {}),
    ("SparseCategoricalAccuracy", {}),
    ("SparseTopKCategoricalAccuracy", {"k": 2}),
    ("ExampleCount", {}),
]
ONE_CLASS = [(name, {}) for name in ("AUC", "Precision", "Recall", "BinaryAccuracy", "Calibration")]
# Whole parts of 1,024: neither 0 nor further from float32 than TFMA's sums are.
PART = st.integers(1, 1024) | st.sampled_from([1, 256, 512])
ROW = st.tuples(st.integers(0, CLASSES - 1), st.tuples(*[PART] * CLASSES), WEIGHT)
ROWS = st.lists(ROW, min_size=1, max_size=30)


def eval_config(weight_key, chosen, **spec):
    metrics = [
        config_pb2.MetricConfig(class_name=name, config=json.dumps(arguments))
        for name, arguments in chosen
    ]
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(label_key="y", prediction_key="p", example_weight_key=weight_key)
        ],
        metrics_specs=[config_pb2.MetricsSpec(model_names=[""], metrics=metrics, **spec)],
    )


def assert_tfmas(rows, weighted, chosen, **spec):
    config = eval_config("w" if weighted else "", chosen, **spec)
    labels, parts, weights = zip(*rows, strict=True)
    scores = np.array(parts, float)
    scores /= scores.sum(axis=1, keepdims=True)
    weights = list(weights) if weighted else None
    assert_same(
        fast_values(config, labels, scores, weights, task=MULTI_CLASS),
        tfma_values(config, labels, scores, weights),
    )


@given(ROWS, st.booleans())
@settings(max_examples=12, deadline=None, phases=UNSHRUNK)
def test_metrics_of_all_classes(rows, weighted):
    assert_tfmas(rows, weighted, ALL_CLASSES)


@given(ROWS, st.booleans())
@settings(max_examples=8, deadline=None, phases=UNSHRUNK)
def test_one_class_against_the_others(rows, weighted):
    ids = config_pb2.BinarizationOptions(class_ids={"values": [0, CLASSES - 1]})
    assert_tfmas(rows, weighted, ONE_CLASS, binarize=ids)


@given(ROWS, st.booleans(), st.tuples(*[st.sampled_from([0.5, 1.0, 3.0])] * CLASSES))
@settings(max_examples=8, deadline=None, phases=UNSHRUNK)
def test_weighted_mean_over_classes(rows, weighted, class_weights):
    mean = config_pb2.AggregationOptions(
        macro_average=True, class_weights=dict(enumerate(class_weights))
    )
    assert_tfmas(rows, weighted, ONE_CLASS, aggregate=mean)
