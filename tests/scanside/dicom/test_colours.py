"""No frame is shown in the wrong colours, whatever header and codestream say; it is right, or refused."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import uid

from scanside.deidentify.instance import deidentify
from scanside.deidentify.key import Key
from scanside.dicom.colour import check_colours
from scanside.dicom.display import show
from scanside.dicom.undecodable import Miscoloured
from scanside.errors import Unreadable
from scanside.image import Size
from scanside.scan.instance import open_instance
from tests.synth.dicom import Photometric, make_instance, save
from tests.synth.scans import make_frame
from tests.synth.streams import (
    JFIF,
    adobe,
    baseline,
    encoded,
    jpeg_2000,
    jpeg_ls,
    lossless,
    says,
    spiff,
    ycbcr,
)

DATA = os.environ.get("SCANSIDE_DATA")
TRUTH = make_frame(0, Size(240, 320), colour=True).pixels
YCBCR = ycbcr(TRUTH)
LOSSLESS, LS, J2K, BASELINE = (
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.JPEGBaseline8Bit,
)
NAMED_123, NAMED_012 = b"\1\2\3", b"\0\1\2"

# Samples, encoder, marker, names, transfer syntax, photometric interpretations under which they are shown.
SHOWN = {
    "lossless, JFIF": (YCBCR, lossless, JFIF, NAMED_123, LOSSLESS, ("RGB", "YBR_FULL")),
    "lossless, names alone": (YCBCR, lossless, b"", NAMED_123, LOSSLESS, ("RGB", "YBR_FULL")),
    "lossless, Adobe 0": (YCBCR, lossless, adobe(0), NAMED_123, LOSSLESS, ("YBR_FULL", "YBR_FULL_422")),
    "baseline, names alone": (YCBCR, baseline, b"", NAMED_123, BASELINE, ("RGB", "YBR_FULL", "YBR_FULL_422")),
    "baseline, Adobe 0": (YCBCR, baseline, adobe(0), NAMED_123, BASELINE, ("YBR_FULL", "YBR_FULL_422")),
    "JPEG-LS, JFIF": (YCBCR, jpeg_ls, JFIF, NAMED_123, LS, ("RGB", "YBR_FULL")),
    "JPEG-LS, silent": (YCBCR, jpeg_ls, b"", NAMED_123, LS, ("YBR_FULL",)),
    "RGB, lossless, Adobe 0": (TRUTH, lossless, adobe(0), b"RGB", LOSSLESS, ("RGB", "YBR_FULL")),
    "RGB, lossless, named R, G, B": (TRUTH, lossless, b"", b"RGB", LOSSLESS, ("RGB", "YBR_FULL")),
    "RGB, lossless, named 0, 1, 2": (TRUTH, lossless, b"", NAMED_012, LOSSLESS, ("RGB",)),
    "RGB, lossless, JFIF against it": (TRUTH, lossless, JFIF, NAMED_123, LOSSLESS, ("RGB",)),
    "RGB, baseline, named 0, 1, 2": (TRUTH, baseline, b"", NAMED_012, BASELINE, ("RGB",)),
    "RGB, baseline, Adobe 0": (TRUTH, baseline, adobe(0), b"RGB", BASELINE, ("RGB", "YBR_FULL_422")),
    "RGB, JPEG-LS, silent": (TRUTH, jpeg_ls, b"", NAMED_123, LS, ("RGB",)),
}
REFUSED = {
    "lossless, Adobe 0": (YCBCR, lossless, adobe(0), NAMED_123, LOSSLESS, "RGB"),
    "baseline, Adobe 0": (YCBCR, baseline, adobe(0), NAMED_123, BASELINE, "RGB"),
    "JPEG-LS, silent": (YCBCR, jpeg_ls, b"", NAMED_123, LS, "RGB"),
    "RGB, lossless, JFIF": (TRUTH, lossless, JFIF, NAMED_123, LOSSLESS, "YBR_FULL"),
    "RGB, JPEG-LS, silent": (TRUTH, jpeg_ls, b"", NAMED_123, LS, "YBR_FULL"),
    "RGB, baseline, named 0, 1, 2": (TRUTH, baseline, b"", NAMED_012, BASELINE, "YBR_FULL_422"),
}


def shown(path: Path) -> NDArray[np.int64]:
    return open_instance(path).frame().pixels.astype(np.int64)


@pytest.mark.parametrize("kind", SHOWN)
def test_a_jpeg_is_shown_in_its_own_colours(kind: str, tmp_path: Path) -> None:
    samples, encode, marker, names, syntax, photometrics = SHOWN[kind]
    stream = says(encode(samples), marker, names)
    for photometric in photometrics:
        path = save(encoded([stream], syntax, photometric, TRUTH.shape), tmp_path / "a.dcm")
        assert np.abs(shown(path) - TRUTH).max() <= 3, photometric


@pytest.mark.parametrize("kind", REFUSED)
def test_colours_that_everything_said_gets_wrong_are_refused(kind: str, tmp_path: Path) -> None:
    samples, encode, marker, names, syntax, photometric = REFUSED[kind]
    made = encoded([says(encode(samples), marker, names)], syntax, photometric, TRUTH.shape)
    with pytest.raises(
        Unreadable, match=r"its pixels are (YCbCr|RGB), though they are said to be (RGB|YCbCr)"
    ):
        shown(save(made, tmp_path / "a.dcm"))


@pytest.mark.parametrize("colour", [3, 10])
def test_a_jpeg_ls_is_shown_as_its_spiff_header_says(colour: int, tmp_path: Path) -> None:
    stream = jpeg_ls(YCBCR if colour == 3 else TRUTH)
    stream = says(stream, spiff(stream, colour), NAMED_123)
    for photometric in ("RGB", "YBR_FULL"):
        path = save(encoded([stream], LS, photometric, TRUTH.shape), tmp_path / "a.dcm")
        assert np.abs(shown(path) - TRUTH).max() <= 1


@pytest.mark.parametrize("transform", [False, True])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_ICT", "YBR_RCT"])
def test_jpeg_2000_with_and_without_component_transform(
    photometric: str, transform: bool, tmp_path: Path
) -> None:
    for samples in (TRUTH, YCBCR):
        made = encoded([jpeg_2000(samples, transform)], J2K, photometric, TRUTH.shape)
        path = save(made, tmp_path / "a.dcm")
        if (samples is YCBCR and photometric == "RGB") or (
            samples is TRUTH and photometric == "YBR_FULL" and not transform
        ):
            with pytest.raises(Unreadable, match="though they are said to be"):
                shown(path)
        else:
            assert np.abs(shown(path) - TRUTH).max() <= 1


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless])
def test_uncompressed_ycbcr_under_a_header_of_rgb_is_neither_scored_nor_copied(
    syntax: uid.UID, tmp_path: Path
) -> None:
    path = save(make_instance([YCBCR], photometric=Photometric.RGB, syntax=syntax), tmp_path / "a.dcm")
    with pytest.raises(Unreadable, match="its pixels are YCbCr, though they are said to be RGB"):
        open_instance(path).frame()
    (tmp_path / "out").mkdir()
    with pytest.raises(Unreadable, match="its pixels are YCbCr"):
        deidentify(path, tmp_path / "out", Key(bytes(32)))
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("grey", [0, 5, 16, 40])
def test_the_black_of_a_screen_tells_ycbcr_from_rgb(grey: int) -> None:
    screen = np.full((100, 100, 3), grey, np.uint8)
    screen[:40] = np.random.default_rng(0).integers(0, 256, (40, 100, 3))
    check_colours(screen)
    with pytest.raises(Miscoloured, match="its pixels are YCbCr"):
        check_colours(ycbcr(screen))
    with pytest.raises(Miscoloured, match="its pixels are RGB"):
        check_colours(show(screen, "YBR_FULL", None))


@pytest.mark.parametrize("colour", [(128, 128, 128), (0, 0, 0), (255, 255, 255), (0, 128, 255), (90, 60, 30)])
def test_a_screen_of_one_colour_is_no_other_colour_space(colour: tuple[int, int, int]) -> None:
    check_colours(np.full((100, 100, 3), colour, np.uint8))


@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="MMOTU's images lie in the data folder; set SCANSIDE_DATA to it")
def test_no_real_scan_is_taken_for_another_colour_space() -> None:
    paths = sorted(Path(DATA or "", "mmotu", "images").glob("*.JPG"))
    assert paths
    for path in paths:
        check_colours(np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8))
