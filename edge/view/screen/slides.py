"""A slide as the cells of a table's row."""

from rich.text import Text

from edge.view.agent.messages import Model, Row
from edge.view.percentage import percent_range
from edge.view.screen.strip import of_row
from edge.view.screen.verdict import by_other


def cells_of(row: Row, model: Model) -> list[Text]:
    """Frame, result, risk, latency and note of one row; `model` judges none but its own risks."""
    latency = "" if row.latency_ms is None else f"{row.latency_ms:.0f} ms"
    found, own = of_row(row, model), row.digest == model.digest
    risk = percent_range(row.risks, model.threshold) if row.risks and own else ""
    other = by_other(row) if row.risks and not own else ""
    note = ", ".join(filter(None, (other, row.reason, *row.flags)))
    return [Text(str(row.frame)), Text(str(found), style=found.style), *map(Text, (risk, latency, note))]
