"""Where the scan lies in a frame: four rules, the machine's own word first; which one spoke is recorded."""

from pydicom.dataset import Dataset

from scanside.flags import Flag
from scanside.image import Box, Size
from scanside.scan.place.declared import MIN_REGION_PX, declared_regions
from scanside.scan.place.devices import text_strip
from scanside.scan.place.overlay import active_areas
from scanside.scan.types import Region, RegionSource

__all__ = ["MIN_REGION_PX", "find_regions"]


def find_regions(header: Dataset, size: Size, lit: Box | None = None) -> tuple[Region, ...]:
    """The declared regions; else the active image area; else what the device's text leaves; else the frame.

    Args:
        header: the instance's attributes.
        size: the frame's size.
        lit: what of the frame is not black: a device's strip of text is counted from there, so that a black
            border changes nothing; the whole frame where it is not given.

    Returns:
        At least one region, left to right. Side-by-side views give several.

    Raises:
        NoTissue: regions are declared, but none is a 2D scan (a spectrum, an M-mode trace).
    """
    if declared := declared_regions(header, size):
        return declared
    untrusted = {Flag.REGION_UNTRUSTED} if header.get("SequenceOfUltrasoundRegions") else set()
    found = active_areas(header, size) or (
        _by_device(header, size, lit or Box(0, 0, size.width, size.height)),
    )
    return tuple(Region(r.box, r.found_by, r.flags | untrusted) for r in found)


def _by_device(header: Dataset, size: Size, lit: Box) -> Region:
    strip = text_strip(header, lit.size)
    if strip is None:
        whole = Box(0, 0, size.width, size.height)
        return Region(whole, RegionSource.CONTOUR, frozenset({Flag.UNKNOWN_DEVICE}))
    return Region(Box(0, lit.y0 + strip.top_px, size.width, size.height), RegionSource.DEVICE)
