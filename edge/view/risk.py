"""The column beside the picture: risk of the slide, study so far, classes; or why there is none."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from edge.view.figure import bar, digits, large, percent, percent_range
from edge.view.messages import Row
from edge.view.state import MAX_ROWS, View
from edge.view.style import MIXED, NOTICE, QUIET
from edge.view.verdict import obstacle, sentence, side
from scanside.study import study_risk

_FIGURE_SHARE = 0.4  # of the column's height
_SMALL_BAR = 12
_BARS_MIN_WIDTH = 56
_ROOMY_LINES = 21  # from here on there are blank lines between the parts


class RiskColumn:
    """A renderable that fills its space; when that is small the least likely classes are left out."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or options.max_height
        lines: list[Text] = []
        for text in risk_lines(self.view, width, height):
            lines.extend(text.wrap(console, width))
        for line in lines[:height]:
            line.truncate(width, overflow="ellipsis")
            yield line


def risk_lines(view: View, width: int, height: int) -> list[Text]:
    """What the column says, most important first."""
    stop, row, model = obstacle(view), view.current, view.model
    if row is None or model is None:
        return _notice(stop)
    if stop is not None:
        return _notice(stop) + (_study(view, model.threshold) if view.in_contact else [])
    roomy = height > _ROOMY_LINES
    gap = [Text()] if roomy else []
    note = Text(model.threshold_note, style=QUIET)
    return [
        *_risk(row, model.threshold, width, int(height * _FIGURE_SHARE)),
        *([note] if model.threshold_note else []),
        *(Text(f"! {flag}", style=NOTICE) for flag in row.flags),
        *gap,
        *_study(view, model.threshold),
        *gap,
        *([Text("Classes", style="bold")] if roomy and row.class_probabilities else []),
        *_classes(row, width),
    ]


def _notice(stop: tuple[str, str] | None) -> list[Text]:
    headline, explanation = stop or ("", "")
    return [Text(), Text(f" {headline} ", style=f"{NOTICE} reverse"), Text(), Text(explanation), Text()]


def _risk(row: Row, threshold: float, width: int, height: int) -> Iterator[Text]:
    found = side(row.risks, threshold)
    decimals = max(digits(risk, threshold) for risk in row.risks)
    limit = percent(threshold, decimals)
    for line in large(percent_range(row.risks, threshold), width, height):
        yield Text(line, style=found.style)
    yield Text(sentence(found, limit), style=f"bold {found.style}")
    for label, risk in row.risk_if.items():
        one = side((risk,), threshold)
        text = Text.assemble((f"{percent(risk, decimals):>6} {one.sign} ", one.style), label)
        if width > _BARS_MIN_WIDTH:
            text = Text.assemble(bar(risk, threshold, _SMALL_BAR, one.style), text)
        yield text
    if row.risk is not None:
        yield bar(row.risk, threshold, width, found.style)


def _study(view: View, threshold: float) -> list[Text]:
    scored = [row for row in view.study if row.risks]
    study = study_risk([max(row.risks) for row in scored], threshold)
    if study is None:
        return []
    vote = {True: "malignant", False: "benign", None: "tied"}[study.vote]
    majority = max(study.malignant, study.slides - study.malignant)
    title = Text(f"Study so far: {study.slides} slide{'s' * (study.slides > 1)}", style="bold")
    if len(view.rows) == MAX_ROWS and view.rows[0].study == scored[0].study:
        title.append(f" (of the last {MAX_ROWS} frames)")
    if study.discordant:
        title.append("  ◆ DISCORDANT", style=MIXED)
    highest = percent(study.highest, digits(study.highest, threshold))
    top = side((study.highest,), threshold)
    lines = [
        title,
        Text.assemble(
            "highest ", (f"{highest} {top.sign}", top.style), f"   vote {vote}, {majority} of {study.slides}"
        ),
        Text(f"mean {percent(study.mean)}   agreement {percent(study.agreement)}"),
    ]
    if any(row.risk is None for row in scored):
        lines.append(Text("unknown facts: each slide counts with its highest risk", style=QUIET))
    return lines


def _classes(row: Row, width: int) -> Iterator[Text]:
    ranked = sorted(row.class_probabilities.items(), key=lambda item: -item[1])
    name_width = max((cell_len(name) for name, _ in ranked), default=0)
    name_width = min(name_width, width - _SMALL_BAR - 8)
    for name, probability in ranked:
        label = Text(name)
        label.truncate(name_width, overflow="ellipsis", pad=True)
        share = Text("━" * round(probability * _SMALL_BAR), style=QUIET)
        share.pad_right(_SMALL_BAR - share.cell_len)
        yield Text.assemble(label, " ", share, f" {percent(probability):>6}")
