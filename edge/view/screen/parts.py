"""The figures of a study, of its sides and of its lesions: a line each if there is room, else in short."""

from collections.abc import Sequence

from rich.text import Text

from edge.view.agent.studies import Figures, Study
from edge.view.focus.shown import Shown
from edge.view.percentage import digits, percent
from edge.view.screen.style import ABOVE, BELOW, MIXED, NOTICE, QUIET
from edge.view.screen.verdict import side

LESION = "#"
SIDES = {"left": "L", "right": "R"}
_GAP = 3  # columns between two in short
_MORE = 5  # columns for how many there was no room for


def parts(shown: Shown, study: Study, threshold: float, width: int, most: int) -> list[Text]:
    """At most `most` lines of `width` columns: sides first, then lesions by number.

    Where there are more of them than lines, all are told in short, several in a line: the highest slide, and
    the vote as a sign and its majority. What has no room even then is counted at the end.
    """
    told: list[tuple[str, Figures | None]] = [*study.sides.items()]
    for number, lesion in study.lesions.items():
        where = "".join(SIDES.get(name, "") for name in lesion.sides)
        told.append((f"{LESION}{number} {where}".strip(), lesion.figures))
    if len(told) <= most:
        return [_line(shown, name, figures, threshold, width) for name, figures in told]
    return _beside([_short(name, figures, threshold) for name, figures in told], width, most)


def figures_line(shown: Shown, figures: Figures, threshold: float, width: int) -> Text:
    """The highest slide beside vote and mean; the agreement if it fits: the vote's numbers say it, too."""
    top = side((figures.highest,), threshold)
    highest = percent(figures.highest, digits(figures.highest, threshold))
    where = f" slide {number}" if (number := shown.number_of(figures.highest_slide)) else ""
    side_of_vote = {True: "above", False: "below", None: "tied"}[figures.vote]
    agreement = f"   agreement {percent(figures.agreement)}"
    for named in (" threshold" * (figures.vote is not None), ""):  # where it fits
        line = Text.assemble(
            " highest ",
            (f"{highest} {top.sign}", f"bold {top.style}"),
            f"{where}   vote {side_of_vote}{named}, {_majority(figures)} of {figures.slides}",
            f"   mean {percent(figures.mean, digits(figures.mean, threshold))}",
        )
        if line.cell_len + len(agreement) <= width:
            return line.append(agreement)
    return line


def _line(shown: Shown, name: str, figures: Figures | None, threshold: float, width: int) -> Text:
    line = Text(f" {name:<6}")
    if figures is None:
        return line.append(" slides on both sides: not put together", style=NOTICE)
    return line.append_text(figures_line(shown, figures, threshold, width - line.cell_len))


def _short(name: str, figures: Figures | None, threshold: float) -> Text:
    if figures is None:
        return Text.assemble((name, "bold"), (" both sides?", NOTICE))
    top = side((figures.highest,), threshold)
    highest = percent(figures.highest, digits(figures.highest, threshold))
    vote, style = {True: ("▲", ABOVE), False: ("▼", BELOW), None: ("◆", MIXED)}[figures.vote]
    return Text.assemble(
        (name, "bold"),
        " ",
        (f"{top.sign} {highest}", top.style),
        " ",
        (f"{vote}{_majority(figures)}/{figures.slides}", style),
    )


def _majority(figures: Figures) -> int:
    return max(figures.above_threshold, figures.slides - figures.above_threshold)


def _beside(texts: Sequence[Text], width: int, most: int) -> list[Text]:
    lines = [Text(" ")]
    for count, text in enumerate(texts):
        last = len(lines) == most and count + 1 < len(texts)
        if lines[-1].cell_len + text.cell_len > width - (_MORE if last else 0) and count:
            if len(lines) == most:
                lines[-1].append(f"+{len(texts) - count}", style=QUIET)
                break
            lines.append(Text(" "))
        lines[-1].append_text(text).append(" " * _GAP)
    return lines
