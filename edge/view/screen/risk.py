"""The column beside the picture: the large figure of the slide or of the study; or why there is none."""

from collections.abc import Iterator
from datetime import datetime

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from edge.view.agent.messages import Row
from edge.view.agent.studies import Figures
from edge.view.focus.shown import Shown
from edge.view.percentage import digits, percent, percent_range
from edge.view.screen.facts import fact_lines
from edge.view.screen.figure import bar, large
from edge.view.screen.style import NOTICE, QUIET
from edge.view.screen.verdict import age, obstacle, sentence, side

_FIGURE_SHARE = 0.4  # of the column's height
_SMALL_BAR = 12
_BARS_MIN_WIDTH = 56
_ROOMY_LINES = 21  # from here on there are blank lines between the parts


class RiskColumn:
    """A renderable that fills its space; when that is small the least likely classes are left out."""

    def __init__(self, shown: Shown, of_study: bool, now: datetime) -> None:
        self._shown, self._of_study, self._now = shown, of_study, now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or options.max_height
        lines: list[Text] = []
        for text in risk_lines(self._shown, self._of_study, self._now, width, height):
            lines.extend(text.wrap(console, width))
        for line in lines[:height]:
            line.truncate(width, overflow="ellipsis")
            yield line


def risk_lines(shown: Shown, of_study: bool, now: datetime, width: int, height: int) -> list[Text]:
    """What the column says, most important first."""
    stop, row, model = obstacle(shown, now, of_study), shown.row, shown.model
    if of_study and shown.study and shown.study.digest:
        model = shown.view.model_of(shown.study.digest)
    if stop is not None or row is None or model is None:
        heading = [_heading(shown, of_study, now, width)] if row and shown.view.in_contact else []
        return heading + _notice(stop) + (list(_remarks(row)) if heading and row and not of_study else [])
    gap = [Text()] if height > _ROOMY_LINES else []
    figures = shown.figures if of_study else None
    figure_height = int(height * _FIGURE_SHARE)
    risk = (
        _study_risk(shown, figures, model.threshold, width, figure_height)
        if figures
        else _slide_risk(row, model.threshold, width, figure_height)
    )
    return [
        _heading(shown, of_study, now, width),
        *risk,
        *([Text(model.threshold_note, style=QUIET)] if model.threshold_note else []),
        *([] if figures else _remarks(row)),
        *gap,
        *fact_lines(shown.study),
        *gap,
        *([] if figures else _classes(row, width, bool(gap))),
    ]


def _heading(shown: Shown, of_study: bool, now: datetime, width: int) -> Text:
    """Whose risk it is, how settled and how old; said beside every risk, shorter where that saves a line."""
    line = _whose(shown, of_study, now, brief=False)
    return line if line.cell_len <= width else _whose(shown, of_study, now, brief=True)


def _whose(shown: Shown, of_study: bool, now: datetime, brief: bool) -> Text:
    figures = shown.figures
    superseded = shown.study_superseded if of_study else shown.superseded
    then = max(row.received_at for row in shown.rows) if of_study and shown.rows else None
    if of_study:
        title = f" STUDY, highest{f' of {figures.slides}' * (not brief)} " if figures else " STUDY "
    else:
        title = f" SLIDE {shown.number}{'/' if brief else ' of '}{shown.count} "
        then = shown.row.received_at if shown.row else None
    line = Text(title, style="bold reverse")
    if superseded:
        line.append(" SUPERSEDED", style=f"not reverse {NOTICE}")
    elif shown.study and shown.study.state:
        line.append(f" {shown.study.state}", style="not reverse")
    if then:
        line.append(f" · {age(then, now)}", style="not bold not reverse")
    return line


def _notice(stop: tuple[str, str] | None) -> list[Text]:
    headline, explanation = stop or ("", "")
    return [Text(), Text(f" {headline} ", style=f"{NOTICE} reverse"), Text(), Text(explanation), Text()]


def _slide_risk(row: Row, threshold: float, width: int, height: int) -> Iterator[Text]:
    found = side(row.risks, threshold)
    decimals = max(digits(risk, threshold) for risk in row.risks)
    limit = percent(threshold, decimals)
    for line in large(percent_range(row.risks, threshold), width, height):
        yield Text(line, style=found.style)
    yield Text(sentence(found, limit), style=f"bold {found.style}")
    for label, risk in row.risk_if.items() if row.risk is None else ():
        one = side((risk,), threshold)
        text = Text.assemble((f"{percent(risk, decimals):>6} {one.sign} ", one.style), label)
        if width > _BARS_MIN_WIDTH:
            text = Text.assemble(bar(risk, threshold, _SMALL_BAR, one.style), text)
        yield text
    if row.risk is not None:
        yield bar(row.risk, threshold, width, found.style)


def _study_risk(shown: Shown, figures: Figures, threshold: float, width: int, height: int) -> Iterator[Text]:
    found = side((figures.highest,), threshold)
    decimals = digits(figures.highest, threshold)
    for line in large(percent(figures.highest, decimals), width, height):
        yield Text(line, style=found.style)
    yield Text(sentence(found, percent(threshold, decimals)), style=f"bold {found.style}")
    yield bar(figures.highest, threshold, width, found.style)
    if figures.if_unknown:
        yield Text("at most: unknown facts count at their highest", style=NOTICE)
    if number := shown.number_of(figures.highest_slide):
        other = f"; the picture is of slide {shown.number}" * (number != shown.number)
        yield Text(f"on slide {number}{other or ', which is shown'}")


def _remarks(row: Row) -> Iterator[Text]:
    """What a reader of this slide's risk has to know."""
    if row.left_out:
        why = f": {row.left_out_reason}" if row.left_out_reason else ""
        yield Text(f"x LEFT OUT of the study{why}", style=NOTICE)
    if row.disputed:
        yield Text(f"! DISPUTED, still counted: {row.disputed}", style=NOTICE)
    if row.superseded:
        yield Text("* in place of an earlier result", style=NOTICE)
    for flag in row.flags:
        yield Text(f"! {flag}", style=NOTICE)
    where = [f"Side: {row.side}"] * bool(row.side) + [f"Lesion: {row.lesion}"] * bool(row.lesion)
    if where:
        yield Text(" · ".join(where))


def _classes(row: Row, width: int, titled: bool) -> Iterator[Text]:
    ranked = sorted(row.class_probabilities.items(), key=lambda item: -item[1])
    name_width = max((cell_len(name) for name, _ in ranked), default=0)
    name_width = min(name_width, width - _SMALL_BAR - 8)
    if titled and ranked:
        yield Text("Classes", style="bold")
    for name, probability in ranked:
        label = Text(name)
        label.truncate(name_width, overflow="ellipsis", pad=True)
        share = Text("━" * round(probability * _SMALL_BAR), style=QUIET)
        share.pad_right(_SMALL_BAR - share.cell_len)
        yield Text.assemble(label, " ", share, f" {percent(probability):>6}")
