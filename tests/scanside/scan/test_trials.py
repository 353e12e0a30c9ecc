"""Files that went wrong once give what is right, or a reason that helps."""

import os
from pathlib import Path

import pytest

from scanside.errors import Unreadable
from scanside.flags import Flag
from scanside.image import Box
from scanside.scan.instance import open_instance
from scanside.scan.prepare import cut, find_scans
from scanside.scan.types import RegionSource

FOLDER = Path(os.environ.get("SCANSIDE_DATA", ""), "trials")
DECLARED = Box(120, 60, 800, 519)


def trial(name: str) -> Path:
    path = FOLDER / name
    if not (os.environ.get("SCANSIDE_DATA") and path.exists()):
        pytest.skip(f"{name} lies in the data folder; set SCANSIDE_DATA to it")
    return path


@pytest.mark.parametrize(
    ("name", "frames", "box", "flag"),
    [
        ("philips_iu22_regions_without_tag.dcm", 1, Box(84, 98, 1010, 759), Flag.PASSED_OVER),
        ("c00_regions_without_their_tag.dcm", 1, DECLARED, Flag.PASSED_OVER),
        ("e02_native_single_NumberOfFrames_0.dcm", 1, DECLARED, Flag.FRAME_COUNT),
        ("e04_jpeg_single_NumberOfFrames_0.dcm", 1, DECLARED, Flag.FRAME_COUNT),
        ("b06_mf_says5_has6.dcm", 6, DECLARED, Flag.FRAME_COUNT),
        ("b08_mf_no_NumberOfFrames.dcm", 6, DECLARED, Flag.FRAME_COUNT),
        ("c11_FD_bad_length.dcm", 1, DECLARED, Flag.PASSED_OVER),
        ("c02_standard_bad_vr.dcm", 1, DECLARED, Flag.PASSED_OVER),
        ("e05_private_future_vr_long.dcm", 1, DECLARED, Flag.PASSED_OVER),
        ("e26_window_0_0.dcm", 1, DECLARED, Flag.DISPLAY),
        ("e27_slope0.dcm", 1, DECLARED, Flag.DISPLAY),
    ],
)
def test_a_file_is_read_and_flagged(name: str, frames: int, box: Box, flag: Flag) -> None:
    instance = open_instance(trial(name))
    assert instance.frame_count == frames
    for index in range(frames):
        frame = instance.frame(index)
        (region,) = find_scans(instance.header, frame)
        assert region.box == box and region.found_by is RegionSource.DICOM
        assert cut(frame, region).pixels.std() > 8  # a picture, not a blank
    assert instance.flags == {flag}


def test_halved_chroma_of_odd_columns_has_the_true_reason() -> None:
    with pytest.raises(Unreadable, match=r"YBR_FULL_422 of 799 columns.* even number") as caught:
        open_instance(trial("a24_ybr422_odd_columns_padded.dcm"))
    assert "Send it again" not in str(caught.value) and "reshape" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["hp_echo_child.dcm", "philips_clearvue650_uterus.dcm", "tee_colour_doppler.dcm"]
)
def test_a_real_file_that_was_read_before_is_not_flagged(name: str) -> None:
    instance = open_instance(trial(name))
    instance.frame()
    assert not instance.flags
