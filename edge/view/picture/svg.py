"""The screen as SVG: rich's, in a frame that fetches no fonts from elsewhere, with pictures in pixels."""

import io
import re
from typing import IO, cast

from rich.console import Console, ConsoleDimensions, RenderableType

from edge.view.picture.graphics import Drawing, embedded

_CELL_PX = (12, 24)  # of a character of rich's SVG, about
_CHARACTER_PX, _LINE_PX, _BACKGROUND_PX = 20, 24.4, 1.5  # rich.console.Console.export_svg
_PLACE = re.compile(
    r'<text [^>]*?x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"[^>]*>([\U000f0000-\U000ffffd])\4*</text>'
)
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect width="{width}" height="{height}" rx="8" fill="#08090b"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def exported(screen: RenderableType, size: ConsoleDimensions) -> str:
    """`screen` at `size`, as an SVG that holds all that it shows."""
    drawing = Drawing(io.StringIO(), embedded(_CELL_PX))
    console = Console(
        record=True, file=cast(IO[str], drawing), width=size.width, height=size.height,
        color_system="truecolor", force_terminal=True, no_color=False,
    )  # fmt: skip
    console.print(screen, height=size.height)
    svg = console.export_svg(title="edge watch", code_format=_SVG, unique_id="edge-watch")
    return _with_pictures(svg, drawing)


def _with_pictures(svg: str, drawing: Drawing) -> str:
    """`svg` with a picture over each place that was kept free for one; a line of it is a text of its own."""
    lines: dict[str, int] = {}
    for place in _PLACE.finditer(svg):
        lines[place[4]] = lines.get(place[4], 0) + 1

    def shown(place: "re.Match[str]") -> str:
        painted, count = drawing.painted(place[4]), lines.pop(place[4], 0)
        if painted is None or not count:  # its first line has it all
            return ""
        top = float(place[2]) - _CHARACTER_PX + _BACKGROUND_PX
        return (
            f'<image x="{place[1]}" y="{top:g}" width="{place[3]}" height="{count * _LINE_PX:g}" '
            f'preserveAspectRatio="none" href="{painted.whole}"/>'
        )

    return _PLACE.sub(shown, svg)
