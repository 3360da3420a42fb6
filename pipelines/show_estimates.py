"""Metrics estimated of rows without a label, in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import Cells, bounds, number, screen

if TYPE_CHECKING:
    from ..beam_jobs.reports import Estimates


def show_estimates(found: Estimates) -> None:
    if found.metrics:
        table = Cells("slice", "metric", "estimate", "95 % band", "rows")
        for m in found.metrics:
            table.add_row(m.slice, m.metric, number(m.value), bounds(m.lower, m.upper), f"{m.n:,}")
        screen.print(table)
    screen.print(
        f"Estimated, not measured: {found.rows:,} rows without a label, from {found.labelled:,} "
        "rows with one"
    )
    for doubt in found.doubts:
        screen.print(doubt, style="bold yellow", markup=False)
    if found.checks:
        held = sum(c.lower <= c.real <= c.upper for c in found.checks)
        screen.print(
            f"Estimated from older labelled rows, {held} of {len(found.checks)} metrics of the "
            "newer lie in their band",
            style="dim",
        )
    for note in found.notes:
        screen.print(note, style="dim", markup=False)
    if found.slices_left_out:
        screen.print(f"{found.slices_left_out:,} slices have no estimate", style="dim")
