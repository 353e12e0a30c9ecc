"""A picture of how a frame is prepared, step by step, for whoever asks why it was cut so, or refused."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside import RESEARCH_USE
from scanside.assess.denoise import Denoiser
from scanside.dicom.instance import Instance
from scanside.errors import NoTissue, UnlikeTraining
from scanside.flags import Flag
from scanside.image import Box, Frame, Size
from scanside.scan.prepare import cut, find_scans, prepare, to_grey
from scanside.scan.sector.contour import find_sector
from scanside.scan.types import Region

Pixels = NDArray[np.uint8]

_WIDTH, _HEIGHT, _GAP = 360, 270, 12  # of a panel, and between panels, pixels
_PAGE, _INK, _MUTED = (24, 24, 28), (235, 235, 235), (150, 150, 155)  # RGB
_MARK, _WARN = (80, 220, 120), (255, 170, 60)
_PREPARED = ("1 Frame as decoded", "2 Region", "3 Sector", "4 Cut out, grey", "5 Network input")
_DENOISED = (*_PREPARED[:-1], "5 Filled, annotations found", "6 Removed: network input")


def explain(instance: Instance, size: Size, denoiser: Denoiser | None = None) -> Pixels:
    """Draw what becomes of the first frame of `instance`, a row for each scan; to the step that fails.

    No text of the header is drawn. What the machine burned into the frame is still in it.

    Args:
        size: rows and columns of the network's input.
        denoiser: that of the model, if it has one.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        Unreadable: the frame can't be decoded: there is nothing to draw.
        RunnerError: the denoiser can't be run.
    """
    steps = _DENOISED if denoiser else _PREPARED
    frame = instance.frame(0)
    decoded = _panel(frame.pixels, f"{frame.size.width} x {frame.size.height} px")
    try:
        found = find_scans(instance.header, frame)
    except NoTissue as reason:
        return _sheet([_row(steps, [decoded], str(reason), ())])
    regions = [replace(region, flags=region.flags | instance.flags) for region in found]
    return _sheet([_row(steps, *_explained(frame, region, size, denoiser, decoded)) for region in regions])


def _explained(
    frame: Frame, region: Region, size: Size, denoiser: Denoiser | None, decoded: Pixels
) -> tuple[list[Pixels], str, Collection[Flag]]:
    """The panels of one scan, why it can't be scored (or nothing), and its flags."""
    panels = [decoded, _panel(_marked(frame, [_outline(region.box)]), f"rule: {region.found_by.value}")]
    try:
        tissue = cut(frame, region)
    except NoTissue as reason:
        return panels, str(reason), region.flags
    box = region.box
    sector = find_sector(to_grey(frame.pixels[box.y0 : box.y1, box.x0 : box.x1])).astype(np.uint8)
    contours, _ = cv2.findContours(sector, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(box.x0, box.y0))
    inner = tissue.origin.box
    panels += [
        _panel(_marked(frame, [np.asarray(contour) for contour in contours]), "black outside the line"),
        _panel(tissue.pixels, f"{inner.size.width} x {inner.size.height} px from {inner.x0}, {inner.y0}"),
    ]
    scan = prepare(frame, region, size, chroma=denoiser is not None)
    filled = f"{size.width} x {size.height} px"
    if denoiser is None:
        return [*panels, _panel(_greys(scan.pixels), filled)], "", scan.flags
    try:
        denoised = denoiser.remove(scan)
    except UnlikeTraining as reason:
        return [*panels, _panel(_greys(scan.pixels), filled)], str(reason), scan.flags
    found = _rgb(_greys(scan.pixels)).copy()
    around = cv2.dilate(denoised.mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    cv2.drawContours(found, cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, _MARK)
    panels.append(_panel(found, f"{filled}, {denoised.share:.2%} annotated" if denoised.share else "none"))
    return [*panels, _panel(_greys(denoised.scan.pixels), filled)], "", denoised.scan.flags


def _greys(pixels: NDArray[np.float32]) -> Pixels:
    return np.rint(255 * pixels).astype(np.uint8)


def _outline(box: Box) -> NDArray[np.int32]:
    right, bottom = box.x1 - 1, box.y1 - 1
    return np.array([(box.x0, box.y0), (right, box.y0), (right, bottom), (box.x0, bottom)], np.int32)


def _marked(frame: Frame, contours: Sequence[NDArray[np.int32]]) -> Pixels:
    marked: Pixels = _rgb(frame.pixels).copy()
    cv2.polylines(marked, contours, True, _MARK, max(1, frame.size.width // 240))
    return marked


def _panel(pixels: Pixels, caption: str) -> Pixels:
    """One picture in its frame, with a line of text below."""
    panel = np.full((_HEIGHT + 24, _WIDTH, 3), _PAGE, np.uint8)
    height, width = pixels.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height)
    shown = (max(1, round(scale * width)), max(1, round(scale * height)))
    small = cv2.resize(_rgb(pixels), shown, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    panel[: shown[1], : shown[0]] = small
    _write(panel, caption, (0, _HEIGHT + 18), _MUTED)
    return panel


def _row(steps: Sequence[str], panels: Sequence[Pixels], reason: str, flags: Collection[Flag]) -> Pixels:
    """The steps of one scan, side by side, over its reason and flags."""
    row = np.full((_HEIGHT + 104, len(steps) * (_WIDTH + _GAP), 3), _PAGE, np.uint8)
    for number, panel in enumerate(panels):
        left = number * (_WIDTH + _GAP)
        row[26 : 26 + len(panel), left : left + _WIDTH] = panel
        _write(row, steps[number], (left, 18), _INK)
    verdict = f"Not scored: {reason}" if reason else "Prepared."
    _write(row, verdict, (0, _HEIGHT + 68), _WARN if reason else _INK)
    if flags:
        text = "Flags: " + "; ".join(sorted(flag.value for flag in flags))
        _write(row, text, (0, _HEIGHT + 88), _WARN)
    return row


def _sheet(rows: Sequence[Pixels]) -> Pixels:
    title = np.full((40, rows[0].shape[1], 3), _PAGE, np.uint8)
    _write(title, f"How one frame is prepared. {RESEARCH_USE}", (0, 24), _INK)
    return np.asarray(
        cv2.copyMakeBorder(np.vstack([title, *rows]), _GAP, 0, _GAP, 0, 0, value=_PAGE), np.uint8
    )


def _rgb(pixels: Pixels) -> Pixels:
    return np.asarray(pixels if pixels.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)


def _write(pixels: Pixels, text: str, at: tuple[int, int], ink: tuple[int, int, int]) -> None:
    cv2.putText(pixels, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, 1, cv2.LINE_AA)
