"""Slices found by searching, in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import Cells, bounds, number, screen

if TYPE_CHECKING:
    from ..beam_jobs.reports import SlicesFound


def show_slices_found(found: SlicesFound) -> None:
    loss = found.loss.replace("_", " ")
    if found.findings:
        table = Cells("slice found", f"mean {loss}", "elsewhere", "higher by", "rows")
        for f in found.findings:
            higher_by = bounds(f.lower, f.upper)
            table.add_row(f.slice, number(f.value), number(f.elsewhere), higher_by, f"{f.n:,}")
        screen.print(table)
    searched = f"{found.candidates:,} slices of {found.rows_searched:,} rows"
    screen.print(f"Searched {searched}: {len(found.findings)} have a higher {loss}", style="dim")
    for name, reason in found.not_searched.items():
        screen.print(f"{name} is not searched: {reason}", style="dim", markup=False)
