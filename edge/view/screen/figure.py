"""The risk on the screen: a large figure, and a bar with the threshold's mark."""

from rich.text import Text

_CHARACTERS = "0123456789%.-<>"
_FONT = [  # 5 x 7 pixels each
    ".###. ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###. ##... ..... ..... ...#. .#...",
    "#...# .##.. #...# ...#. ..##. #.... .#... ....# #...# #...# ##..# ..... ..... ..#.. ..#..",
    "#...# ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...# ...#. ..... ..... .#... ...#.",
    "#...# ..#.. ...#. ...#. #..#. ....# ####. ..#.. .###. .#### ..#.. ..... ##### #.... ....#",
    "#...# ..#.. ..#.. ....# ##### ....# #...# .#... #...# ....# .#... ..... ..... .#... ...#.",
    "#...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#. #..## .##.. ..... ..#.. ..#..",
    ".###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.. ...## .##.. ..... ...#. .#...",
]
_GLYPHS = dict(zip(_CHARACTERS, zip(*(line.split() for line in _FONT), strict=True), strict=True))
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def large(figure: str, width: int, height: int) -> list[str]:
    """`figure` in letters as large as fit `width` columns and `height` lines; itself when none do."""
    glyphs = [_GLYPHS[character] for character in figure.replace(" ", "")]
    columns = 6 * len(glyphs) - 1
    scale = min(width // columns, 2 * height // 7)
    if scale < 1:
        return [figure]
    pixels = [[c == "#" for c in ".".join(row) for _ in range(scale)] for row in zip(*glyphs, strict=True)]
    rows = [row for row in pixels for _ in range(scale)]
    if len(rows) % 2:
        rows.append([False] * (columns * scale))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_HALVES[cell] for cell in zip(top, low, strict=True)) for top, low in pairs]


def bar(risk: float, threshold: float, width: int, style: str) -> Text:
    """`risk` as a bar of `width` columns, with a mark where the threshold lies."""
    filled = round(risk * width)
    line = Text("█" * filled + "░" * (width - filled), style=style)
    at = min(width - 1, int(threshold * width))
    return Text.assemble(line[:at], ("┃", "bold"), line[at + 1 :])
