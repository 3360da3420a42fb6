"""Streams of labelled requests for ``policies.py``: River's generators and Chicago's taxi trips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from river.datasets import base, synth
from tfx_vigil.beam_jobs.data_contract import Kind
from tfx_vigil.components.spans import SpanConfig
from tfx_vigil.pipelines.demo import taxi

ROWS, LEARNED, HELD_OUT = 2_000, 4_000, 2_000
SPANS, FOLLOWING, CHANGED, BACK = 12, 3, 4, 8
GRADUAL_SPANS = 3
START = pd.Timestamp("2026-01-01", tz="UTC")
LABEL, TIME, LABEL_TIME = "label", "event_time", "label_time"
Generator = Callable[[bool, int], base.SyntheticDataset]


@dataclass(frozen=True)
class Stream:
    """What a model is asked, span by span, and what really happened.

    Attributes:
      features: name -> type, as in vigil.yaml.
      spans: windows of the requests; those after the first ``measured`` only tell whether an
        earlier push was right.
      first_day: rows that the first model learns from, and rows that it has not seen.
      requests: a frame a span: the features as they were logged, ``label``, ``event_time`` and
        ``label_time``.
      schedule: how often the policy with a schedule retrains, an ISO 8601 duration.
      horizon_days: how long a label may come.
    """

    features: Mapping[str, Kind]
    slices: list[list[str]]
    spans: SpanConfig
    first_day: tuple[pd.DataFrame, pd.DataFrame]
    requests: list[pd.DataFrame]
    measured: int
    schedule: str
    horizon_days: float


def sea(changed: bool, seed: int) -> base.SyntheticDataset:
    return synth.SEA(variant=3 if changed else 0, noise=0.1, seed=seed)


def agrawal(changed: bool, seed: int) -> base.SyntheticDataset:
    return synth.Agrawal(classification_function=3 if changed else 2, perturbation=0.1, seed=seed)


@dataclass(frozen=True)
class Source:
    """A generator; ``broken``: the field that fails upstream in the streams where one does."""

    generator: Generator
    broken: str
    codes: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()


SOURCES = {
    "SEA": Source(sea, broken="x0"),
    "Agrawal": Source(
        agrawal, broken="age", codes=("elevel", "car", "zipcode"), slices=("elevel",)
    ),
}


@dataclass(frozen=True)
class Change:
    """What happens from the fifth span on.

    Attributes:
      share: of rows that follow the other function, by the row's place in spans.
      failure: what becomes of the broken field's values in three spans.
      late: labels take twice as long.
    """

    share: Callable[[np.ndarray], np.ndarray]
    failure: Callable[[pd.Series], object] | None = None
    late: bool = False


def _never(places: np.ndarray) -> np.ndarray:
    return np.zeros(len(places))


def _sudden(places: np.ndarray) -> np.ndarray:
    return (places >= CHANGED).astype(float)


def _gradual(places: np.ndarray) -> np.ndarray:
    return np.clip((places - CHANGED) / GRADUAL_SPANS, 0, 1)


def _recurring(places: np.ndarray) -> np.ndarray:
    return ((places >= CHANGED) & (places < BACK)).astype(float)


KINDS = {
    "none": Change(_never),
    "sudden": Change(_sudden),
    "gradual": Change(_gradual),
    "recurring": Change(_recurring),
    "sudden, labels twice as late": Change(_sudden, late=True),
    "field missing": Change(_never, failure=lambda values: None),
    "field in another unit": Change(_never, failure=lambda values: values / 100),
}


def generated(source: Source, kind: Change, seed: int) -> Stream:
    """A stream of daily spans; the same seed has the same requests in every kind."""
    random = np.random.default_rng(seed)
    rows = (SPANS + FOLLOWING) * ROWS
    first = _frame(source.generator(False, seed), LEARNED + HELD_OUT + rows)
    other = _frame(source.generator(True, seed + 10_000), rows)
    served = first.iloc[LEARNED + HELD_OUT :].reset_index(drop=True)
    places = np.sort(random.random(rows).reshape(-1, ROWS), axis=1)
    places = (places + np.arange(len(places))[:, None]).ravel()
    changed = random.random(rows) < kind.share(places)
    served[changed] = other[changed]
    if kind.failure:
        broken = (places >= CHANGED) & (places < CHANGED + GRADUAL_SPANS)
        field = served[source.broken].astype(object)
        served[source.broken] = field.where(~broken, kind.failure(field))
    delays = random.uniform(6, 24, rows) * np.where(kind.late & (places >= CHANGED), 2, 1)
    served[TIME] = START + pd.to_timedelta(places, unit="D").floor("us")
    served[LABEL_TIME] = served[TIME] + pd.to_timedelta(delays, unit="h").floor("us")
    features = {name: "float" for name in first.columns if name != LABEL}
    features |= dict.fromkeys(source.codes, "int")
    return Stream(
        features=features,
        slices=[[name] for name in source.slices],
        spans=SpanConfig(start=START.isoformat(), length="P1D"),
        first_day=(first[:LEARNED], first[LEARNED : LEARNED + HELD_OUT]),
        requests=[served[n : n + ROWS] for n in range(0, rows, ROWS)],
        measured=SPANS,
        schedule="P4D",
        horizon_days=3,
    )


def _frame(generator: base.SyntheticDataset, rows: int) -> pd.DataFrame:
    drawn = list(generator.take(rows))
    names = [name if isinstance(name, str) else f"x{name}" for name in drawn[0][0]]
    frame = pd.DataFrame([list(x.values()) for x, _ in drawn], columns=names)
    frame[LABEL] = [int(y) for _, y in drawn]
    return frame


def trips() -> Stream:
    """The demo's replay: a model of 2013, then half a year a span."""
    frame = taxi.trips().rename(columns={taxi.LABEL: LABEL, "end": TIME})
    frame = frame.drop(columns=taxi.PAYMENT)
    delays = np.random.default_rng(2013).uniform(2, 12, len(frame))
    frame[LABEL_TIME] = frame[TIME] + pd.to_timedelta(delays, unit="D").floor("us")
    spans = SpanConfig(start="2014-01-01", length="P6M")
    requests = list(_cut(frame, spans))
    return Stream(
        features=taxi.FEATURES,
        slices=[["trip_start_day"]],
        spans=spans,
        first_day=taxi.split_training(frame[frame[TIME] < spans.start], 2013),
        requests=requests,
        measured=len(requests),
        schedule="P12M",
        horizon_days=30,
    )


def _cut(frame: pd.DataFrame, spans: SpanConfig) -> Iterator[pd.DataFrame]:
    k = 0
    while (window := spans.window(k)).start <= frame[TIME].iloc[-1]:
        yield frame[(frame[TIME] >= window.start) & (frame[TIME] < window.end)]
        k += 1
