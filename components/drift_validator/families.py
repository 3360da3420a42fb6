"""How the chance of a false alarm is shared out between kinds of comparisons.

Slices and pairs of features are many, and would leave none for what is true of all rows; so each
kind has a fixed share, however many comparisons it makes. The shares are as weights of p-values
(C. Genovese, K. Roeder, L. Wasserman, False discovery control with p-value weighting, Biometrika
93, 2006). Within a kind the main comparison of each aspect, such as the location of numbers and the
divergence of categories, counts as ``MAIN`` of its others, which find what is rarer.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...beam_jobs.slices import OVERALL
from .detectors import CLASSIFIER, CORRELATION, STREAMS
from .example_counts import DISTANCE as NUMBER_OF_EXAMPLES

Family = Literal["whole", "slices", "correlations", "rows", "errors"]
SHARES: dict[Family, float] = {
    "whole": 0.6,
    "slices": 0.1,
    "correlations": 0.05,
    "rows": 0.05,
    "errors": 0.2,
}
MAIN = 4.0
_DETECTORS: dict[str, Family] = {
    NUMBER_OF_EXAMPLES: "whole",
    CORRELATION: "correlations",
    CLASSIFIER: "rows",
    **dict.fromkeys(STREAMS, "errors"),
}


def of_distance(slice_name: str) -> Family:
    return "whole" if slice_name == OVERALL else "slices"


def of_detector(name: str) -> Family:
    """``name``: a detector's, or that of the number of examples."""
    return _DETECTORS[name]


def weights(families: np.ndarray, main: np.ndarray) -> np.ndarray:
    """Of the comparison in each of ``families``, 1 on average; families without one share none.

    ``main``: whether it is its aspect's main one.
    """
    names, place = np.unique(families, return_inverse=True)
    own = np.where(main, MAIN, 1.0)
    shares = np.array([SHARES[name] for name in names.tolist()])
    return own * (shares / shares.sum() * len(own) / np.bincount(place, own))[place]
