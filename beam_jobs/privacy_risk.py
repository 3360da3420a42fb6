"""How easily a treated row points to a person: k-anonymity, l-diversity, uniqueness.

Rows that agree in all quasi-identifiers are a class; k is the size of the smallest (Sweeney
2002). The l of a sensitive field is the smallest number of distinct values in a class
(Machanavajjhala et al. 2007): of the members of a class with one value, it is known. A row alone
in its class is unique (NIST SP 800-188).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .accounting import check_identity
from .privacy_measures import ALONE, CLASS, DISTINCT, NAMED, Measure
from .reports import ClassSizes, FieldDiversity, FieldShare, SmallClass, SplitRisk

_SHOWN = 10
_EDGES = (1, 2, 5, 10, 20, 50, 100, 1000)


def split_risks(
    counts: Mapping[Measure, int], splits: Iterable[str], floor: int
) -> list[SplitRisk]:
    """The risk of each split that has a quasi-identifier and rows.

    Raises:
      AccountError: the classes do not hold exactly the rows written.
    """
    return [risk for split in splits if (risk := _split_risk(counts, split, floor))]


def _split_risk(counts: Mapping[Measure, int], split: str, floor: int) -> SplitRisk | None:
    found = {m: n for m, n in counts.items() if m.split == split}
    sizes = {int(m.of): n for m, n in found.items() if m.name == CLASS}
    alone = {m.field: n for m, n in sorted(found.items()) if m.name == ALONE}
    if not alone or not sizes:
        return None
    rows = sum(size * classes for size, classes in sizes.items())
    written = found.get(Measure(split, "rows_written"), 0)
    check_identity(
        {"rows_written": written, "rows_in_classes": rows}, "rows_written", ["rows_in_classes"]
    )
    named = sorted((int(m.of), m.field) for m in found if m.name == NAMED)
    return SplitRisk(
        split=split,
        quasi_identifiers=list(alone),
        rows=rows,
        classes=sum(sizes.values()),
        k=min(sizes),
        unique=sizes.get(1, 0) / rows,
        under_5=_share_under(sizes, 5, rows),
        under_floor=_share_under(sizes, floor, rows),
        floor=floor,
        sizes=_histogram(sizes),
        smallest=_smallest(sizes, named, floor),
        diversity=_diversity(found),
        unique_without=[FieldShare(field=f, share=n / rows) for f, n in alone.items()],
    )


def _share_under(sizes: Mapping[int, int], limit: int, rows: int) -> float:
    return sum(size * classes for size, classes in sizes.items() if size < limit) / rows


def _histogram(sizes: Mapping[int, int]) -> list[ClassSizes]:
    result = []
    for low, beyond in zip(_EDGES, (*_EDGES[1:], None), strict=True):
        of = {s: n for s, n in sizes.items() if s >= low and (beyond is None or s < beyond)}
        result.append(
            ClassSizes(
                at_least=low,
                at_most=beyond and beyond - 1,
                classes=sum(of.values()),
                rows=sum(s * n for s, n in of.items()),
            )
        )
    return result


def _smallest(
    sizes: Mapping[int, int], named: Iterable[tuple[int, str]], floor: int
) -> list[SmallClass]:
    """The smallest classes, and of those that are large enough what their rows share."""
    below = [
        size for size in sorted(sizes) if size < floor for _ in range(min(sizes[size], _SHOWN))
    ]
    nameless = [SmallClass(rows=size) for size in below[:_SHOWN]]
    return nameless + [SmallClass(rows=size, values=text) for size, text in named][:_SHOWN]


def _diversity(found: Mapping[Measure, int]) -> list[FieldDiversity]:
    distinct: dict[str, dict[int, int]] = {}
    for m, classes in sorted(found.items()):
        if m.name == DISTINCT:
            distinct.setdefault(m.field, {})[int(m.of)] = classes
    return [
        FieldDiversity(field=field, smallest=min(of), classes_with_one_value=of.get(1, 0))
        for field, of in distinct.items()
    ]
