"""The annotations that the denoiser removed, as programs and views are told of them."""

from typing import Any

import cv2
import numpy as np

from scanside.assess import ScoredScan
from scanside.scan.types import Mask

_TOGETHER = 1 / 40  # of the frame's width: letters of a word and dots of a line lie no further apart


def told(scan: ScoredScan) -> dict[str, Any] | None:
    """The value of `annotations` in docs/results-json.md; None when the model removes none."""
    if scan.annotations is None:
        return None
    return {"share": round(scan.annotated_share, 4), "boxes": _boxes(grouped(scan.annotations))}


def grouped(annotations: Mask) -> Mask:
    """Grow strokes until the letters of a word are one; the same pixels."""
    side = 1 + 2 * round(annotations.shape[1] * _TOGETHER / 2)
    return np.asarray(cv2.dilate(annotations.view(np.uint8), np.ones((side, side), np.uint8)), bool)


def _boxes(groups: Mask) -> list[list[int]]:
    """[x0, y0, x1, y1] of each group, the last two exclusive, from top to bottom."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(groups.view(np.uint8))
    return sorted(
        ([int(x), int(y), int(x + width), int(y + height)] for x, y, width, height, _ in stats[1:]),
        key=lambda box: (box[1], box[0]),
    )
