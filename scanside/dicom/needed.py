"""Which attributes of a header say what the pixels mean, and which are read though they are large."""

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import BaseTag

REGIONS, CHARACTER_SET = 0x00186011, 0x00080005
# What a region has to have (PS3.3 C.8.5.5).
REGION_KEYWORDS = (
    "RegionSpatialFormat",
    "RegionDataType",
    "RegionLocationMinX0",
    "RegionLocationMinY0",
    "RegionLocationMaxX1",
    "RegionLocationMaxY1",
)
_COLOURS = ("Red", "Green", "Blue")
# What decides what the pixels mean: damaged, twice, or in an unknown representation it ends the reading.
STRICT = frozenset(
    tag_for_keyword(keyword)
    for keyword in (
        "SOPClassUID",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "ModalityLUTSequence",
        "VOILUTSequence",
        *(f"{colour}PaletteColorLookupTableDescriptor" for colour in _COLOURS),
        *(f"{colour}PaletteColorLookupTableData" for colour in _COLOURS),
        *(f"Segmented{colour}PaletteColorLookupTableData" for colour in _COLOURS),
    )
)
_NEEDED = STRICT | {REGIONS, tag_for_keyword("ExtendedOffsetTable")}
_OVERLAY_DATA = 0x3000  # of group 60xx


def is_needed(tag: BaseTag) -> bool:
    """Whether a value is read though it is large."""
    return tag in _NEEDED or (0x6000 <= tag.group < 0x6020 and tag.element == _OVERLAY_DATA)


def known_vr(tag: BaseTag) -> str | None:
    """What the standard's dictionary says; None of a private or unknown attribute."""
    try:
        return None if tag.is_private else dictionary_VR(tag)
    except KeyError:
        return None
