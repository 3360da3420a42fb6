"""What is known of a span's rows: features of the whole and of each slice.

Aspects of a feature, each a grid or categories of its own:
``value``: the values themselves.
``length``: how many values a row has; rows without any are in ``missing`` alone.
``text_length``, ``token``: of strings that are mostly different, characters and words.
``norm``, ``projection_<i>``: of lists of numbers of one length, the Euclidean norm and the dot
products with fixed random unit vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..slices import OVERALL
from .categories import Categories
from .categories import merged as merged_categories
from .grid import Grid
from .grid import merged as merged_grids

VALUE, LENGTH, TEXT_LENGTH, TOKEN, NORM = "value", "length", "text_length", "token", "norm"
Aspect = Grid | Categories


@dataclass(frozen=True)
class FeatureStatistics:
    """A feature's values on ``rows`` rows, ``missing`` of which have none.

    Where a row has several values or tokens, these are not independent of each other: an aspect
    tells no more than ``present`` rows do, however many values it counts.
    """

    rows: int
    missing: int
    aspects: Mapping[str, Aspect]

    @property
    def present(self) -> int:
        return self.rows - self.missing


@dataclass(frozen=True)
class SliceStatistics:
    """The rows that have all the (feature, value) pairs of ``key``; the whole where it is empty.

    A feature that is in none of the rows may be absent from ``features``.
    """

    key: tuple[tuple[str, str], ...]
    rows: int
    features: Mapping[str, FeatureStatistics]


@dataclass(frozen=True)
class SpanStatistics:
    """Slices by name (``slices.slice_name``), the whole among them under ``overall``.

    ``unnamed``: how many slices had too few rows to be named. ``unknown``: what TFDV calls slices
    whose features are not known.
    """

    slices: Mapping[str, SliceStatistics]
    unnamed: int = 0
    unknown: tuple[str, ...] = ()

    @property
    def overall(self) -> SliceStatistics:
        return self.slices[OVERALL]


def merged(spans: Sequence[SpanStatistics]) -> SpanStatistics:
    """The statistics of the rows of several spans together, as far as each has written them.

    A feature's aspect that changed from numbers to categories is that of the last spans alone.
    """
    names = dict.fromkeys(name for span in spans for name in span.slices)
    slices = {
        name: _merged_slice([span.slices[name] for span in spans if name in span.slices])
        for name in names
    }
    unknown = dict.fromkeys(name for span in spans for name in span.unknown)
    return SpanStatistics(slices, max(span.unnamed for span in spans), tuple(unknown))


def _merged_slice(parts: Sequence[SliceStatistics]) -> SliceStatistics:
    rows = sum(part.rows for part in parts)
    names = dict.fromkeys(name for part in parts for name in part.features)
    features = {}
    for name in names:
        found = [part.features[name] for part in parts if name in part.features]
        absent = rows - sum(feature.rows for feature in found)
        missing = absent + sum(feature.missing for feature in found)
        aspects = dict.fromkeys(aspect for feature in found for aspect in feature.aspects)
        features[name] = FeatureStatistics(
            rows,
            missing,
            {
                aspect: _merged_aspect([f.aspects[aspect] for f in found if aspect in f.aspects])
                for aspect in aspects
            },
        )
    return SliceStatistics(parts[0].key, rows, features)


def _merged_aspect(parts: Sequence[Aspect]) -> Aspect:
    kind = type(parts[-1])
    alike = [part for part in parts if type(part) is kind]
    return merged_grids(alike) if kind is Grid else merged_categories(alike)
