"""Pairs to learn from and to be judged on: a real scan, and the same scan with annotations drawn onto it.

Hardly a real scan is free of burned-in annotations. Those that somebody outlined pixel by pixel count as
annotations in a pair, too; where they are only suspected, nothing is known, and no loss and no figure looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset as Header

from scanside.errors import NoTissue
from scanside.image import Box, Frame, Grey, Mask, Size
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import fill, to_chroma, to_grey
from scanside.scan.sector.contour import find_sector
from trainer.annotations.annotate import annotate, recompress
from trainer.annotations.flow import draw_flow

MASK_ABOVE = 0.15  # how much of a pixel ink covers, counting by how little shines through: annotated
_QUALITIES = (75, 96)  # of the JPEG into which the machine, or who collected the scans, put the screen
_HALO_PX = 4  # around real ink JPEG leaves traces of it


@dataclass(frozen=True)
class Source:
    """A real scan.

    Attributes:
        name: of the image.
        pixels: (H, W, 3) uint8, RGB.
        lesion, sector: (H, W) bool.
        ink: (H, W) bool, annotations that are on it, outlined by a person; None where they are not outlined.
        suspected: (H, W) bool, what may be annotations; empty where `ink` is known.
    """

    name: str
    pixels: NDArray[np.uint8]
    lesion: Mask
    sector: Mask
    ink: Mask | None
    suspected: Mask


@dataclass(frozen=True)
class ScanPair:
    """One scan as a network gets it, and what it has to give.

    Attributes:
        scan: (H, W) uint8, annotated; what scanside.scan.prepare gives, times 255.
        chroma: (H, W) uint8, max - min of R, G, B, cut and resized likewise.
        clean: (H, W) uint8, the same scan without what was drawn.
        mask: (H, W) bool, annotated: drawn, or outlined on the real scan.
        known: (H, W) bool: whether `mask` is the truth here.
        restorable: (H, W) bool: whether `clean` is.
    """

    scan: Grey
    chroma: Grey
    clean: Grey
    mask: Mask
    known: Mask
    restorable: Mask


def make_pair(
    source: Source,
    size: Size,
    rng: np.random.Generator,
    preset: str = "broad",
    *,
    draw: bool = True,
    flow: bool = False,
    also: str | None = None,
) -> ScanPair:
    """Annotate a scan, re-encode it as JPEG, and prepare it as the edge would.

    The sector is found on the annotated image; the clean one is cut along it.

    Args:
        preset, also: of trainer.annotations.
        draw: False: only what is on the scan already.
        flow: draw colours of flow onto both scans first: coloured, and no annotation.

    Raises:
        NoTissue: the annotated image holds no scan.
    """
    pixels, cover = source.pixels, np.zeros(source.lesion.shape, np.uint8)
    if flow:
        pixels = recompress(draw_flow(pixels, source.sector, rng), int(rng.integers(*_QUALITIES)))
    unannotated = to_grey(pixels)
    if draw:
        annotated = annotate(pixels, source.lesion, source.sector, rng, preset, also)
        pixels = recompress(annotated.pixels, int(rng.integers(*_QUALITIES)))
        cover = annotated.cover
    box, sector = find_whole_sector(pixels)
    planes = [to_grey(pixels), np.asarray(to_chroma(pixels)), unannotated]
    scan, chroma, clean = (np.rint(255 * _fill_plane(plane, box, sector, size)) for plane in planes)
    real = source.ink if source.ink is not None else np.zeros(cover.shape, bool)
    # Drawn annotations can enlarge the sector. Outside of the scan's own, annotations were not labelled.
    doubted = source.suspected | (_grow(real) & ~real) | ~source.sector
    cover = np.where(real, np.uint8(255), cover)
    planes = [cover, _convert_to_bytes(doubted), _convert_to_bytes(_grow(real))]
    ink, doubt, hidden = (_fill_plane(plane, box, sector, size) for plane in planes)
    mask, doubtful = ink > MASK_ABOVE, doubt > 0
    return ScanPair(
        np.asarray(scan, np.uint8),
        np.asarray(chroma, np.uint8),
        np.asarray(clean, np.uint8),
        mask,
        known=mask | ~doubtful,
        restorable=~doubtful & (hidden == 0),
    )


def find_whole_sector(pixels: NDArray[np.uint8]) -> tuple[Box, Mask]:
    """Find the sector's box, and the sector in the whole frame, (H, W) bool, as scan.prepare cuts it."""
    frame = Frame(pixels)
    outer = find_regions(Header(), frame.size)[0].box
    within = np.s_[outer.y0 : outer.y1, outer.x0 : outer.x1]
    sector = np.zeros(frame.size, bool)
    sector[within] = find_sector(to_grey(pixels[within]))
    x, y, width, height = cv2.boundingRect(sector.astype(np.uint8))
    if not width:
        raise NoTissue("the annotated image holds no scan")
    return Box(x, y, x + width, y + height), sector


def _fill_plane(plane: Grey, box: Box, sector: Mask, size: Size) -> NDArray[np.float32]:
    inside = np.s_[box.y0 : box.y1, box.x0 : box.x1]
    return fill(np.asarray(cv2.copyTo(plane[inside], _convert_to_bytes(sector[inside])), np.uint8), size)


def _convert_to_bytes(mask: Mask) -> Grey:
    return np.asarray(mask.astype(np.uint8) * np.uint8(255), np.uint8)


def _grow(mask: Mask) -> Mask:
    kernel = np.ones((2 * _HALO_PX + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0, bool)


def stack_pairs(pairs: Sequence[ScanPair]) -> ScanPair:
    """Stack pairs of one size into one, with (N, H, W) arrays."""
    return ScanPair(**{name: np.stack([getattr(pair, name) for pair in pairs]) for name in vars(pairs[0])})
