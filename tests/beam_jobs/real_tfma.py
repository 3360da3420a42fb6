"""TFMA's own computations, row by row, without a pipeline around them."""

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_specs, metric_types


def tfma_values(config, labels, scores, weights=None):
    """MetricKey -> value of the rows, by TFMA's combiners and derived metrics.

    Args:
      scores: float [n], or [n, classes], or model -> float [n].
    """
    computations = metric_specs.to_computations(list(config.metrics_specs), config)
    rows = list(_inputs(labels, scores, weights))
    values = {}
    for computation in computations:
        if isinstance(computation, metric_types.MetricComputation):
            computation.combiner.setup()
            accumulator = computation.combiner.create_accumulator()
            for row in rows:
                accumulator = computation.combiner.add_input(accumulator, row)
            values |= computation.combiner.extract_output(accumulator)
        elif isinstance(computation, metric_types.DerivedMetricComputation):
            values |= computation.result(values)
    return {key: value for key, value in values.items() if not key.name.startswith("_")}


def _inputs(labels, scores, weights):
    for i, label in enumerate(labels):
        one = (
            {model: np.array([s[i]]) for model, s in scores.items()}
            if isinstance(scores, dict)
            else np.atleast_1d(scores[i])
        )
        extracts = {tfma.LABELS_KEY: np.array([label]), tfma.PREDICTIONS_KEY: one}
        if weights is not None:
            extracts[tfma.EXAMPLE_WEIGHTS_KEY] = np.array([weights[i]])
        yield metric_types.StandardMetricInputs(extracts)
