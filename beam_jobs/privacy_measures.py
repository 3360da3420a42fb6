"""What the pseudonymization counts, and sums over batches and workers."""

from __future__ import annotations

from typing import NamedTuple

CLASS, NAMED, ALONE, DISTINCT = "class", "class_named", "alone_without", "class_values"


class Measure(NamedTuple):
    """The name of a count. ``of`` is what ``name`` needs: a method, a kind of identifier.

    Names: rows_read, rows_written, rows_restricted, rows_erased, values (of a field by method),
    found (values of a field with an identifier of a kind), misnamed (values of a field whose
    name holds one), unlisted (rows with a field without a rule); of classes, see
    ``privacy_risk``: class (number, by their size), class_named (a class by the values its rows
    share, and its size), alone_without (rows that would be unique without a quasi-identifier),
    class_values (classes by their distinct values of a field).
    """

    split: str
    name: str
    field: str = ""
    of: str = ""
