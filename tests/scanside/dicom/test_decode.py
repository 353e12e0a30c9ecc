"""Frames come out as a screen shows them, whatever they were stored as; what can't be read says why."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    JPEG2000MC,
    MPEG4HP41,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from scanside.errors import InputError, NoTissue, NotScorable, Unreadable
from scanside.image import Size
from scanside.scan.instance import open_instance
from tests.synth.dicom import NATIVE, Photometric, make_instance, palette, save, transcode
from tests.synth.scans import make_frame

RETIRED_ULTRASOUND_IMAGE = UID("1.2.840.10008.5.1.4.1.1.6")
ODD = Size(82, 117)  # no multiple of 8, and an odd width: padding and chroma at the edges are tried too
CINE = [make_frame(seed, ODD, colour=True).pixels for seed in range(3)]
GREY = (Photometric.MONOCHROME1, Photometric.MONOCHROME2)
STORED_AS_IS = [p for p in Photometric if p is not Photometric.YBR_FULL_422]
WRITTEN_HERE = (*NATIVE, RLELossless, JPEGBaseline8Bit)
LOSSLESS = (RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless)
LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEG2000, JPEGLSNearLossless)


def shown(frame: NDArray[np.uint8], photometric: Photometric) -> NDArray[np.int64]:
    """What a screen shows of an RGB frame that was stored so."""
    if photometric in GREY:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.int64)
    if photometric is Photometric.PALETTE:
        index, table = palette(frame)
        return table[index].astype(np.int64)
    return frame.astype(np.int64)


def write(path: Path, photometric: Photometric, syntax: UID, frames: Sequence[NDArray[np.uint8]]) -> Path:
    """Write an instance, through GDCM where this project's generator has no encoder."""
    if syntax in WRITTEN_HERE:
        return save(make_instance(frames, photometric=photometric, syntax=syntax), path)
    made = make_instance(frames, photometric=photometric, syntax=ExplicitVRLittleEndian)
    return transcode(save(made, path.with_suffix(".native")), path, syntax)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("syntax", [*NATIVE, *LOSSLESS], ids=lambda uid: uid.name)
@pytest.mark.parametrize("photometric", STORED_AS_IS)
def test_lossless(photometric: Photometric, syntax: UID, count: int, tmp_path: Path) -> None:
    opened = open_instance(write(tmp_path / "a.dcm", photometric, syntax, CINE[:count]))
    rounding = 1 if photometric is Photometric.YBR_FULL else 0  # YCbCr has no room for every RGB
    assert opened.frame_count == count
    for index, frame in enumerate(CINE[:count]):
        decoded = opened.frame(index)
        assert decoded.index == index
        assert decoded.pixels.dtype == np.uint8
        assert np.abs(decoded.pixels - shown(frame, photometric)).max() <= rounding


@pytest.mark.parametrize("syntax", LOSSY, ids=lambda uid: uid.name)
@pytest.mark.parametrize("photometric", GREY)
def test_lossy_grey(photometric: Photometric, syntax: UID, tmp_path: Path) -> None:
    opened = open_instance(write(tmp_path / "a.dcm", photometric, syntax, CINE))
    for index, frame in enumerate(CINE):
        difference = np.abs(opened.frame(index).pixels - shown(frame, photometric))
        assert difference.mean() < 2 and difference.max() <= 10


def test_jpeg_baseline_colour(tmp_path: Path) -> None:
    opened = open_instance(write(tmp_path / "a.dcm", Photometric.YBR_FULL_422, JPEGBaseline8Bit, CINE))
    for index, frame in enumerate(CINE):
        # Half the chroma is gone at the sharp edges of colour, so the mean and not the maximum is held.
        assert np.abs(opened.frame(index).pixels - frame.astype(int)).mean() < 3


def grey_instance(values: NDArray[np.uint16], bits: int, **attributes: object) -> FileDataset:
    """A MONOCHROME2 instance with up to 16 bits."""
    made = make_instance(CINE[:1], photometric=Photometric.MONOCHROME2, syntax=ExplicitVRLittleEndian)
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, bits, bits - 1
    made.PixelData = values.astype("<u2").tobytes()
    made["PixelData"].VR = "OW"
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_sixteen_bits_fill_eight(tmp_path: Path) -> None:
    values = np.linspace(0, 4095, ODD.height * ODD.width).astype(np.uint16).reshape(ODD)
    pixels = open_instance(save(grey_instance(values, 12), tmp_path / "a.dcm")).frame().pixels
    assert np.abs(pixels - values / 4095 * 255).max() <= 0.5


def test_window_is_applied(tmp_path: Path) -> None:
    values = np.linspace(0, 4095, ODD.height * ODD.width).astype(np.uint16).reshape(ODD)
    made = grey_instance(values, 12, WindowCenter=1024, WindowWidth=512)
    pixels = open_instance(save(made, tmp_path / "a.dcm")).frame().pixels
    assert pixels[values < 768].max() == 0
    assert pixels[values > 1280].min() == 255
    assert abs(int(pixels[np.abs(values.astype(int) - 1024) < 3].mean()) - 127) <= 1


def test_retired_class_is_ultrasound(tmp_path: Path) -> None:
    made = make_instance(CINE[:1])
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = RETIRED_ULTRASOUND_IMAGE
    assert open_instance(save(made, tmp_path / "a.dcm")).frame_count == 1


def test_frame_beyond_the_last(tmp_path: Path) -> None:
    opened = open_instance(save(make_instance(CINE), tmp_path / "a.dcm"))
    with pytest.raises(Unreadable, match=r"frame 4 of a\.dcm"):
        opened.frame(3)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLosslessSV1])
def test_truncated(syntax: UID, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", Photometric.RGB, syntax, CINE[:1])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Unreadable, match=r"a\.dcm .*truncated"):
        open_instance(path).frame()


def broken(path: Path, kind: str) -> Path:
    """Write what no instance is."""
    made = make_instance(CINE[:1], photometric=Photometric.RGB, syntax=ExplicitVRLittleEndian)
    if kind == "text":
        path.write_text("not DICOM, but quite long enough to hold a preamble. " * 9)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    elif kind == "no pixel data":
        del made.PixelData
        save(made, path)
    elif kind == "no size":
        del made.Rows
        save(made, path)
    elif kind == "impossible size":
        made.Rows = made.Columns = 60_000
        save(made, path)
    elif kind == "no JPEG 2000":
        made.file_meta.TransferSyntaxUID = JPEG2000
        save(encapsulated(made), path)
    elif kind == "JPEG 2000 part 2":
        made.file_meta.TransferSyntaxUID = JPEG2000MC
        save(encapsulated(made), path)
    elif kind == "no video":
        made.file_meta.TransferSyntaxUID = MPEG4HP41
        save(encapsulated(made), path)
    elif kind == "unknown VR":
        content = save(made, path).read_bytes()
        path.write_bytes(content.replace(b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00Ut"))
    return path


def encapsulated(made: FileDataset) -> FileDataset:
    made.PixelData = encapsulate([b"no video"])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return made


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("text", "not a DICOM file"),
        ("empty", "a.dcm"),
        ("folder", "can't be read"),
        ("missing", "does not exist"),
        ("no pixel data", "no pixel data"),
        ("no size", "does not say how its pixels are stored: no Rows"),
        ("impossible size", "not possible"),
        ("no JPEG 2000", "no JPEG 2000"),
        ("JPEG 2000 part 2", "no decoder for JPEG 2000 Part 2"),
        ("no video", "can't be decoded .MPEG-4"),
        ("unknown VR", "header of a.dcm is damaged"),
    ],
)
def test_unreadable_says_why(kind: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=message) as caught:
        open_instance(broken(tmp_path / "a.dcm", kind)).frame()
    assert "\n" not in str(caught.value).strip()
    assert isinstance(caught.value, NotScorable) and isinstance(caught.value, InputError)


def test_ct_is_not_ultrasound() -> None:
    path = get_testdata_file("CT_small.dcm")
    with pytest.raises(NoTissue, match="not an ultrasound image: CT Image Storage"):
        open_instance(Path(str(path)))


def test_secondary_capture_is_not_ultrasound(tmp_path: Path) -> None:
    made = make_instance(CINE[:1])
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    with pytest.raises(NoTissue, match="Secondary Capture"):
        open_instance(save(made, tmp_path / "a.dcm"))


@pytest.mark.parametrize("rows", [82, 81])  # of 81 x 117 px the second frame begins within a word
@pytest.mark.parametrize("photometric", [Photometric.RGB, Photometric.MONOCHROME2])
def test_bytes_in_big_endian_words_are_put_in_order(
    tmp_path: Path, photometric: Photometric, rows: int
) -> None:
    frames = [frame[:rows] for frame in CINE]
    made = make_instance(frames, photometric=photometric, syntax=ExplicitVRBigEndian)
    pairs = np.frombuffer(made.PixelData, np.uint8).reshape(-1, 2)
    made["PixelData"].VR, made.PixelData = "OW", pairs[:, ::-1].tobytes()
    instance = open_instance(save(made, tmp_path / "words.dcm"))
    for number, frame in enumerate(frames):
        assert np.array_equal(instance.frame(number).pixels, shown(frame, photometric))
