"""The Active Image Area Overlay: a bitmap in which the machine marks where its 2D image is.

PS3.3 C.8.5.5 lets an item of the Sequence of Ultrasound Regions name an overlay group (0018,6070); the
overlay's subtype (60xx,0045) is then ACTIVE 2D/BMODE IMAGE AREA (PS3.3 C.9.2.1.3).
"""

import cv2
import numpy as np
from pydicom.dataset import Dataset

from scanside.image import Box, Size
from scanside.scan.place.declared import MIN_REGION_PX
from scanside.scan.types import Region, RegionSource

_SUBTYPE = "ACTIVE 2D/BMODE IMAGE AREA"
_GROUPS = range(0x6000, 0x6020, 2)  # the standard's sixteen


def active_areas(header: Dataset, size: Size) -> tuple[Region, ...]:
    """The boxes around the areas that overlays mark, left to right; nothing when there are none.

    Args:
        header: the instance's attributes.
        size: the frame's size.
    """
    boxes = {box for group in _groups(header) if (box := _box(header, group, size))}
    return tuple(Region(box, RegionSource.OVERLAY) for box in sorted(boxes))


def _groups(header: Dataset) -> set[int]:
    named = {
        item.get("ActiveImageAreaOverlayGroup") for item in header.get("SequenceOfUltrasoundRegions") or []
    }
    return {
        group
        for group in _GROUPS
        if (group, 0x3000) in header
        and (
            group in named
            or str(header[group, 0x0045].value if (group, 0x0045) in header else "") == _SUBTYPE
        )
    }


def _box(header: Dataset, group: int, size: Size) -> Box | None:
    """The box of a bitmap, in pixels of the frame; None when it is damaged, empty or off the image."""
    try:
        rows, columns = int(header[group, 0x0010].value), int(header[group, 0x0011].value)
        top, left = (int(value) - 1 for value in header[group, 0x0050].value)  # the first pixel is 1, 1
        if not (0 < rows <= size.height and 0 < columns <= size.width):
            return None
        bitmap = np.asarray(header.overlay_array(group), np.uint8).reshape(rows, columns)
    # pydicom raises whatever it likes on hostile bytes; a bitmap that can't be read marks nothing.
    except MemoryError:
        raise
    except Exception:
        return None
    x, y, width, height = cv2.boundingRect(bitmap)
    x0, y0, x1, y1 = left + x, top + y, left + x + width, top + y + height
    inside = min(x0, y0) >= 0 and x1 <= size.width and y1 <= size.height
    return Box(x0, y0, x1, y1) if inside and min(width, height) >= MIN_REGION_PX else None
