"""Where text lies on tissue: the denoiser's detector, and of what it finds all that is shaped like text.

The detector marks every annotation: letters, calipers, dotted lines. A caliper names nobody; letters may.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.errors import BundleError
from scanside.image import Grey, Mask, Size
from scanside.model.bundle import DEFAULT_BUNDLE, DENOISER, load_bundle
from scanside.model.manifest import DenoiserLimits
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.outputs import check_range
from scanside.runtime.protocol import Runner
from scanside.scan.prepare import fill, to_chroma, to_grey

_FITTED = Size(336, 544)  # the size at which the denoiser was measured; of larger scans it is half theirs
_MULTIPLE = 8  # of both sides of what the detector takes
_WIDTH_PX = 800  # of the screens for which the lengths below are given; on others they are larger or smaller
_GAP_PX, _LEADING_PX = 15, 3  # between letters and words of a line; across it
_LONG_PX, _HIGH_PX = 14, 6  # the smallest line of text; strokes of calipers and dotted lines are thinner
_COLOURED, _FLOW_PX = 60, 7  # max - min of R, G and B; the side of the smallest square of flow
_STANDS_OUT = 40  # grey values above what lies around: a letter on flow
_BRIDGE_PX = 3  # how far around a pixel inpainting looks
_RIM_PX = 5  # twice the soft edge of a stroke, and one
_SMALLEST = 0.8  # of these: letters have their 5 x 7 dots on small screens, too


@dataclass(frozen=True)
class FoundText:
    """What the detector sees in one picture.

    Attributes:
        text: (H, W) bool, lines of text with a margin: rectangles, and the strokes that reach into them.
        strokes: (H, W) bool, every pixel that is taken for annotation, text or not.
        share: of the strokes in the rectangle around tissue.
        upright: whether a line of text runs up or down.
    """

    text: Mask
    strokes: Mask
    share: float = 0.0
    upright: bool = False


class TextFinder:
    """Finds text on tissue.

    Args:
        runner: the denoiser's graph (scanside.assess.denoise).
        limits: its threshold, and the share of annotation from which it is not believed.
    """

    def __init__(self, runner: Runner, limits: DenoiserLimits) -> None:
        self._runner, self.limits = runner, limits

    def find(self, pixels: NDArray[np.uint8], blanked: Mask | None = None) -> FoundText:
        """Find text, whatever its colour.

        Args:
            pixels: (H, W) or (H, W, 3) uint8, black where there is no tissue.
            blanked: (H, W) bool, what was blacked out before: no text is left there. It is bridged by what
                lies around, since the edge of a black box looks like a stroke.

        Raises:
            RunnerError: the runtime failed, or returned something that is no probability.
        """
        if blanked is not None and blanked.any():
            pixels = np.asarray(
                cv2.inpaint(pixels, blanked.view(np.uint8), _BRIDGE_PX, cv2.INPAINT_TELEA), np.uint8
            )
        grey, chroma = to_grey(pixels), to_chroma(pixels)
        if chroma is None:
            chroma = np.zeros_like(grey)
        strokes, sure = np.zeros(grey.shape, bool), np.zeros(grey.shape, bool)
        x, y, width, height = cv2.boundingRect(np.asarray(grey > 0, np.uint8))
        if min(width, height) < _MULTIPLE:
            return FoundText(strokes, sure)
        inside = np.s_[y : y + height, x : x + width]
        fitted = self._fitted(grey[inside], chroma[inside])
        unscaled = self._unscaled(grey[inside], chroma[inside])
        strokes[inside] = np.maximum(fitted, unscaled) > self.limits.threshold
        flow = _flow(grey, chroma)
        # In Doppler's colours one size alone takes edges for strokes: both have to agree on a part of a line.
        sure[inside] = fitted * unscaled > self.limits.threshold**2 if flow.any() else strokes[inside]
        hidden = flow if blanked is None else flow | blanked
        strokes &= ~hidden
        sure &= ~hidden
        across, upwards = (
            _touching(lines, surely) | surely
            for lines, surely in zip(_lines_of(strokes), _lines_of(sure), strict=True)
        )
        text = _boxes_around(across) | _boxes_around(upwards)
        text |= dilate(_touching(sure, text), _RIM_PX)
        return FoundText(text, sure, float(sure[inside].mean()), bool(upwards.any()))

    def _fitted(self, grey: Grey, chroma: Grey) -> NDArray[np.float32]:
        size = Size(
            *(max(least, side // 16 * _MULTIPLE) for least, side in zip(_FITTED, grey.shape, strict=True))
        )
        found = self._annotation(fill(grey, size), fill(chroma, size))
        return np.asarray(cv2.resize(found, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)

    def _unscaled(self, grey: Grey, chroma: Grey) -> NDArray[np.float32]:
        """As stored."""
        height, width = grey.shape
        padded = (
            cv2.copyMakeBorder(plane, 0, -height % _MULTIPLE, 0, -width % _MULTIPLE, cv2.BORDER_CONSTANT)
            for plane in (grey, chroma)
        )
        return self._annotation(*(plane / np.float32(255) for plane in padded))[:height, :width]

    def _annotation(self, scan: NDArray[np.float32], chroma: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs = self._runner.run({"scan": scan[None, None], "chroma": chroma[None, None]})
        shape = (1, *scan.shape)
        check_range(outputs, {"annotation_probability": shape, "clean": shape}, "the denoiser")
        return np.asarray(outputs["annotation_probability"][0], np.float32)


@cache
def default_text_finder(threads: int = 0) -> TextFinder:
    """The detector of the default bundle's denoiser, on the CPU.

    Args:
        threads: cores to use; 0 is all of them.
    """
    bundle = load_bundle(DEFAULT_BUNDLE)
    if bundle.manifest.denoiser is None:
        raise BundleError(f"{DEFAULT_BUNDLE} has no denoiser, so nothing finds text. Install scanside again.")
    runner = OnnxRuntime(bundle.files[DENOISER], threads, what="the denoiser")
    return TextFinder(runner, bundle.manifest.denoiser)


def page_of(pixels: NDArray[np.uint8], strokes: Mask) -> Grey:
    """What a reader of text gets: the strokes alone, dark on white.

    Returns:
        (H, W) uint8.
    """
    return np.asarray(np.where(dilate(strokes, _RIM_PX), 255 - to_grey(pixels), 255), np.uint8)


def dilate(mask: Mask, side: int) -> Mask:
    """The mask, larger by half of `side` all around."""
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)), bool)


def _flow(grey: Grey, chroma: Grey) -> Mask:
    """Doppler's colours: areas too thick for strokes of letters, but for what stands out bright in them."""
    coloured = np.asarray(chroma > _COLOURED, np.uint8)
    if not coloured.any():
        return np.zeros(grey.shape, bool)
    side = max(_FLOW_PX, round(_FLOW_PX * grey.shape[1] / _WIDTH_PX)) | 1
    thick = cv2.morphologyEx(coloured, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    stands_out = (
        cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, np.ones((side + 2, side + 2), np.uint8)) > _STANDS_OUT
    )
    return np.asarray(dilate(thick > 0, _RIM_PX) & (coloured > 0) & ~stands_out, bool)


def _lines_of(strokes: Mask) -> tuple[Mask, Mask]:
    """Lines of text that run across, and those that run up or down: letters joined, all that is thin left."""
    scale = strokes.shape[1] / _WIDTH_PX
    gap = round(_GAP_PX * max(0.4, scale))
    long, high = (round(length * max(_SMALLEST, scale)) for length in (_LONG_PX, _HIGH_PX))
    leading = round(_LEADING_PX * max(1.0, scale))
    border = 2 * max(gap, long)  # so that the image's own edge joins nothing
    framed = cv2.copyMakeBorder(strokes.view(np.uint8), *(border,) * 4, cv2.BORDER_CONSTANT, value=0)
    found = []
    for joint, line in (((leading, gap), (high, long)), ((gap, leading), (long, high))):
        joined = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, np.ones(joint, np.uint8))
        lines = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones(line, np.uint8))
        found.append(np.asarray(lines[border:-border, border:-border], bool))
    across, upwards = found
    # A line across of several letters is also found upwards where its letters are high.
    return across, upwards & ~_touching(upwards, across)


def _touching(areas: Mask, others: Mask) -> Mask:
    """The areas of which some pixel is one of the others."""
    labels = cv2.connectedComponents(areas.view(np.uint8))[1]
    touched = np.unique(labels[others & areas])
    return np.asarray(np.isin(labels, touched[touched > 0]), bool)


def _boxes_around(lines: Mask) -> Mask:
    """Rectangles: by the line's height longer at both ends, where half a letter may have been missed."""
    boxes = np.zeros(lines.shape, np.uint8)
    stats = cv2.connectedComponentsWithStats(lines.view(np.uint8))[2]
    for x, y, width, height in stats[1:, : cv2.CC_STAT_AREA]:
        along = min(width, height)
        across = max(3, along // 2)
        right, down = (along, across) if width >= height else (across, along)
        boxes[max(0, y - down) : y + height + down, max(0, x - right) : x + width + right] = 1
    return np.asarray(boxes, bool)
