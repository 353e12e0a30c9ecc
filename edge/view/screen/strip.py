"""The study so far: its figures, and a cell for each slide."""

from collections.abc import Iterator

from rich.text import Text

from edge.view.agent.messages import Model, Row
from edge.view.agent.state import MAX_ROWS
from edge.view.agent.studies import Figures
from edge.view.focus.shown import Shown
from edge.view.percentage import digits, percent
from edge.view.screen.parts import LESION, SIDES, figures_line, parts
from edge.view.screen.style import MIXED, NOTICE, QUIET
from edge.view.screen.verdict import Verdict, verdict

LEFT_OUT, DISPUTED, REPLACED = "x", "!", "*"
_MORE = 5  # columns for the number of cells that don't fit, at each end


def strip(shown: Shown, width: int, most_parts: int) -> list[Text]:
    """Lines of `width` columns; none without contact, and of an unopened exam of another day.

    Args:
        most_parts: how many of them sides and lesions may take.
    """
    study = shown.study
    model = shown.view.model_of(study.digest if study else "")
    if not shown.view.in_contact or model is None or not shown.rows or shown.exam_of_another_day:
        return []
    figures = shown.figures
    lines = [_title(shown, figures)]
    if study and study.figures and not figures:
        lines.append(Text(f" scored by another model, {study.digest[:12]}: not put together", style=NOTICE))
    if study and figures:
        lines.append(figures_line(shown, figures, model.threshold, width))
        if figures.if_unknown:
            lines.append(Text(" unknown facts: each slide counts with its highest risk", style=QUIET))
        lines += parts(shown, study, model.threshold, width, most_parts)
    return [*lines, *_cells(shown, width)]


def _title(shown: Shown, figures: Figures | None) -> Text:
    counted = figures.slides if figures else 0
    title = Text(f" Study so far: {counted} slide{'s' * (counted != 1)}", style="bold")
    truncated = len(shown.view.rows) == MAX_ROWS and shown.view.rows[0].owner == shown.owner
    if truncated and shown.view.studies is None:  # else the agent counted all
        title.append(f" (of the last {MAX_ROWS} frames)")
    if figures and figures.left_out:
        title.append(f", {figures.left_out} left out", style="not bold")
    if figures and figures.disputed:
        title.append(f", {figures.disputed} disputed", style="not bold")
    if figures and figures.discordant:
        title.append("  ◆ DISCORDANT", style=MIXED)
    if shown.study_superseded:
        title.append(" · SUPERSEDED since the screen is held", style=NOTICE)
    if shown.study and shown.study.state:
        title.append(f" · {shown.study.state}")
        if shown.study.why:
            title.append(f": {shown.study.why}", style="not bold")
    return title


def _cells(shown: Shown, width: int) -> Iterator[Text]:
    """Two lines: the slides' numbers with their marks, and what became of them; around the one shown."""
    tops = [_top(row.slide, row, row is shown.row) for row in shown.rows]
    lows = [_low(row, model) for row in shown.rows if (model := shown.view.model_of(row.digest))]
    widths = [max(top.cell_len, low.cell_len) + 1 for top, low in zip(tops, lows, strict=True)]
    at = shown.rows.index(shown.row) if shown.row else 0
    first, last = _window(widths, at, width - 1, unseen=shown.unseen > 0)
    for texts, ends in ((tops, True), (lows, False)):
        line = Text(" ")
        if before := first + shown.unseen:
            line.append(f"<{before}".ljust(_MORE) if ends else " " * _MORE, style=QUIET)
        for text, cell in zip(texts[first:last], widths[first:last], strict=True):
            text.pad_right(cell - text.cell_len)
            line.append_text(text)
        if last < len(texts) and ends:
            line.append(f"{len(texts) - last}>", style=QUIET)
        yield line


def _window(widths: list[int], at: int, width: int, unseen: bool = False) -> tuple[int, int]:
    """From where to where cells of `widths` fit into `width`, that at `at` among them.

    Args:
        unseen: whether there are more before the first.
    """
    if sum(widths) + _MORE * unseen <= width:
        return 0, len(widths)
    first, last = at, at + 1
    room = width - 2 * _MORE - widths[at]
    while True:
        before = widths[first - 1] if first else room + 1
        after = widths[last] if last < len(widths) else room + 1
        if min(before, after) > room:
            return first, last
        if before <= room and (at - first <= last - at or after > room):
            first, room = first - 1, room - before
        else:
            last, room = last + 1, room - after


def _top(number: int, row: Row, shown: bool) -> Text:
    marks = SIDES.get(row.side, "") + (f"{LESION}{row.lesion}" if row.lesion else "")
    marks += LEFT_OUT * row.left_out + DISPUTED * bool(row.disputed)
    name = f"[{number}]" if shown else f" {number} "
    return Text.assemble((name, "bold reverse" if shown else "bold"), marks + REPLACED * row.superseded)


def _low(row: Row, model: Model) -> Text:
    found = of_row(row, model)
    if not row.risks:
        return Text(f" {found.sign}", style=found.style)
    highest = max(row.risks)
    at_most = "≤" * (row.risk is None)
    text = f" {found.sign} {at_most}{percent(highest, digits(highest, model.threshold))}"
    return Text(text, style=f"dim {found.style}" if row.left_out else found.style)


def of_row(row: Row, model: Model) -> Verdict:
    """A row's verdict by the threshold of the model that scored it."""
    if row.risks and row.digest != model.digest:
        return Verdict("?", "other model", QUIET)
    return verdict(row, model.threshold)
