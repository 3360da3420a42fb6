"""What a search for slices looks at, and what it takes to be reported."""

from __future__ import annotations

from pydantic import Field

from ..parameters import Parameters


class SliceSearchConfig(Parameters):
    """Parameters of a search.

    Attributes:
      features: columns to search; the evaluation's ``features`` when empty.
      ignore: columns to leave out, beside label, predictions and what the log itself adds.
      most_pairs: pairs of features that are searched, those first whose features alone tell
        most. The others count as tested, so that the choice biases no p-value.
      quantiles: a numeric feature is cut into so many parts of equal size; a power of 2. Halves,
        quarters and so on down to these parts are what is searched.
      most_values: the most frequent values of a category that are searched.
      alpha: the expected share of false findings (Benjamini-Hochberg) over all candidates, and
        so the chance of any finding where no slice is worse.
      minimum_effect: the loss must be higher than in the other rows by this share of theirs.
      most_rows: of more rows, a random sample of this size is searched.
      most_findings: how many are reported.
    """

    features: list[str] = []
    ignore: list[str] = []
    most_pairs: int = Field(200, ge=0)
    quantiles: int = Field(8, ge=2, le=64)
    most_values: int = Field(50, ge=1)
    alpha: float = Field(0.05, gt=0, lt=1)
    minimum_effect: float = Field(0.2, ge=0)
    most_rows: int = Field(100_000, ge=100)
    most_findings: int = Field(20, ge=1)
