"""Policies compared over whole streams: how well each served, at how many retrainings and pushes.

  python benchmarks/policies.py [--seeds 2] [--streams "SEA, sudden" ...] [--quick]

River's generators become the serving logs of a model, twelve days of 2,000 requests; from the
fifth day on something happens (``policies_streams``). Besides, the demo's taxi trips. Ingest,
statistics, drift, evaluation, decision, training rows, push gate and history are tfx-vigil's own;
gradient-boosted trees of scikit-learn, from scratch only, stand for the Trainer; nobody is in
these data, so that PIIPseudonymizer is left out.

The first three policies are what is done without a gate: data are not checked before training, and
what was trained is pushed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import yaml
from policies_run import Day, begin, run
from policies_streams import KINDS, SOURCES, Stream, generated, trips

UNGUARDED = """
training: {strategy: window}
guards: {max_dead_letter_share: null, block_on_data_errors: false, min_labelled_rows: null}
"""
NEVER = """
triggers: {drift: null, metric_drop: null, promise: null, erasure: null}
"""
ON_SCHEDULE = """
triggers:
  drift: null
  metric_drop: null
  promise: null
  erasure: null
  schedule: {start: START, length: LENGTH}
"""
ON_ANY_DRIFT = """
triggers:
  drift: {severity: watch}
  metric_drop: null
  promise: null
  erasure: null
"""

NEWEST = """
training: {strategy: window}
"""


@dataclass(frozen=True)
class Contender:
    """``policy``: the section of vigil.yaml; ``push_gate``: False pushes whatever was trained."""

    policy: str
    push_gate: bool = False


CONTENDERS = {
    "never": Contender(NEVER),
    "on schedule": Contender(ON_SCHEDULE + UNGUARDED),
    "on any drift": Contender(ON_ANY_DRIFT + UNGUARDED),
    "tfx-vigil's default": Contender("{}", push_gate=True),
    "tfx-vigil, newest spans": Contender(NEWEST, push_gate=True),
}


def streams() -> dict[str, Callable[[int], Stream]]:
    """Name -> what makes the stream of a seed."""
    made: dict[str, Callable[[int], Stream]] = {
        f"{source}, {kind}": lambda seed, s=source, k=kind: generated(SOURCES[s], KINDS[k], seed)
        for source in SOURCES
        for kind in KINDS
    }
    return made | {"taxi trips": lambda seed: trips()}


def days_of(stream: Stream, names: list[str], folder: Path) -> dict[str, list[Day]]:
    begin(stream, folder)
    found = {}
    for name in names:
        contender = CONTENDERS[name]
        text = contender.policy.replace("START", f"{stream.spans.start:%Y-%m-%d}")
        policy = yaml.safe_load(text.replace("LENGTH", stream.schedule))
        found[name] = list(run(stream, policy, contender.push_gate, folder, name))
    return found


def row(runs: list[list[Day]]) -> str:
    """Means over the runs, with standard errors where there are several."""
    losses = [np.mean([day.loss for day in days]) for days in runs]
    error = f" ± {np.std(losses, ddof=1) / len(runs) ** 0.5:.3f}" if len(runs) > 1 else ""
    auc = np.mean([day.auc for days in runs for day in days])

    def per_run(count: Callable[[Day], bool]) -> str:
        return f"{np.mean([sum(map(count, days)) for days in runs]):.1f}"

    counts = [
        per_run(lambda day: day.out_of_bounds),
        per_run(lambda day: day.retrained),
        per_run(lambda day: day.pushed),
        per_run(lambda day: bool(day.wrong)),
        per_run(lambda day: day.action in ("hold", "call_human")),
    ]
    return f"{np.mean(losses):.3f}{error} | {auc:.3f} | {' | '.join(counts)}"


def main() -> None:
    known = streams()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--streams", nargs="+", choices=known, default=list(known))
    parser.add_argument("--policies", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--verbose", action="store_true", help="print each day and its reasons")
    args = parser.parse_args()
    print("| stream | policy | log loss | AUC | out | retrained | pushed | wrong | blocked |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in args.streams:
        seeds = 1 if args.quick or name == "taxi trips" else args.seeds
        runs = []
        for seed in range(seeds):
            folder = Path(tempfile.mkdtemp())
            runs.append(days_of(known[name](seed), args.policies, folder))
            shutil.rmtree(folder)
        for policy in args.policies:
            of_policy = [days[policy] for days in runs]
            print(f"| {name} | {policy} | {row(of_policy)} |", flush=True)
            if args.verbose:
                for day in (day for days in of_policy for day in days):
                    print(day)
    print(f"{time.process_time() / 60:.1f} CPU minutes")


if __name__ == "__main__":
    main()
