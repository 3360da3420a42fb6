"""Categories to their parents in a hierarchy."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import cached_property
from typing import Literal

import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from pydantic import Field

from .contract import ValueMethod, is_text
from .texts import map_text

_COLUMNS = ["child", "parent"]


class GeneralizeCategory(ValueMethod):
    """Replaces a category by the one ``levels`` above it in a hierarchy.

    At the top of the hierarchy a category stays. A value that is not in the hierarchy becomes
    ``[REDACTED]``.

    Args:
      hierarchy: path or URI of a CSV file in UTF-8 with the columns ``child`` and ``parent``, a
        line for each category that has a parent. It is read once, where the job is built; workers
        get its content from there.
      levels: how many parents up.

    Reference: Samarati and Sweeney (1998): domain generalization hierarchies.
    """

    method: Literal["generalize"] = "generalize"
    kind: Literal["category"] = "category"
    hierarchy: str
    levels: int = Field(default=1, ge=1)

    def suits_feature(self, kind: str) -> bool:
        return True

    def with_paths(self, at: Callable[[str], str]) -> GeneralizeCategory:
        return self.model_copy(update={"hierarchy": at(self.hierarchy)})

    def prepare(self) -> None:
        self._ancestors  # noqa: B018

    def validate_type(self, kind: pa.DataType) -> None:
        if not is_text(kind):
            raise ValueError(f"generalize category needs text, not {kind}")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        return map_text(values, self._ancestor)

    def _ancestor(self, text: str) -> str:
        if text not in self._ancestors:
            raise ValueError
        return self._ancestors[text]

    @cached_property
    def _ancestors(self) -> dict[str, str]:
        """For each category the one it becomes. Goes along where this object is pickled."""
        parents = _read_parents(self.hierarchy)
        ancestors = {}
        for category in {*parents, *parents.values()}:
            lineage = [category]
            while lineage[-1] in parents:
                lineage.append(parents[lineage[-1]])
                if len(lineage) > len(parents) + 1:
                    raise ValueError(f"{self.hierarchy}: some categories are their own ancestors")
            ancestors[category] = lineage[min(self.levels, len(lineage) - 1)]
        return ancestors


def _read_parents(path: str) -> dict[str, str]:
    try:
        with FileSystems.open(path) as file:
            text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    except OSError:
        raise ValueError(f"{path}: cannot read this hierarchy") from None
    lines = csv.reader(io.StringIO(text))
    if next(lines, None) != _COLUMNS:
        raise ValueError(f"{path}: the first line must be {','.join(_COLUMNS)}")
    parents: dict[str, str] = {}
    for line in lines:
        if len(line) != len(_COLUMNS):
            raise ValueError(f"{path}, line {lines.line_num}: needs a child and a parent")
        child, parent = line
        if parents.setdefault(child, parent) != parent:
            raise ValueError(f"{path}, line {lines.line_num}: this child has another parent above")
    return parents
