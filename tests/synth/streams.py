"""Compressed frames that say one thing of their colours or another, and the instances around them."""

import struct
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate

from tests.synth.dicom import Photometric, make_instance

Pixels = NDArray[np.uint8]
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_SOFS = (0xC0, 0xC1, 0xC3, 0xF7)


def encoded(streams: Sequence[bytes], syntax: str, photometric: str, shape: tuple[int, ...]) -> FileDataset:
    """An instance around frames that are compressed already."""
    frames = [np.zeros((*shape[:2], 3), np.uint8)] * len(streams)
    kind = Photometric.RGB if len(shape) == 3 else Photometric.MONOCHROME2
    made = make_instance(frames, photometric=kind, syntax=uid.ExplicitVRLittleEndian)
    made.file_meta.TransferSyntaxUID = syntax
    made.PhotometricInterpretation = photometric
    made.PixelData = encapsulate(list(streams))
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return made


def jpeg(rgb: Pixels, sampling: str = "444") -> bytes:
    """JFIF, YCbCr."""
    factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
    options = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    return cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def ycbcr(rgb: Pixels) -> Pixels:
    """(H, W, 3) RGB -> YBR_FULL."""
    return np.ascontiguousarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]], np.uint8)


def adobe(transform: int) -> bytes:
    """The marker APP14; 0 says that nothing was converted, 1 that it was, to YCbCr."""
    return b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0" + bytes([transform])


def spiff(stream: bytes, colour: int) -> bytes:
    """A SPIFF header for a JPEG-LS stream (ITU-T T.84 F.1): 3 is YCbCr of full range, 10 RGB."""
    place = next(at for at, marker in _segments(stream) if marker in _SOFS)
    rows, columns = struct.unpack(">HH", stream[place + 5 : place + 9])
    head = b"SPIFF\0\2\0\0\3" + struct.pack(">LL", rows, columns) + bytes([colour, 8, 6, 1]) + bytes(8)
    end = b"\xff\xe8\x00\x08\0\0\0\1\xff\xd8"
    return b"\xff\xe8" + struct.pack(">H", len(head) + 2) + head + end


def says(stream: bytes, marker: bytes, names: bytes) -> bytes:
    """The stream with `marker` in place of all its own, and its three components named so."""
    changed, kept = bytearray(stream), []
    places = _segments(stream)
    for (at, marker_byte), (end, _) in zip(places, [*places[1:], (len(stream), 0)], strict=True):
        if marker_byte in _SOFS:
            changed[at + 10 : at + 10 + 9 : 3] = names
        if marker_byte == 0xDA:
            changed[at + 5 : at + 5 + 6 : 2] = names
        if not 0xE0 <= marker_byte <= 0xEF:
            kept.append((at, end))
    return stream[:2] + marker + b"".join(bytes(changed[at:end]) for at, end in kept)


def baseline(samples: Pixels) -> bytes:
    """Baseline JPEG of components as they are; it says that they are RGB."""
    return bytes(_imagecodecs().jpeg8_encode(samples, level=100, colorspace="RGB", outcolorspace="RGB"))


def lossless(samples: Pixels) -> bytes:
    """JPEG lossless (process 14) of components as they are; it says that they are RGB."""
    return bytes(_imagecodecs().jpeg8_encode(samples, lossless=True, colorspace="RGB", outcolorspace="RGB"))


def jpeg_ls(samples: Pixels) -> bytes:
    """JPEG-LS lossless of components as they are; it says nothing of colours."""
    return says(bytes(_imagecodecs().jpegls_encode(samples)), b"", b"\1\2\3")


def jpeg_2000(samples: Pixels, transform: bool = False) -> bytes:
    """JPEG 2000 lossless, with or without a component transform."""
    made = _imagecodecs().jpeg2k_encode(samples, codecformat="j2k", reversible=True, mct=transform)
    return bytes(made)


def _segments(stream: bytes) -> list[tuple[int, int]]:
    """Where each marker segment begins, and its marker, to the first scan."""
    places, at = [], 2
    while True:
        places.append((at, stream[at + 1]))
        if stream[at + 1] == 0xDA:
            return places
        at += 2 + struct.unpack(">H", stream[at + 2 : at + 4])[0]


def _imagecodecs() -> object:
    return pytest.importorskip("imagecodecs", reason="imagecodecs encodes these streams; install it")
