"""Secondary Capture of Modality US: a copy of a screen, which some machines send instead of their images.

A copy may as well be a report, a page of another program or a scanned letter, and what is drawn on its scan
is not the machine's alone. So it is scored only where a setting allows it, with a flag, and only with one
scan on it.
"""

from pydicom.dataset import Dataset

# PS3.4 B.5: single frame; multi-frame grey byte and true colour. Those of one bit or of words hold no scan.
MULTI_FRAME_COPIES = frozenset({"1.2.840.10008.5.1.4.1.1.7.2", "1.2.840.10008.5.1.4.1.1.7.4"})
SECONDARY_CAPTURE_CLASSES = MULTI_FRAME_COPIES | {"1.2.840.10008.5.1.4.1.1.7"}
_NO_SCREENS = {  # Conversion Type (0008,0064), PS3.3 C.8.6.1
    "SD": "a scanned document",
    "DRW": "a drawing",
    "DF": "a digitised film",
    "SYN": "a synthetic image",
}


def refuse_copy(header: Dataset, allowed: bool) -> str | None:
    """Why a Secondary Capture is not scored; None where it may be.

    Args:
        allowed: whether the settings allow copies of a screen.
    """
    if str(header.get("Modality", "")).strip() != "US":
        return "not an ultrasound image: Secondary Capture, of another modality than US"
    kind = _NO_SCREENS.get(str(header.get("ConversionType", "")).strip())
    if kind is not None:
        return f"not an ultrasound image: Secondary Capture, {kind}"
    if not allowed:
        return (
            "a copy of a screen (Secondary Capture); the agent takes one with its setting secondary_capture"
        )
    return None
