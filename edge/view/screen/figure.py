"""The risk as people read it: a percentage that keeps to the threshold's side, a large figure, a bar."""

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
_MAX_DIGITS = 3


def digits(risk: float, threshold: float) -> int:
    """Decimals that a percentage needs so that it doesn't read as on the threshold's other side."""
    for decimals in range(_MAX_DIGITS):
        rounded = round(100 * risk, decimals) >= round(100 * threshold, decimals)
        if rounded == (risk >= threshold):
            return decimals
    return _MAX_DIGITS


def percent(risk: float, decimals: int = 0) -> str:
    """0.432 -> "43 %"; never "0 %" or "100 %" for what is only near."""
    if decimals == 0 and 0 < risk < 0.005:
        return "<1 %"
    if decimals == 0 and 0.995 <= risk < 1:
        return ">99 %"
    return f"{100 * risk:.{decimals}f} %"


def percent_range(risks: tuple[float, ...], threshold: float) -> str:
    """One percentage, or the lowest and the highest of several."""
    low, high = min(risks), max(risks)
    decimals = max(digits(low, threshold), digits(high, threshold))
    if percent(low, decimals) == percent(high, decimals):
        return percent(high, decimals)
    return f"{percent(low, decimals).removesuffix(' %')}-{percent(high, decimals)}"


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
