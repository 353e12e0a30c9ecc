"""The table of the last slides, and the same as one line each where there is no terminal."""

from rich.table import Table
from rich.text import Text

from edge.view.figure import percent_range
from edge.view.messages import Row
from edge.view.state import View
from edge.view.style import QUIET
from edge.view.verdict import verdict

_WIDE = 100  # columns from which the patient has a column


def slides(view: View, width: int, height: int) -> Table:
    """The newest slides that fit `height` lines, newest first; other studies' in grey."""
    table = Table(box=None, expand=True, padding=(0, 1), header_style=QUIET, pad_edge=True)
    named = width >= _WIDE
    table.add_column("Received" if view.in_contact else "Earlier", width=8)
    if named:
        table.add_column("Patient", width=18, no_wrap=True)
    table.add_column("Frame", justify="right", width=5)
    table.add_column("Risk", justify="right", width=9, no_wrap=True)
    table.add_column("Result", width=14, no_wrap=True)
    table.add_column("Latency", justify="right", width=8)
    table.add_column("Note", ratio=1, no_wrap=True)
    newest = view.newest
    for row in list(reversed(view.rows))[: max(0, height - 1)]:
        cells = cells_of(row, view.model.threshold if view.model else 1.0)
        if not named:
            del cells[1]
        current = view.in_contact and newest is not None and row.study == newest.study
        table.add_row(*cells, style="" if current else QUIET)
    return table


def cells_of(row: Row, threshold: float) -> list[Text]:
    """Time, patient, frame, risk, result, latency and note of one row."""
    found = verdict(row, threshold)
    latency = "" if row.latency_ms is None else f"{row.latency_ms:.0f} ms"
    risk = percent_range(row.risks, threshold) if row.risks else ""
    note = ", ".join(filter(None, (row.reason, *row.flags)))
    plain = [f"{row.received_at:%H:%M:%S}", row.patient_name, str(row.frame), risk]
    return [*map(Text, plain), Text(str(found), style=found.style), Text(latency), Text(note)]


def line(row: Row, threshold: float) -> Text:
    """One row as one line of plain text."""
    received, patient, frame, risk, result, latency, note = cells_of(row, threshold)
    parts = [received, patient, Text(f"frame {frame.plain}"), result, risk, note, latency]
    return Text("  ").join(part for part in parts if part.plain)
