"""The strips of text that machines burn in at the top of their screens (devices.toml)."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydicom.dataset import Dataset

from scanside.errors import SettingError
from scanside.image import Size

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


# Encoders cut one screen at different lines: of 525 lines of video 476 to 486 are kept. Heights within 2 %
# are one screen; those of different screens of one device lie further apart.
_NEIGHBOUR = 1.02
_NARROWEST = 0.8  # of the screen's width is lit at least: text stands at both sides
_HEIGHT_OF_WIDTH = 3 / 4  # of a screen, where the source gives its width alone


@dataclass(frozen=True)
class TextStrip:
    """One row of the table.

    Attributes:
        manufacturer: how the Manufacturer (0008,0070) begins, in each of its spellings.
        model: what the Manufacturer's Model Name (0008,1090) contains.
        rows, columns: size of the screen, pixels; None for any.
        top_px: rows of text at the top, counted from the first that is not black.
        source: where the figure is from.
    """

    manufacturer: tuple[str, ...]
    model: str
    top_px: int
    source: str
    rows: int | None = None
    columns: int | None = None

    def __post_init__(self) -> None:
        if not (self.source and _bare(self.model) and all(map(_bare, self.manufacturer)) and self.top_px > 0):
            raise SettingError(
                f"devices.toml: {self.model!r} lacks a name, a source or a height. Fill it in."
            )

    def fits(self, manufacturer: str, model: str, lit: Size) -> bool:
        return (
            any(_bare(manufacturer).startswith(_bare(name)) for name in self.manufacturer)
            and _holds(_bare(model), _bare(self.model))
            and self._is_screen(lit)
            and self.top_px < lit.height // 2
        )

    def _is_screen(self, lit: Size) -> bool:
        """Whether the strip is lit, too: an image from which its text was blackened has none to cut off."""
        height = self.rows or _HEIGHT_OF_WIDTH * (self.columns or lit.width)
        return (
            height - self.top_px / 2 < lit.height
            and (self.rows is None or lit.height <= _NEIGHBOUR * self.rows)
            and (self.columns is None or _NARROWEST <= lit.width / self.columns <= _NEIGHBOUR)
        )


def text_strip(header: Dataset, lit: Size) -> TextStrip | None:
    """The row for the device that wrote `header`: the longest model name decides, then the nearest height.

    Args:
        header: the instance's attributes.
        lit: size of what is not black in the frame.
    """
    maker, model = str(header.get("Manufacturer") or ""), str(header.get("ManufacturerModelName") or "")
    fitting = [strip for strip in text_strips() if strip.fits(maker, model, lit)]

    def rank(strip: TextStrip) -> tuple[int, bool, int]:
        return len(_bare(strip.model)), strip.rows is not None, -abs((strip.rows or 0) - lit.height)

    return max(fitting, key=rank, default=None)


@cache
def text_strips() -> tuple[TextStrip, ...]:
    """The table.

    Raises:
        SettingError: a row of it is wrong.
    """
    table = tomllib.loads(files("scanside.scan.place").joinpath("devices.toml").read_text("utf-8"))
    try:
        return tuple(
            TextStrip(**{**row, "manufacturer": tuple(row["manufacturer"])}) for row in table["device"]
        )
    except (KeyError, TypeError) as error:
        raise SettingError(
            f"devices.toml: a row is wrong: {error}. Compare it with its neighbours."
        ) from error


def _holds(model: str, part: str) -> bool:
    """Whether `part` is in `model` and no number goes on behind it: a LOGIQ 700 is no LOGIQ 7."""
    return re.search(re.escape(part) + (r"(?!\d)" if part[-1].isdigit() else ""), model) is not None


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
