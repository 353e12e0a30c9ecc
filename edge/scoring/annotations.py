"""The annotations that the denoiser removed, as programs and views are told of them."""

from typing import Any

import cv2
import numpy as np

from scanside.assess.assessor import ScoredScan
from scanside.image import Mask

_TOGETHER = 1 / 40  # of the frame's width: letters of a word and dots of a line lie no further apart


def told(scan: ScoredScan) -> dict[str, Any] | None:
    """The value of `annotations` in docs/results-json.md; None when the model removes none."""
    if scan.annotations is None:
        return None
    return {"share": round(scan.annotated_share, 4), "boxes": _boxes(scan.annotations)}


def grouped(annotations: Mask) -> Mask:
    """Grow strokes until the letters of a word are one; the same pixels."""
    side = 1 + 2 * round(annotations.shape[1] * _TOGETHER / 2)
    return np.asarray(cv2.dilate(annotations.view(np.uint8), np.ones((side, side), np.uint8)), bool)


def _boxes(annotations: Mask) -> list[list[int]]:
    """[x0, y0, x1, y1] around the strokes of each group, the last two exclusive, from top to bottom."""
    count, groups = cv2.connectedComponents(grouped(annotations).view(np.uint8))
    y, x = np.nonzero(annotations)
    group = groups[y, x]
    boxes = [
        [int(edge) for edge in (x[here].min(), y[here].min(), x[here].max() + 1, y[here].max() + 1)]
        for here in (group == number for number in range(1, count))
    ]
    return sorted(boxes, key=lambda box: (box[1], box[0]))
