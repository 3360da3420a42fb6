"""Data sets of which the true metrics are known; each is a slice of one table."""

import numpy as np
from tfx_vigil.beam_jobs.metrics.memberships import Membership
from tfx_vigil.beam_jobs.metrics.quantities import Rows
from tfx_vigil.beam_jobs.metrics.slice_table import SliceTable

MODELS = ("candidate", "in_service")


def scored_rows(rng, n, prevalence=0.2, skill=(0.9, 0.7), noise=(0.4, 0.6)):
    """Labels and the scores of two models that go together."""
    truth = rng.beta(0.8, 0.8 * (1 - prevalence) / prevalence, n)
    logit = np.log(truth / (1 - truth))
    labels = (rng.uniform(size=n) < truth).astype(float)
    scores = {
        model: np.clip(1 / (1 + np.exp(-(s * logit + rng.normal(0, sd, n)))), 1e-7, 1 - 1e-7)
        for model, s, sd in zip(MODELS, skill, noise, strict=True)
    }
    return Rows(labels, scores)


def classified_rows(rng, n, logits=(1.2, 0.4, 0.0), noise=(0.5, 0.9)):
    """Labels of three classes of different size, and the probabilities of two models."""
    evidence = rng.normal(logits, 1.5, (n, len(logits)))
    labels = (evidence + rng.gumbel(size=evidence.shape)).argmax(axis=1).astype(float)
    scores = {}
    for model, sd in zip(MODELS, noise, strict=True):
        odds = np.exp(evidence + rng.normal(0, sd, evidence.shape))
        scores[model] = odds / odds.sum(axis=1, keepdims=True)
    return Rows(labels, scores)


def statistics_of(needs, rows, sets=1):
    """The statistics of ``sets`` equal parts of the rows, each as a slice."""
    table = SliceTable(needs)
    keys = [(("set", i),) for i in range(sets)]
    table.add(rows, [Membership(keys, None, np.repeat(np.arange(sets), len(rows) // sets))])
    return table.statistics()
