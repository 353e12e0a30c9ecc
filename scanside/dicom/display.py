"""Stored values -> what a screen shows: modality LUT, VOI LUT, polarity or palette, as one table; 8 bit."""

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from scanside.dicom.layout import GREY, YCBCR, Layout
from scanside.dicom.palette import palette, read_table
from scanside.dicom.undecodable import Undecodable
from scanside.flags import Flag

# R, G, B from Y, Cb, Cr and 1 (PS3.3 C.7.6.3.1.2, YBR_FULL; the values of ITU-R BT.601).
_TO_RGB = np.array(
    [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]],
)
_TO_RGB = np.hstack([_TO_RGB, -128 * _TO_RGB[:, 1:].sum(axis=1, keepdims=True)])
# The inverse of YBR_PARTIAL_422's equations (PS3.3 C.7.6.3.1.2 of 2016, retired since): Y of 16 to 235, Cb
# and Cr of 16 to 240.
_PARTIAL_TO_RGB = _TO_RGB[:, :3] * [255 / 219, 255 / 224, 255 / 224]
_PARTIAL_TO_RGB = np.hstack([_PARTIAL_TO_RGB, -_PARTIAL_TO_RGB @ [[16], [128], [128]]])


def display_table(
    header: Dataset, layout: Layout, big_endian: bool
) -> tuple[NDArray[np.uint8] | None, frozenset[Flag]]:
    """What each stored bit pattern looks like, and whether that is without a window or slope that can't be.

    Returns:
        (2 ** bits_allocated,) grey or (2 ** bits_allocated, 3) RGB, uint8;
        None where 8 bit colours are shown as stored.
        Flag.DISPLAY where a window or a slope is left out.

    Raises:
        Undecodable: a table that PS3.3 C.11 does not allow.
    """
    values = _values(layout)
    if layout.photometric == "PALETTE COLOR":
        return palette(header, values, big_endian), frozenset()
    if layout.photometric not in GREY:
        plain = layout.bits_allocated == layout.bits_stored == 8
        return None if plain else _scaled(values, 0, 2**layout.bits_stored - 1), frozenset()
    flags = frozenset[Flag]()
    try:
        shown = _windowed(header, _modality(header, values, big_endian), big_endian)
    except _Impossible:  # a window counts in rescaled values: without the slope it means nothing either
        shown, flags = _scaled(values, values.min(), values.max()), frozenset({Flag.DISPLAY})
    return ~shown if layout.photometric == "MONOCHROME1" else shown, flags


def show(stored: NDArray[np.generic], photometric: str, table: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Stored values through their table; then YCbCr becomes RGB.

    Args:
        stored: (H, W) or (H, W, 3) uint8 or uint16, bit patterns.
        photometric: what they are in, after their codec.

    Returns:
        (H, W) or (H, W, 3) RGB, uint8.

    Raises:
        Undecodable: colours of which nobody knows what they are.
    """
    if stored.ndim == 3 and photometric not in YCBCR | {"RGB"}:
        raise Undecodable(f"{photometric} in a transfer syntax that does not know it")
    if table is None:
        shown = np.asarray(stored, np.uint8)
    elif stored.dtype == np.uint8 and table.ndim == 1:
        shown = np.asarray(cv2.LUT(np.asarray(stored, np.uint8), table), np.uint8)
    else:
        shown = table[stored]
    if photometric in YCBCR:
        to_rgb = _PARTIAL_TO_RGB if photometric == "YBR_PARTIAL_422" else _TO_RGB
        shown = np.asarray(cv2.transform(shown, to_rgb), np.uint8)
    return shown


def _values(layout: Layout) -> NDArray[np.int64]:
    """The value of each bit pattern of an allocated cell (PS3.5 8.1.1); bits beside it are not its own."""
    patterns = np.arange(2**layout.bits_allocated, dtype=np.int64)
    values = patterns >> (layout.high_bit + 1 - layout.bits_stored) & (2**layout.bits_stored - 1)
    if layout.signed:
        values -= (values >= 2 ** (layout.bits_stored - 1)) * 2**layout.bits_stored
    return np.asarray(values, np.int64)


def _modality(header: Dataset, values: NDArray[np.int64], big_endian: bool) -> NDArray[np.float64]:
    """PS3.3 C.11.1."""
    item = _first_item(header, "ModalityLUTSequence")
    if item is not None:
        table, first, _ = read_table(item, big_endian)
        return table[np.clip(values - first, 0, len(table) - 1)].astype(np.float64)
    slope, intercept = _number(header, "RescaleSlope"), _number(header, "RescaleIntercept")
    if slope == 0:
        raise _Impossible("a rescale slope of 0: every value would look the same")
    return np.asarray(values * (1.0 if slope is None else slope) + (intercept or 0.0), np.float64)


def _windowed(header: Dataset, values: NDArray[np.float64], big_endian: bool) -> NDArray[np.uint8]:
    """PS3.3 C.11.2; of several views the first, where there is none the whole range of the stored bits."""
    item = _first_item(header, "VOILUTSequence")
    if item is not None:
        table, first, bits = read_table(item, big_endian)
        place = np.clip(np.rint(values) - first, 0, len(table) - 1).astype(np.int64)
        return _scaled(table[place], 0, 2**bits - 1)
    width, centre = _number(header, "WindowWidth"), _number(header, "WindowCenter")
    if centre is None or width is None:
        return _scaled(values, values.min(), values.max())
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if function == "LINEAR" and width >= 1:  # C.11.2.1.2.1
        if width == 1:
            return np.where(values <= centre - 0.5, 0, 255).astype(np.uint8)
        return _scaled(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)
    if function == "LINEAR_EXACT" and width > 0:
        return _scaled(values, centre - width / 2, centre + width / 2)
    if function == "SIGMOID" and width > 0:
        exponent = np.clip(-4 * (values - centre) / width, -700, 700)
        return _scaled(1 / (1 + np.exp(exponent)), 0, 1)
    raise _Impossible("a window of such a width or function")


def _scaled(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    if not high > low:
        raise Undecodable("a range of grey values without extent")
    share = (np.asarray(values, np.float64) - low) * (255 / (high - low))
    return np.asarray(np.clip(np.rint(share), 0, 255), np.uint8)


def _first_item(header: Dataset, keyword: str) -> Dataset | None:
    sequence = header.get(keyword)
    return sequence[0] if sequence else None


def _number(header: Dataset, keyword: str) -> float | None:
    value = header.get(keyword)
    value = (value[0] if value else None) if isinstance(value, MultiValue) else value
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _Impossible(f"{keyword} is no number") from None
    if not np.isfinite(number):
        raise _Impossible(f"{keyword} is {number}")
    return number


class _Impossible(Undecodable):
    """A window or a slope that PS3.3 C.11 does not allow."""
