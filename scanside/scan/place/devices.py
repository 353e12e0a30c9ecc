"""The strips of text that machines burn in at the top of their screens (devices.toml)."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydicom.dataset import Dataset

from scanside.errors import SettingError
from scanside.scan.types import Size

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


@dataclass(frozen=True)
class TextStrip:
    """One row of the table.

    Attributes:
        manufacturer: how the Manufacturer (0008,0070) begins, in each of its spellings.
        model: what the Manufacturer's Model Name (0008,1090) contains.
        rows, columns: size of the screen, pixels; None for any.
        top_px: rows of text at the top.
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

    def fits(self, manufacturer: str, model: str, size: Size) -> bool:
        return (
            any(_bare(manufacturer).startswith(_bare(name)) for name in self.manufacturer)
            and _holds(_bare(model), _bare(self.model))
            and self.rows in (None, size.height)
            and self.columns in (None, size.width)
            and self.top_px < size.height // 2
        )


def text_strip(header: Dataset, size: Size) -> TextStrip | None:
    """The row for the device that wrote `header`: the longest model name decides, then the exact size."""
    maker, model = str(header.get("Manufacturer") or ""), str(header.get("ManufacturerModelName") or "")
    fitting = [strip for strip in text_strips() if strip.fits(maker, model, size)]
    return max(fitting, key=lambda strip: (len(_bare(strip.model)), strip.rows is not None), default=None)


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
