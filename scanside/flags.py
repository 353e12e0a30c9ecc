"""Flags: what a reader of a result has to know about the image that it comes from."""

from enum import Enum


class Flag(str, Enum):
    """One such fact, in the words that a screen shows."""

    COLOUR = "colour in the scan, scored as grey"
    REGION_CLIPPED = "region reaches beyond the image"
    REGION_SCALED = "region belongs to a larger image, scaled to this one"
    REGION_UNTRUSTED = "declared region does not fit the image, not used"
    UNKNOWN_DEVICE = "device not in the table of text strips"
    ANNOTATIONS = "annotations removed"
    SECONDARY_CAPTURE = "copy of a screen (Secondary Capture)"
    PASSED_OVER = "damaged or unknown attributes of the header passed over"
    FRAME_COUNT = "not as many frames as the header says"
    DISPLAY = "impossible window or rescale slope not applied"
