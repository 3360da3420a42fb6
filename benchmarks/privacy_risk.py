"""Claim: measuring k-anonymity, l-diversity and uniqueness adds little to the pseudonymization.

Prints the CPU time of the whole job on 1,000,000 rows of 12 fields under a policy that keeps all
of them, as it is and with four of them as quasi-identifiers and one as sensitive, and their ratio.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from tfx_vigil.beam_jobs.examples import BATCH_ROWS, encode_examples, tf_records
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.pseudonymize import run

ROWS = 1_000_000
QUASI = {"zip": 900, "age": 90, "job": 40, "hour": 24}
SENSITIVE = {"illness": 50}
OTHERS = 7


def batch(rng: np.random.Generator, rows: int) -> pa.RecordBatch:
    offsets = pa.array(np.arange(rows + 1))
    columns = {
        name: pa.array([b"%s%05d" % (name.encode(), n) for n in rng.integers(0, distinct, rows)])
        for name, distinct in {**QUASI, **SENSITIVE}.items()
    }
    columns = {name: values.cast(pa.large_binary()) for name, values in columns.items()}
    for n in range(OTHERS):
        columns[f"feature_{n}"] = pa.array(rng.normal(size=rows).astype(np.float32))
    lists = [pa.LargeListArray.from_arrays(offsets, values) for values in columns.values()]
    return pa.RecordBatch.from_arrays(lists, list(columns))


def policy(with_roles: bool) -> PrivacyConfig:
    roles = {"quasi_identifier": QUASI, "sensitive": SENSITIVE} if with_roles else {}
    fields = {
        name: {"method": "keep", "role": role} for role, names in roles.items() for name in names
    }
    return PrivacyConfig(fields=fields, default="keep")


def main() -> None:
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        split = Path(folder, "in", "Split-all")
        split.mkdir(parents=True)
        with (split / "data_tfrecord").open("wb") as file:
            for start in range(0, ROWS, BATCH_ROWS):
                file.write(tf_records(encode_examples(batch(rng, min(BATCH_ROWS, ROWS - start)))))
        took = {}
        for with_roles in (False, True):
            start = time.process_time()
            report = run(policy(with_roles), f"{folder}/in", f"{folder}/out-{with_roles}")
            took[with_roles] = time.process_time() - start
        [risk] = report.risk
    print(f"the job without risk {took[False]:8.1f} s CPU")
    print(f"the job with risk    {took[True]:8.1f} s CPU")
    print(f"ratio                {took[True] / took[False]:8.2f}")
    print(f"k {risk.k}, {risk.classes:,} classes, {risk.unique:.1%} of the rows unique")


if __name__ == "__main__":
    main()
