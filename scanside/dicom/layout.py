"""How a header says that its pixels are stored (PS3.3 C.7.6.3), checked before anything is allocated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from pydicom.dataset import Dataset

from scanside.dicom.undecodable import Undecodable

MAX_FRAME_PIXELS = 4096 * 4096  # no ultrasound machine comes near; a header that claims more lies
MAX_FRAMES = 100_000

GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
ONE_SAMPLE = GREY | {"PALETTE COLOR"}
HALVED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})  # two pixels share their chroma
YCBCR = HALVED | {"YBR_FULL"}
THREE_SAMPLES = YCBCR | {"RGB", "YBR_RCT", "YBR_ICT", "YBR_PARTIAL_420", "XYB"}


@dataclass(frozen=True)
class Layout:
    """One frame's layout, as the header states it.

    Attributes:
        rows, columns: size in pixels.
        samples: values per pixel, 1 or 3.
        photometric: Photometric Interpretation.
        planar: whether each colour is a plane of its own.
        bits_allocated: 8 or 16; bits of which `bits_stored` below and with `high_bit` hold the value.
        signed: whether values are two's complement.
    """

    rows: int
    columns: int
    samples: int
    photometric: str
    planar: bool
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the decoded frame: (rows, columns) or (rows, columns, 3)."""
        return (self.rows, self.columns) if self.samples == 1 else (self.rows, self.columns, 3)

    @property
    def dtype(self) -> DTypeLike:
        """Of stored values; signed ones are kept as bit patterns."""
        return np.uint8 if self.bits_allocated == 8 else np.uint16

    @property
    def frame_bytes(self) -> int:
        """Of one frame that is not compressed, no sample left out: halved chroma needs less."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


def read_layout(header: Dataset) -> Layout:
    """Read the layout of a frame from its header.

    Raises:
        Undecodable: no size, an impossible one, or a layout that no ultrasound image has.
    """
    rows, columns = _integer(header, "Rows"), _integer(header, "Columns")
    if not (rows > 0 and columns > 0 and rows * columns <= MAX_FRAME_PIXELS):
        raise Undecodable(f"its header says {rows} x {columns} px: not possible")
    photometric = str(header.get("PhotometricInterpretation", "")).strip()
    samples = _integer(header, "SamplesPerPixel")
    if photometric not in (ONE_SAMPLE if samples == 1 else THREE_SAMPLES if samples == 3 else ()):
        shown = "".join(c if c.isascii() and (c.isalnum() or c in "_ ") else "?" for c in photometric[:16])
        raise Undecodable(f"its header says {samples} samples a pixel of {shown!r}: not possible")
    allocated = _integer(header, "BitsAllocated")
    stored = _integer(header, "BitsStored", allocated)
    high = _integer(header, "HighBit", stored - 1)
    if allocated not in (8, 16) or not 0 < stored <= high + 1 <= allocated:
        raise Undecodable(
            f"its header says {stored} bits of {allocated}, the highest {high}: only 8 and 16 are read"
        )
    planar = _integer(header, "PlanarConfiguration", 0) == 1 and samples == 3
    signed = _integer(header, "PixelRepresentation", 0) == 1
    return Layout(rows, columns, samples, photometric, planar, allocated, stored, high, signed)


def stated_frames(header: Dataset) -> int | None:
    """How many frames a header says there are; None where it does not say, or nothing that can be.

    Raises:
        Undecodable: more than any instance has.
    """
    try:
        frames = _integer(header, "NumberOfFrames", 0)
    except Undecodable:
        return None
    if frames > MAX_FRAMES:
        raise Undecodable(f"its header says {frames} frames: not possible")
    return frames if frames > 0 else None


def _integer(header: Dataset, keyword: str, default: int | None = None) -> int:
    value = header.get(keyword)
    if value is None or value == "":
        if default is None:
            raise Undecodable(f"its header does not say how its pixels are stored: no {keyword}")
        return default
    try:
        if isinstance(value, bytes):  # int() would read digits in them
            raise TypeError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise Undecodable(
            f"its header does not say how its pixels are stored: {keyword} is no number"
        ) from None
