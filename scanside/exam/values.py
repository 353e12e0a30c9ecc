"""Values of a header as the rules read them: hostile bytes give nothing, and no rule ever raises."""

import math
import warnings
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items


def read_texts(header: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of an attribute, upper case, without spaces around; () where it is missing or unreadable."""
    value = _read(header, keyword)
    if value is None or isinstance(value, Items):
        return ()
    values = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return tuple(text for one in values if (text := str(one).strip().upper()))


def read_number(header: Dataset, keyword: str) -> float | None:
    """The first value as a finite number; None where it is none."""
    try:
        number = float(next(iter(read_texts(header, keyword)), ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_items(header: Dataset, keyword: str) -> Iterator[Dataset]:
    """The items of a sequence; nothing where the attribute is no sequence."""
    value = _read(header, keyword)
    if isinstance(value, Items):
        yield from value


def _read(header: Dataset, keyword: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return header.get(keyword)
    except Exception:  # pydicom raises whatever it likes on damaged values
        return None
