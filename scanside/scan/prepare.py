"""A frame -> its scans -> the array that a network reads, and a mask's way back (thesis, appendix C, 4-6).

Training and the edge both call `find_scans`, `cut` and `fill`, so what a network sees beside the scanner is
what it learnt from.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.errors import NoTissue
from scanside.flags import Flag
from scanside.image import Box, Frame, Grey, Mask, Size
from scanside.scan.place.region import MIN_REGION_PX, find_regions
from scanside.scan.resize import resize, resize_mask
from scanside.scan.sector.content import check_content
from scanside.scan.sector.contour import find_sector
from scanside.scan.sector.screen import find_lit
from scanside.scan.sector.views import find_views
from scanside.scan.types import Crop, Region, RegionSource, Scan, Tissue

_COLOUR_SPREAD = 60  # max - min of R, G, B in a pixel: above it the pixel is coloured
_DECLARED = (RegionSource.DICOM, RegionSource.OVERLAY)  # the machine says that it is 2D
_COLOUR_SHARE = 0.01  # share of coloured pixels in the scan from which it is colour Doppler


def find_scans(header: Dataset, frame: Frame) -> tuple[Region, ...]:
    """Where the scans of a frame lie: its regions, and each view by itself where several share one.

    Args:
        header: the instance's attributes.

    Returns:
        At least one region, left to right. Whether tissue is in it only `cut` can tell.

    Raises:
        NoTissue: regions are declared, but none is a 2D scan (a spectrum, an M-mode trace).
    """
    regions = find_regions(header, frame.size, find_lit(to_grey(frame.pixels)))
    return tuple(view for region in regions for view in separate(frame, region))


def prepare(frame: Frame, region: Region, size: Size, *, chroma: bool = False) -> Scan:
    """`cut` and `fill` in one: what a network of input `size` gets of `region`.

    Args:
        chroma: tell how coloured each pixel is, too; only a denoiser reads it.

    Raises:
        NoTissue: the region holds no tissue (black, only text, or smaller than MIN_REGION_PX a side), or
            none is declared and the pixels are those of a page, an M-mode trace or a spectrum.
    """
    tissue = cut(frame, region, chroma=chroma)
    colour = None if tissue.chroma is None else fill(tissue.chroma, size)
    return Scan(fill(tissue.pixels, size), tissue.origin, tissue.found_by, tissue.flags, colour)


def separate(frame: Frame, region: Region) -> tuple[Region, ...]:
    """The views that stand side by side in a region of which no machine said that it is one scan.

    Returns:
        Left to right; `region` itself where there is one view or none, or where a machine declared it.
    """
    if region.found_by in _DECLARED:
        return (region,)
    x0, y0, x1, y1 = region.box
    try:
        views = find_views(to_grey(frame.pixels[y0:y1, x0:x1]))
    except NoTissue:
        return (region,)
    return tuple(replace(region, box=Box(x0 + first, y0, x0 + after, y1)) for first, after in views)


def cut(frame: Frame, region: Region, *, chroma: bool = False) -> Tissue:
    """Cut the sector out of `region` and blacken what is not tissue.

    Args:
        frame: the decoded frame.
        region: where in it the scan lies.
        chroma: tell how coloured each pixel is, too.

    Raises:
        NoTissue: the region holds no tissue (black, only text, or smaller than MIN_REGION_PX a side), or
            none is declared and the pixels are those of a page, an M-mode trace or a spectrum.
    """
    outer = region.box
    inside = frame.pixels[outer.y0 : outer.y1, outer.x0 : outer.x1]
    grey = to_grey(inside)
    if min(grey.shape) < MIN_REGION_PX:
        raise NoTissue(f"the image is too small: {grey.shape[1]} x {grey.shape[0]} px")
    if region.found_by not in _DECLARED:
        check_content(grey)
    sector = find_sector(grey)
    x, y, width, height = cv2.boundingRect(sector.astype(np.uint8))
    if min(width, height) < MIN_REGION_PX:
        raise NoTissue(f"the scan is too small: {width} x {height} px")
    inner = np.s_[y : y + height, x : x + width]
    spread = to_chroma(inside[inner])
    flags = region.flags | ({Flag.COLOUR} if _is_coloured(spread, sector[inner]) else set())
    box = Box(outer.x0 + x, outer.y0 + y, outer.x0 + x + width, outer.y0 + y + height)
    return Tissue(
        pixels=_only(grey[inner], sector[inner]),
        origin=Crop(box, frame.size),
        found_by=region.found_by,
        flags=frozenset(flags),
        chroma=_only(spread, sector[inner]) if chroma and spread is not None else None,
    )


def fill(tissue: Grey, size: Size) -> NDArray[np.float32]:
    """Expand a cut-out sector to a network's input.

    Args:
        tissue: (H, W) uint8, of `cut`; a prepared dataset keeps it so, and fills any input from it.
        size: rows and columns of the network's input.

    Returns:
        (size.height, size.width) float32 in [0, 1].
    """
    return np.asarray(resize(tissue, size) / np.float32(255), np.float32)


def prepare_mask(mask: Mask, origin: Crop, size: Size, above: float = 0.5) -> Mask:
    """Move a mask along with the pixels of its scan.

    Args:
        mask: (H, W) bool, source pixels.
        origin: where the scan was cut from.
        size: rows and columns of the network's input.
        above: share of a pixel that has to be covered; less than one half enlarges the mask.

    Returns:
        (size.height, size.width) bool.
    """
    box = origin.box
    return resize_mask(np.ascontiguousarray(mask[box.y0 : box.y1, box.x0 : box.x1]), size, above)


def to_source(lesion: NDArray[np.float32], origin: Crop) -> Mask:
    """Map a network's lesion probabilities back onto the source frame.

    Args:
        lesion: (h, w) float32 in [0, 1], the network's output.
        origin: where its scan was cut from.

    Returns:
        (H, W) bool, source pixels: probability above one half.
    """
    box = origin.box
    mask = np.zeros(origin.source, bool)
    size = (box.size.width, box.size.height)
    moved = cv2.resize(lesion, size, interpolation=cv2.INTER_LINEAR)
    mask[box.y0 : box.y1, box.x0 : box.x1] = moved > 0.5
    return mask


def to_grey(pixels: NDArray[np.uint8]) -> Grey:
    """(H, W, 3) RGB or (H, W) grey -> (H, W) uint8."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.uint8)


def to_chroma(pixels: NDArray[np.uint8]) -> Grey | None:
    """(H, W, 3) RGB -> (H, W) uint8: max - min of R, G, B in each pixel; None for grey pixels."""
    if pixels.ndim == 2:
        return None
    red, green, blue = cv2.split(pixels)  # plane by plane: 20 times as fast as numpy's max over an axis
    spread = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    return np.asarray(spread, np.uint8)


def _only(pixels: Grey, sector: Mask) -> Grey:
    """`pixels`, black outside `sector`."""
    return np.asarray(cv2.copyTo(pixels, sector.view(np.uint8)), np.uint8)


def _is_coloured(spread: Grey | None, sector: Mask) -> bool:
    if spread is None:
        return False
    coloured = (spread > _COLOUR_SPREAD) & sector
    return bool(np.count_nonzero(coloured) > _COLOUR_SHARE * np.count_nonzero(sector))
