"""How soon DriftValidator's change point is found, beside River's ADWIN and DDM alone.

  python benchmarks/drift_streams.py [--repeats 20]

A model learns from the first rows of one of River's generators and is frozen; its errors come in
spans of 1,000 labelled rows, and at a random row the labels' function changes: suddenly, gradually
over 3,000 rows, or there and back (the way back 6 spans later). Each detector gets the spans one by
one with the last 8 before it, as in the pipeline: DriftValidator's change point at the share of the
default alpha that errors have, and, asked row by row from the first row on with River's defaults,
ADWIN on the same errors, squared differences of score and label, and DDM on right and wrong.

Found: the share of changes after which there is an alarm within 5 spans. Spans late: of those, how
many spans after the one with the change (its first row, where it is gradual). Off: the median
distance in rows between the change and where the detector puts it. False: alarms on 100 spans
before any change, and on streams without one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from river.datasets import base, synth
from river.drift import ADWIN
from river.drift.binary import DDM
from sklearn.tree import DecisionTreeClassifier
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.detected import detected
from tfx_vigil.components.drift_validator.detectors import ErrorStream
from tfx_vigil.components.drift_validator.detectors.change_point import ChangePoint
from tfx_vigil.components.drift_validator.families import SHARES

SPAN, REFERENCES, SPANS, LEARNED = 1_000, 8, 24, 5_000
FIRST, BACK, WIDTH, PATIENCE = 10, 6, 3_000, 5
Generator = Callable[[bool, int], base.SyntheticDataset]


def sea(changed: bool, seed: int, to: int = 3) -> base.SyntheticDataset:
    return synth.SEA(variant=to if changed else 0, noise=0.1, seed=seed)


def sea_slightly(changed: bool, seed: int) -> base.SyntheticDataset:
    return sea(changed, seed, to=1)


def agrawal(changed: bool, seed: int) -> base.SyntheticDataset:
    return synth.Agrawal(classification_function=3 if changed else 2, perturbation=0.1, seed=seed)


@dataclass(frozen=True)
class Kind:
    """A stream: the rows of one generator, then of the other."""

    generator: Generator
    gradual: bool = False
    changes: int = 1


KINDS = {
    "SEA, none": Kind(sea, changes=0),
    "SEA, sudden": Kind(sea),
    "SEA, sudden, small": Kind(sea_slightly),
    "SEA, gradual": Kind(sea, gradual=True),
    "SEA, recurring": Kind(sea, changes=2),
    "Agrawal, none": Kind(agrawal, changes=0),
    "Agrawal, sudden": Kind(agrawal),
    "Agrawal, gradual": Kind(agrawal, gradual=True),
    "Agrawal, recurring": Kind(agrawal, changes=2),
}


@dataclass(frozen=True)
class Stream:
    """``scores``: of the positive class; ``changes``: the rows at which the function changes."""

    scores: np.ndarray
    labels: np.ndarray
    changes: Sequence[int]


def stream(kind: Kind, seed: int) -> Stream:
    random = np.random.default_rng(seed)
    rows = SPANS * SPAN
    first = FIRST * SPAN + int(random.integers(SPAN))
    changes = [first, first + BACK * SPAN][: kind.changes]
    places = np.arange(rows)
    share = np.zeros(rows)
    if kind.gradual:
        share = np.clip((places - first) / WIDTH, 0, 1)
    else:
        for change in changes:
            share[change:] = 1 - share[change]
    changed = random.random(rows) < share
    inputs, labels = rows_of(kind.generator(False, seed), LEARNED + rows)
    model = DecisionTreeClassifier(min_samples_leaf=50, random_state=0)
    model.fit(inputs[:LEARNED], labels[:LEARNED])
    other_inputs, other_labels = rows_of(kind.generator(True, seed + 10_000), rows)
    inputs = np.where(changed[:, None], other_inputs, inputs[LEARNED:])
    labels = np.where(changed, other_labels, labels[LEARNED:])
    return Stream(model.predict_proba(inputs)[:, 1], labels, changes)


def rows_of(generator: base.SyntheticDataset, number: int) -> tuple[np.ndarray, np.ndarray]:
    drawn = list(generator.take(number))
    inputs = np.array([list(x.values()) for x, _ in drawn], float)
    return inputs, np.array([int(y) for _, y in drawn])


def change_point(given: Stream) -> Iterator[tuple[int, int]]:
    """The spans with an alarm, and where the change is said to be."""
    errors = (given.scores - given.labels) ** 2
    detector, level = ChangePoint(), DriftConfig().alpha * SHARES["errors"]
    for span in range(1, SPANS):
        start = max(0, span - REFERENCES) * SPAN
        end = (span + 1) * SPAN
        starts = list(range(0, end - start, SPAN))
        places = np.arange(start, end)
        # A microsecond a row: the pattern of the hours of the day has nothing to tell here.
        found = detector.measure(ErrorStream(places, errors[start:end], starts, "labelled"))
        if detected(found).verdict(level).verdict == "drift":
            yield span, round(found.since.timestamp() * 1e6)


def adwin(given: Stream) -> Iterator[tuple[int, int]]:
    return _online(ADWIN(), (given.scores - given.labels) ** 2)


def ddm(given: Stream) -> Iterator[tuple[int, int]]:
    return _online(DDM(), (given.scores > 0.5) != given.labels)


def _online(online: ADWIN | DDM, errors: np.ndarray) -> Iterator[tuple[int, int]]:
    for place, error in enumerate(errors.tolist()):
        online.update(error)
        if online.drift_detected and place >= SPAN:
            yield place // SPAN, place


DETECTORS = {"tfx-vigil": change_point, "ADWIN": adwin, "DDM": ddm}


@dataclass(frozen=True)
class Found:
    """Of one stream: how late each change was found, None where not, by how many rows off; spans
    with a false alarm, and how many could have one."""

    late: list[int | None]
    off: list[int]
    false: int
    calm: int


def found(given: Stream, alarms: Sequence[tuple[int, int]]) -> Found:
    calm = range(1, given.changes[0] // SPAN if given.changes else SPANS)
    late: list[int | None] = []
    off = []
    for change in given.changes:
        at = change // SPAN
        hits = [(span, place) for span, place in alarms if at <= span < at + PATIENCE]
        hits = [(span, place) for span, place in hits if span > at or place >= change - SPAN]
        late.append(hits[0][0] - at if hits else None)
        off.extend(abs(hits[0][1] - change) for _ in hits[:1])
    return Found(late, off, len({span for span, _ in alarms if span in calm}), len(calm))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=20, help="streams of each kind")
    parser.add_argument("--streams", nargs="+", choices=KINDS, default=KINDS)
    args = parser.parse_args()
    print("| stream | detector | found | spans late | off, rows | false alarms on 100 spans |")
    print("|---|---|---|---|---|---|")
    for name in args.streams:
        streams = [stream(KINDS[name], seed) for seed in range(args.repeats)]
        for detector, run in DETECTORS.items():
            results = [found(each, list(run(each))) for each in streams]
            late = [spans for result in results for spans in result.late]
            hits = [spans for spans in late if spans is not None]
            off = [rows for result in results for rows in result.off]
            false = sum(r.false for r in results) / sum(r.calm for r in results) * 100
            told = [f"{len(hits) / len(late):.2f}" if late else ""]
            told.append(f"{np.mean(hits):.2f}" if hits else "")
            told.append(f"{np.median(off):,.0f}" if off else "")
            print(f"| {name} | {detector} | {' | '.join(told)} | {false:.1f} |", flush=True)


if __name__ == "__main__":
    main()
