"""Where the commands print, and the exit codes they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

screen = Console()
errors = Console(stderr=True)


class Exit(IntEnum):
    FAILED = 1
    USAGE = 2
    DRIFT = 3
    BELOW_THRESHOLD = 3


class Cells(Table):
    """A table whose cells are shown as they are: what came out of a log is no markup."""

    def __init__(self, *columns: str, **options):
        super().__init__(*(Column(Text(column), overflow="fold") for column in columns), **options)

    def add_row(self, *cells: str, **options) -> None:
        super().add_row(*(Text(cell) for cell in cells), **options)


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def bounds(lower: float | None, upper: float | None) -> str:
    return "" if lower is None else f"{lower:.4f} to {upper:.4f}"


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """A line on the terminal that says what is going on, with the time it has taken."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda text: bar.update(task, description=text)
