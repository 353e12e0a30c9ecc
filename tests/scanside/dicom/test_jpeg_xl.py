"""JPEG XL: the same pixels as were encoded, and nothing of a stream that is another image."""

from pathlib import Path

import numpy as np
import pytest

from scanside.dicom import jpeg_xl
from scanside.dicom.jpeg_xl import read_size
from scanside.dicom.undecodable import Undecodable
from scanside.errors import Unreadable
from scanside.image import Size
from scanside.scan.instance import open_instance
from tests.synth.dicom import save
from tests.synth.scans import make_frame
from tests.synth.streams import encoded

imagecodecs = pytest.importorskip("imagecodecs", reason="imagecodecs encodes JPEG XL; install it")

LOSSLESS, RECOMPRESSED, LOSSY = (f"1.2.840.10008.1.2.4.{end}" for end in (110, 111, 112))
FRAME = make_frame(1, Size(83, 117), colour=True).pixels


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL_422", "XYB", "MONOCHROME2"])
def test_lossless_frames_are_what_was_encoded(photometric: str, container: bool, tmp_path: Path) -> None:
    frame = FRAME if photometric != "MONOCHROME2" else np.ascontiguousarray(FRAME[..., 1])
    frames = [frame, frame[::-1].copy()]
    streams = [imagecodecs.jpegxl_encode(one, lossless=True, usecontainer=container) for one in frames]
    made = encoded(streams, LOSSLESS, photometric, frame.shape)
    instance = open_instance(save(made, tmp_path / "a.dcm"))
    for index, one in enumerate(frames):
        assert np.array_equal(instance.frame(index).pixels, one)


def test_lossy_frames_and_recompressed_jpeg_are_close(tmp_path: Path) -> None:
    for syntax, stream in (
        (LOSSY, imagecodecs.jpegxl_encode(FRAME, level=95)),
        (RECOMPRESSED, imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(FRAME, level=95))),
    ):
        made = encoded([stream], syntax, "YBR_FULL_422", FRAME.shape)
        shown = open_instance(save(made, tmp_path / "a.dcm")).frame().pixels
        assert 0 < np.abs(shown.astype(int) - FRAME).mean() < 4


SIZES = [(8, 8), (64, 256), (83, 117), (480, 640), (768, 1024), (1, 300), (600, 800), (512, 512), (90, 160)]
NOISE = [b"", b"\xff\x0a", b"\xff\xd8\xff\xe0" * 8, b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40)]


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_the_streams_own_size_is_read(rows: int, columns: int) -> None:
    grey = np.zeros((rows, columns), np.uint8)
    for container in (False, True):
        stream = imagecodecs.jpegxl_encode(grey, lossless=True, usecontainer=container)
        assert read_size(stream) == (rows, columns)


@pytest.mark.parametrize(
    "noise", [b"", b"\xff\x0a", b"\xff\xd8\xff\xe0" * 8, b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40)]
)
def test_what_is_no_jpeg_xl_has_no_size(noise: bytes) -> None:
    with pytest.raises(Undecodable):
        read_size(noise)


def test_another_size_than_the_header_says_reaches_no_codec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagecodecs, "jpegxl_decode", lambda *_, **__: pytest.fail("it was decoded"))
    made = encoded([imagecodecs.jpegxl_encode(FRAME)], LOSSY, "RGB", (84, 117, 3))
    with pytest.raises(Unreadable, match="the header says 84 x 117 px, its codestream 83 x 117 px"):
        open_instance(save(made, tmp_path / "a.dcm")).frame()


@pytest.mark.parametrize("left", [0.3, 0.9])
def test_a_truncated_stream_is_refused(left: float, tmp_path: Path) -> None:
    stream = imagecodecs.jpegxl_encode(FRAME, lossless=True)
    made = encoded([stream[: int(len(stream) * left)]], LOSSLESS, "RGB", FRAME.shape)
    with pytest.raises(Unreadable, match=r"frame 1 of a\.dcm can't be decoded"):
        open_instance(save(made, tmp_path / "a.dcm")).frame()


def test_other_samples_or_bits_than_the_header_says_are_refused(tmp_path: Path) -> None:
    grey = np.ascontiguousarray(FRAME[..., 0])
    for frame in (grey, grey.astype(np.uint16) * 100):
        made = encoded([imagecodecs.jpegxl_encode(frame, lossless=True)], LOSSLESS, "RGB", FRAME.shape)
        with pytest.raises(Unreadable, match="its JPEG XL decodes to"):
            open_instance(save(made, tmp_path / "a.dcm")).frame()


def test_without_the_extra_the_reason_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_xl, "find_spec", lambda _: None)
    made = encoded([imagecodecs.jpegxl_encode(FRAME)], LOSSY, "RGB", FRAME.shape)
    with pytest.raises(Unreadable, match=r"pip install 'scanside\[jpegxl\]'"):
        open_instance(save(made, tmp_path / "a.dcm"))
