"""The whole screen as a function of what the agent said, what a person looks at, the time and the size.

research use only. Not for diagnosis.
DOE JANE   1234   10:42:13
picture                      | risk, facts, classes
the study so far: figures, a cell for each slide
other studies, where there is room
agent: queue, latency, disk, last image
model: name, version, digest, trained on
what is being entered, or keys
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rich.cells import cell_len
from rich.console import ConsoleDimensions, Group, RenderableType
from rich.layout import Layout
from rich.padding import Padding
from rich.styled import Styled
from rich.text import Text

from edge.view.agent.state import View
from edge.view.focus.focus import Focus
from edge.view.focus.pictures import picture
from edge.view.focus.shown import Shown
from edge.view.picture.picture import Picture
from edge.view.screen.footer import footer
from edge.view.screen.health import about, attention, health, scanners
from edge.view.screen.help import help_page
from edge.view.screen.identity import names, who
from edge.view.screen.moment import clock
from edge.view.screen.others import others
from edge.view.screen.risk import RiskColumn
from edge.view.screen.strip import strip
from edge.view.screen.style import BANNER, QUIET, SCREEN
from scanside import RESEARCH_USE

_PICTURE_MIN_WIDTH = 70  # of the screen; on a narrower one the risk has it alone
_STRIP_MIN_HEIGHT = 18
_LINES_A_PART = 8  # of the screen, for each line of sides and lesions but one: the risk keeps its room
_NARROW, _NARROW_COLUMN, _COLUMN, _WIDE_COLUMN = 96, 43, 48, 72  # of the screen, of the risk
_OTHERS_MIN_HEIGHT = 36
_OTHERS = 6
_NAME_WIDTH = 32
_IDENTITY_MIN_WIDTH = 24  # beside marks: those are never pushed off the screen by a long name or ID
_EMPTY = Text(" ")  # rich takes a text without characters for none at all
_MODEL_MAX_LINES = 3
_LATEST = Focus()


def screen(view: View, now: datetime, size: ConsoleDimensions, focus: Focus = _LATEST) -> RenderableType:
    """The live view for a terminal of `size`; `now` says how old things are."""
    shown = focus.look(view)
    width, tall = size.width, size.height >= _STRIP_MIN_HEIGHT
    model = about(shown.model)
    most = _MODEL_MAX_LINES if tall and not focus.help else 1
    model_lines = min(most, 1 + model.cell_len // max(1, width - 8))
    needed = focus.entry or focus.notices
    last = footer(view, focus) if needed or (tall and not focus.help) else []
    study = strip(shown, width, size.height // _LINES_A_PART - 1) if tall and not focus.help else []
    count = min(_OTHERS, len(shown.view.owners)) if size.height >= _OTHERS_MIN_HEIGHT and study else 0
    whole = Layout()
    whole.split_column(
        Layout(_banner(shown.view, width), size=1),
        Layout(_patient(shown, focus, now, width), size=1),
        Layout(help_page() if focus.help else _body(shown, focus, now, width), name="body"),
        _lines(study),
        _lines([*others(shown, focus.hidden, count, now)]),
        Layout(_line(health(shown.view, now, width)), size=1),
        _lines(attention(shown.view)),
        _lines(scanners(shown.view, now) if size.height >= _OTHERS_MIN_HEIGHT else []),
        Layout(Padding(model, (0, 1, 0, 3)), size=model_lines),
        _lines(last),
    )
    return Styled(whole, SCREEN)


def _body(shown: Shown, focus: Focus, now: datetime, width: int) -> RenderableType:
    column = Padding(RiskColumn(shown, focus.of_study, now), (0, 1))
    if width < _PICTURE_MIN_WIDTH:
        return column
    least = _NARROW_COLUMN if width < _NARROW else _COLUMN
    body = Layout()
    body.split_row(
        Layout(Padding(_picture(shown, focus), (0, 1, 0, 0))),
        Layout(column, size=min(_WIDE_COLUMN, max(least, width * 2 // 5))),
    )
    return body


def _lines(texts: Iterable[Text]) -> Layout:
    """One line for each text; no space at all without one."""
    texts = [_line(text) for text in texts]
    return Layout(Group(*texts), size=max(1, len(texts)), visible=bool(texts))


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


def _patient(shown: Shown, focus: Focus, now: datetime, width: int) -> Text:
    row = shown.row or (shown.rows[-1] if shown.rows else None)
    if not shown.view.in_contact or row is None:
        return _EMPTY
    name, identity = who(shown.view, shown.owner, focus.hidden, row.key)
    line = Text.assemble(" ", (name, "bold"))
    line.truncate(_NAME_WIDTH, overflow="ellipsis")
    line.append(f"   {identity}")
    if marks := " · ".join(_marks(shown)):
        least = min(line.cell_len, _IDENTITY_MIN_WIDTH)
        line.truncate(max(least, width - cell_len(marks) - 5), overflow="ellipsis")
        return _line(line.append("   ").append(f" {marks} ", style="bold reverse"))
    exam = clock(row.examined_at, now) if row.examined_at else "time unknown"
    line.append(f"   exam {exam}   received {clock(row.received_at, now)}")
    if row.frame > 1:
        line.append(f"   frame {row.frame}")
    if shown.view.agent and len(shown.view.agent.scanners) > 1 and row.scanner:
        line.append(f"   from {row.scanner}")
    return _line(line)


def _marks(shown: Shown) -> list[str]:
    """Why this is not simply the newest."""
    marks = []
    if len(names(shown.rows)) > 1:
        marks.append("SEVERAL NAMES IN THIS STUDY")
    if shown.held:
        marks.append(f"HELD, {shown.since} result{'s' * (shown.since != 1)} since: h")
    if not shown.newest_study:
        marks.append("EARLIER STUDY, newest: n")
    elif shown.row and shown.newer_slides:
        marks.append(f"EARLIER SLIDE, {shown.newer_slides} newer: n")
    elif shown.row and shown.newer_waiting:
        marks.append(f"EARLIER SCAN, {shown.newer_waiting} newer waiting")
    return marks


def _picture(shown: Shown, focus: Focus) -> RenderableType:
    preview, title = picture(shown, focus)
    if preview is None:
        return Text(f"\n {title}", style=QUIET) if title else _EMPTY
    if not focus.outline:
        preview = replace(preview, outline=(), annotations=())
        title = f"{title}  outline off".strip()
    if not title:
        return Picture(preview)
    framed = Layout()
    framed.split_column(Layout(_line(Text(f" {title}", style=QUIET)), size=1), Layout(Picture(preview)))
    return framed
