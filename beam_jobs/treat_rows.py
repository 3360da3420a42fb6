"""Treats the rows of a split by the policy, but those that the register tells apart."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa

from .privacy_batch import BatchTreatment, load_keys
from .privacy_measures import Measure
from .privacy_policy import PrivacyConfig
from .subjects.lookup import Lookup
from .subjects.register import load

COUNTS, ASIDE = "counts", "aside"


class TreatRows(beam.DoFn):
    """Gives treated batches; tagged ``ASIDE`` those of restricted people, tagged ``COUNTS`` what
    was done. Rows of erased people are dropped.

    Args:
      key_version: None for a policy that needs no key.
      history_root: where each worker reads the register; empty for none.
    """

    def __init__(
        self, config: PrivacyConfig, split: str, key_version: int | None, history_root: str
    ):
        self._config = config
        self._split = split
        self._key_version = key_version
        self._history_root = history_root

    def setup(self) -> None:
        keys = load_keys(self._config, self._key_version)
        self._treatment = BatchTreatment(self._config, self._split, keys)
        self._lookup = Lookup(self._config, load(self._history_root), keys)

    def process(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch | beam.pvalue.TaggedOutput]:
        used, restricted, erased = self._lookup.apart(batch)
        treated, counts = self._treatment.treat(used)
        yield treated
        if restricted.num_rows:
            treated, more = self._treatment.treat(restricted)
            counts.update(more)
            yield beam.pvalue.TaggedOutput(ASIDE, treated)
        counts.update({Measure(self._split, x): erased for x in ("rows_read", "rows_erased")})
        yield beam.pvalue.TaggedOutput(COUNTS, counts)
