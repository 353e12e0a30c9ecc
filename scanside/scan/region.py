"""Where the scan lies in a frame: the machine's own word first, else left to the contour.

PS3.3 C.8.5.5: a Region Spatial Format of 1 is 2D; a Region Data Type of 1 is tissue, 2 colour flow.
"""

from pydicom.dataset import Dataset

from scanside.errors import NoTissue
from scanside.scan.types import Box, Flag, Region, RegionSource, Size

_SPATIAL_2D = 1
_TISSUE_OR_COLOUR_FLOW = (1, 2)
MIN_REGION_PX = 32  # a side; less shows no lesion


def find_regions(header: Dataset, size: Size) -> tuple[Region, ...]:
    """The 2D regions that the instance declares, clipped to the frame; else the whole frame.

    Args:
        header: the instance's attributes.
        size: the frame's size.

    Returns:
        At least one region, left to right. Side-by-side views give several.

    Raises:
        NoTissue: regions are declared, but none is a 2D scan (a spectrum, an M-mode trace).
    """
    declared = header.get("SequenceOfUltrasoundRegions") or []
    if not declared:
        return (Region(Box(0, 0, size.width, size.height), RegionSource.CONTOUR),)
    regions = [region for item in declared if (region := _region(item, size))]
    if not regions:
        raise NoTissue(
            "no 2D tissue region: the machine declares only spectra, traces, bars or areas outside the image"
        )
    return tuple(sorted(regions, key=lambda region: region.box))


def _region(item: Dataset, size: Size) -> Region | None:
    try:
        if int(item.RegionSpatialFormat) != _SPATIAL_2D:
            return None
        if int(item.RegionDataType) not in _TISSUE_OR_COLOUR_FLOW:
            return None
        # The standard's X1, Y1 are the last pixel inside.
        x0, y0 = int(item.RegionLocationMinX0), int(item.RegionLocationMinY0)
        x1, y1 = int(item.RegionLocationMaxX1) + 1, int(item.RegionLocationMaxY1) + 1
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    clipped = Box(max(x0, 0), max(y0, 0), min(x1, size.width), min(y1, size.height))
    if min(clipped.size) < MIN_REGION_PX:
        return None
    # Machines write X1, Y1 as one past the last pixel too: a surplus of one says nothing.
    beyond = x1 > size.width + 1 or y1 > size.height + 1 or x0 < 0 or y0 < 0
    flags = frozenset({Flag.REGION_CLIPPED}) if beyond else frozenset()
    return Region(clipped, RegionSource.DICOM, flags)
