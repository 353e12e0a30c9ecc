"""A frame -> the same frame, black wherever it shows no tissue (PS3.15 E.3.1, Clean Pixel Data)."""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.errors import NoTissue
from scanside.image import Frame
from scanside.scan.place.region import MIN_REGION_PX
from scanside.scan.prepare import find_scans, to_grey
from scanside.scan.sector.contour import find_sector


def blank_outside_tissue(frame: Frame, header: Dataset) -> NDArray[np.uint8]:
    """Black what is not tissue: outside the regions, outside the sector, and lines of text beside it.

    Args:
        frame: the decoded frame.
        header: its instance's attributes, which may declare regions.

    Returns:
        (H, W) or (H, W, 3) uint8, as the frame.

    Raises:
        NoTissue: no scan was found, so nothing is known to be free of text.
    """
    keep = np.zeros(frame.size, bool)
    reasons = []
    for region in find_scans(header, frame):
        box = region.box
        grey = to_grey(frame.pixels[box.y0 : box.y1, box.x0 : box.x1])
        try:
            if min(grey.shape) < MIN_REGION_PX:
                raise NoTissue(f"the image is too small: {grey.shape[1]} x {grey.shape[0]} px")
            keep[box.y0 : box.y1, box.x0 : box.x1] |= find_sector(grey)
        except NoTissue as reason:  # another region may hold a scan; this one becomes black
            reasons.append(reason)
    if not keep.any():
        raise reasons[0] if reasons else NoTissue("no scan found: the image holds only filled bars")
    cleaned: NDArray[np.uint8] = frame.pixels.copy()
    cleaned[~keep] = 0
    return cleaned
