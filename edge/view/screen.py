"""The whole screen as a function of a `View`: banner, picture and risk, last slides, agent, model.

scanside   Research use only. Not for diagnosis.
DOE JANE   1234   10:42:13
picture                      | risk, study so far, classes
last slides
agent: queue, latency
model: name, version, digest, trained on
"""

from datetime import datetime

from rich.console import ConsoleDimensions, RenderableType
from rich.layout import Layout
from rich.padding import Padding
from rich.styled import Styled
from rich.text import Text

from edge.view.messages import Model
from edge.view.picture import Picture
from edge.view.risk import RiskColumn
from edge.view.slides import slides
from edge.view.state import View
from edge.view.style import BANNER, NOTICE, QUIET, SCREEN
from edge.view.verdict import age, obstacle
from scanside import RESEARCH_USE

_PICTURE_MIN_WIDTH = 70  # of the screen; on a narrower one the risk has it alone
_SLIDES_MIN_HEIGHT = 18
_NAME_WIDTH = 32
_EMPTY = Text(" ")  # rich takes a text without characters for none at all
_MODEL_MAX_LINES = 3


def screen(view: View, now: datetime, size: ConsoleDimensions) -> RenderableType:
    """The live view for a terminal of `size`; `now` says how old the scan is."""
    lines = max(4, (size.height - 6) * 3 // 10) if size.height >= _SLIDES_MIN_HEIGHT else 0
    model = about(view.model)
    model_lines = min(_MODEL_MAX_LINES, 1 + model.cell_len // max(1, size.width - 8))
    body = Layout(name="body")
    column = Layout(Padding(RiskColumn(view), (0, 1)), name="risk", size=_column_width(size.width))
    if size.width >= _PICTURE_MIN_WIDTH:
        body.split_row(Layout(_picture(view), name="picture"), column)
    else:
        body.update(Padding(RiskColumn(view), (0, 1)))
    whole = Layout()
    whole.split_column(
        Layout(_banner(view, size.width), size=1),
        Layout(_patient(view, now), size=1),
        body,
        Layout(slides(view, size.width, lines), size=lines, visible=lines > 0),
        Layout(_line(_agent(view)), size=1),
        Layout(Padding(model, (0, 1, 0, 3)), size=model_lines),
    )
    return Styled(whole, SCREEN)


def _column_width(width: int) -> int:
    return min(72, max(42, width * 2 // 5))


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _banner(view: View, width: int) -> Text:
    left = f" {RESEARCH_USE.upper()}"
    right = "scanside "
    if view.model and view.model.test_only:
        right = "TEST MODEL: its risks mean nothing "
    gap = max(3, width - len(left) - len(right))
    return _line(Text(left + " " * gap + right, style=BANNER))


def _patient(view: View, now: datetime) -> Text:
    row = view.current or view.newest
    if not view.in_contact or row is None:
        return _EMPTY
    line = Text.assemble(" ", (row.patient_name or "no name", "bold"))
    line.truncate(_NAME_WIDTH, overflow="ellipsis")
    if view.newer_waiting and view.current:
        notice = f" EARLIER SCAN, {view.newer_waiting} newer waiting "
        return line.append(f"   received {row.received_at:%H:%M:%S}   ").append(notice, style="bold reverse")
    line.append(f"   {row.patient_id or 'no ID'}   received {row.received_at:%H:%M:%S}")
    if row.frame > 1:
        line.append(f"   frame {row.frame}")
    if old := age(row.received_at, now):
        line.append(f"   {old}", style="bold")
    return _line(line)


def _picture(view: View) -> RenderableType:
    row = view.current
    if not view.in_contact or row is None or (obstacle(view) and not row.reason):
        return _EMPTY
    if row.preview is None:
        return Text("\n no picture of this scan", style=QUIET)
    return Picture(row.preview)


def _agent(view: View) -> Text:
    agent = view.agent
    if agent is None or not view.in_contact:
        return Text(" ✗ Agent: no contact", style=NOTICE)
    ready = agent.state == "ready"
    line = Text.assemble((" ● " if ready else " ✗ ", "" if ready else NOTICE), f"Agent {agent.state}")
    if agent.precision:
        line.append(f" · {agent.precision}", style=NOTICE)
    if agent.fallback:
        line.append(f" · fallback to {agent.fallback}", style=NOTICE)
    line.append(f" · {agent.queue} waiting · {agent.received} received")
    if agent.latency_p50_ms is not None and agent.latency_p95_ms is not None:
        line.append(f" · {agent.latency_p50_ms:.0f} ms, p95 {agent.latency_p95_ms:.0f} ms")
    if agent.last_received_at:
        line.append(f" · last {agent.last_received_at:%H:%M:%S}")
    line.append(f" · {agent.address}")
    if agent.fallback:
        line.append(f" · {agent.fallback_why}")
    return line


def about(model: Model | None) -> Text:
    """Which model the risks come from, and what it was trained on."""
    if model is None:
        return _EMPTY
    return Text(f"Model {model.name} · {model.digest[:12]} · {model.trained_on}", style=QUIET)
