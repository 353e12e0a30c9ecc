"""A slide as the cells of a table's row."""

from rich.text import Text

from edge.view.agent.messages import Row
from edge.view.screen.figure import percent_range
from edge.view.screen.verdict import verdict


def cells_of(row: Row, threshold: float) -> list[Text]:
    """Time, patient, frame, risk, result, latency and note of one row."""
    found = verdict(row, threshold)
    latency = "" if row.latency_ms is None else f"{row.latency_ms:.0f} ms"
    risk = percent_range(row.risks, threshold) if row.risks else ""
    note = ", ".join(filter(None, (row.reason, *row.flags)))
    plain = [f"{row.received_at:%H:%M:%S}", row.patient_name, str(row.frame), risk]
    return [*map(Text, plain), Text(str(found), style=found.style), Text(latency), Text(note)]
