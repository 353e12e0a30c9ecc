"""Results that people look at: tables in the terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scanside import RESEARCH_USE
from trainer.report.page import Section, warn_of_scale
from trainer.statistics.estimate import Estimate


def print_figures(figures: dict[str, Estimate], experiment: str, scale: str) -> None:
    """Print each figure with its 95 % interval and the number of images behind it."""
    note = "" if scale == "full" else f" ({scale} run: these figures mean nothing)"
    table = Table(title=f"{experiment}{note}", caption=RESEARCH_USE)
    for column in ("figure", "value", "95 % interval", "images"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, e in figures.items():
        interval = e.reason or f"{e.low:.3f} to {e.high:.3f}"
        table.add_row(name.replace("_", " "), f"{e.value:.3f}", interval, str(e.n))
    Console().print(table)


def print_section(section: Section, scale: str) -> None:
    """Print the first table of an experiment, which holds its figures, and where the rest is."""
    if not section.tables:
        return
    first = section.tables[0]
    table = Table(title=escape(section.title), caption=f"{RESEARCH_USE} {warn_of_scale(scale)}".rstrip())
    for column in first.columns:
        table.add_column(column, overflow="fold")
    for row in first.rows:
        table.add_row(*map(escape, row), end_section="\n" in "".join(row))
    Console().print(table)
    for note in first.notes:
        Console().print(note, markup=False, highlight=False)
