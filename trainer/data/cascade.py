"""The cascade's second look (thesis, table 7): the square around the lesion that a segmentation outlined."""

import cv2
import numpy as np

from scanside.image import Box, Grey, Mask, Size
from scanside.scan.resize import resize


def find_lesion_box(lesion: Mask, margin: float = 0.01, fallback: int = 256) -> Box:
    """Find the bounding box of the largest contour, and widen it.

    Args:
        lesion: (H, W) bool, as a segmentation network outlined it.
        margin: added on each side, as a share of the box's own side; a fraction of a pixel counts as one.
        fallback: side of the square at the centre that is taken where nothing is outlined, in pixels.

    Returns:
        The box, cut off at the image's edge.
    """
    height, width = lesion.shape
    contours, _ = cv2.findContours(lesion.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if contours:
        # Lines and single pixels enclose no area: among those the longest counts.
        largest = max(contours, key=lambda c: (cv2.contourArea(c), cv2.arcLength(c, True)))
        x, y, w, h = cv2.boundingRect(largest)
        dx, dy = int(np.ceil(margin * w)), int(np.ceil(margin * h))
    else:
        w = h = fallback
        x, y, dx, dy = (width - w) // 2, (height - h) // 2, 0, 0
    return Box(max(x - dx, 0), max(y - dy, 0), min(x + w + dx, width), min(y + h + dy, height))


def crop_scan(scan: Grey, box: Box, side: int = 164) -> Grey:
    """Cut `box` out of `scan`, pad it with black to a square around it, resize.

    Args:
        scan: (H, W) uint8.
        side: of the result, in pixels.

    Returns:
        (side, side) uint8; the lesion keeps its proportions and lies in the middle.
    """
    cut = scan[box.y0 : box.y1, box.x0 : box.x1]
    size = Size(*cut.shape)
    square = np.zeros((max(size), max(size)), np.uint8)
    top, left = (max(size) - size.height) // 2, (max(size) - size.width) // 2
    square[top : top + size.height, left : left + size.width] = cut
    return resize(square, Size(side, side))
