"""The Sequence of Ultrasound Regions (PS3.3 C.8.5.5): the machine's own word on what its screen shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from scanside.errors import NoTissue
from scanside.flags import Flag
from scanside.image import Box, Size
from scanside.scan.types import Region, RegionSource

MIN_REGION_PX = 32  # a side; less shows no lesion
_SPATIAL_2D = 1
_TRACES = (2, 3, 4)  # M-mode, spectrum, waveform
_TISSUE, _COLOUR_FLOW = 1, 2
_LOW_PRIORITY = 0b1  # bit 0 of the flags: where regions overlap, the pixels are the other one's
_SCALES = (2, 3, 4)  # how many times larger the image was for which the regions were written
_FILLED = 0.75  # of that larger image: regions that fill less may belong to one of another size
_REACHED = 0.9  # of a side: it was not scaled, since what reaches its end fits
_SHARED = 0.5  # of the smaller region: more is one scan declared twice
_ALIKE = 0.8  # of the larger region's area


@dataclass(frozen=True)
class _Item:
    spatial_format: int
    data_type: int
    high_priority: bool
    box: Box

    @property
    def is_scan(self) -> bool:
        return self.spatial_format == _SPATIAL_2D and self.data_type in (_TISSUE, _COLOUR_FLOW)


def declared_regions(header: Dataset, size: Size) -> tuple[Region, ...]:
    """The 2D regions that an instance declares, in the pixels of the frame, left to right.

    Returns:
        Nothing when none is declared, or when their coordinates can't be those of this image.

    Raises:
        NoTissue: regions are declared, but none is a 2D scan (a spectrum, an M-mode trace), or none can be
            read.
    """
    declared = header.get("SequenceOfUltrasoundRegions")
    if not declared:
        return ()
    # A file may hold the attribute as a number or a text: that is no sequence.
    items = [item for one in declared if (item := _read(one))] if isinstance(declared, Items) else []
    if not items:
        raise NoTissue("no 2D tissue region: what the machine declares is damaged")
    if not any(item.is_scan for item in items):
        raise NoTissue("no 2D tissue region: the machine declares only spectra, traces or bars")
    fitting = _fit(items, size)
    if fitting is None:
        return ()
    scale, flags = fitting
    moved = [_moved(item, scale, size) for item in items]
    traces = [item for item in moved if item.spatial_format in _TRACES]
    scans = [_without(item, traces) for item in moved if item.is_scan]
    usable = [item for item in scans if min(item.box.size) >= MIN_REGION_PX]
    if not usable and traces:
        raise NoTissue("no 2D tissue region: a spectrum or trace covers it")
    boxes = sorted(item.box for item in _distinct(usable))
    return tuple(Region(box, RegionSource.DICOM, flags) for box in boxes)


def _read(item: Dataset) -> _Item | None:
    try:
        return _Item(
            spatial_format=int(item.RegionSpatialFormat),
            data_type=int(item.RegionDataType),
            high_priority=not int(item.get("RegionFlags") or 0) & _LOW_PRIORITY,
            # The standard's X1, Y1 are the last pixel inside.
            box=Box(
                int(item.RegionLocationMinX0),
                int(item.RegionLocationMinY0),
                int(item.RegionLocationMaxX1) + 1,
                int(item.RegionLocationMaxY1) + 1,
            ),
        )
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _fit(items: Sequence[_Item], size: Size) -> tuple[int, frozenset[Flag]] | None:
    """By how much regions were written too large for this image; None when that can't be told.

    An image that was shrunk keeps the regions of the original: they leave it at both sides, and a whole ratio
    brings them back. One that was cut at the bottom keeps them too, and they still end where its width does.
    """
    # Machines write X1, Y1 as one past the last pixel too: a surplus of one says nothing.
    right, bottom = max(item.box.x1 for item in items) - 1, max(item.box.y1 for item in items) - 1
    across, down = right / size.width, bottom / size.height
    if max(across, down) <= 1:
        return 1, frozenset()
    if min(across, down) <= 1:
        return (1, frozenset({Flag.REGION_CLIPPED})) if min(across, down) >= _REACHED else None
    scale = next((scale for scale in _SCALES if scale >= max(across, down)), None)
    if scale is None or min(across, down) < _FILLED * scale:
        return None
    return scale, frozenset({Flag.REGION_SCALED})


def _moved(item: _Item, scale: int, size: Size) -> _Item:
    x0, y0, x1, y1 = item.box
    box = Box(
        max(x0 // scale, 0),
        max(y0 // scale, 0),
        min(-(-x1 // scale), size.width),
        min(-(-y1 // scale), size.height),
    )
    return _Item(item.spatial_format, item.data_type, item.high_priority, box)


def _without(item: _Item, traces: Sequence[_Item]) -> _Item:
    """Leave to traces the pixels that are theirs: those of the higher priority, in doubt the trace's."""
    box = item.box
    for trace in traces:
        if _area(_common(box, trace.box)) and trace.high_priority >= item.high_priority:
            left, above = box._replace(x1=trace.box.x0), box._replace(y1=trace.box.y0)
            right, below = box._replace(x0=trace.box.x1), box._replace(y0=trace.box.y1)
            box = max(left, above, right, below, key=_area)
    return _Item(item.spatial_format, item.data_type, item.high_priority, box)


def _distinct(items: Sequence[_Item]) -> list[_Item]:
    """One item a scan: a box of colour flow or zoom in it is no further one, nor is a second declaration."""
    kept: list[_Item] = []
    for item in sorted(items, key=lambda item: _area(item.box), reverse=True):
        twin = next((k for k in kept if _area(_common(k.box, item.box)) >= _SHARED * _area(item.box)), None)
        if twin is None:
            kept.append(item)
        elif _area(item.box) >= _ALIKE * _area(twin.box) and _rank(item) > _rank(twin):
            kept[kept.index(twin)] = item
    return kept


def _rank(item: _Item) -> tuple[bool, bool]:
    return (item.high_priority, item.data_type == _TISSUE)


def _common(one: Box, other: Box) -> Box:
    return Box(max(one.x0, other.x0), max(one.y0, other.y0), min(one.x1, other.x1), min(one.y1, other.y1))


def _area(box: Box) -> int:
    return max(box.size.height, 0) * max(box.size.width, 0)
