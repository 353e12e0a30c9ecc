"""Copies of an ultrasound screen: refused with the true reason, or scored with a flag where allowed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from scanside.assess.assessor import Assessor
from scanside.errors import NoTissue, NotScorable
from scanside.flags import Flag
from scanside.model.bundle import load_bundle
from scanside.scan.instance import open_instance
from tests.synth.bundle import make_bundle
from tests.synth.dicom import MAKERS, make_instance, save
from tests.synth.scans import make_frame
from tests.synth.screens import report

ESAOTE = MAKERS[5]  # declares no region


def copy(path: Path, *frames: Any, sop_class: str = SecondaryCaptureImageStorage, **values: Any) -> Path:
    made = make_instance(frames or [make_frame(3).pixels], maker=ESAOTE)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = sop_class
    made.ConversionType = "WSD"
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return save(made, path)


@pytest.fixture(scope="module")
def assessor(tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    folder = make_bundle(tmp_path_factory.mktemp("bundle"), clinical=False)
    return Assessor(load_bundle(folder, allow_test_only=True))


@pytest.mark.parametrize(
    ("allowed", "values", "reason"),
    [
        (False, {}, "the agent takes one with its setting secondary_capture"),
        (False, {"Modality": "OT"}, "of another modality than US"),
        (True, {"Modality": "OT"}, "of another modality than US"),
        (True, {"ConversionType": "SD"}, "a scanned document"),
        (True, {"ConversionType": "DRW"}, "a drawing"),
        (True, {"ConversionType": "DF"}, "a digitised film"),
        (False, {"ConversionType": "SYN"}, "a synthetic image"),
    ],
)
def test_a_copy_is_refused_with_the_true_reason(
    allowed: bool, values: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(NoTissue, match=reason):
        open_instance(copy(tmp_path / "a.dcm", **values), secondary_capture=allowed)


def test_a_copy_that_is_allowed_is_scored_as_the_image_is_and_flagged(
    tmp_path: Path, assessor: Assessor
) -> None:
    alone = open_instance(copy(tmp_path / "a.dcm"), secondary_capture=True)
    image = open_instance(copy(tmp_path / "b.dcm", sop_class=UltrasoundImageStorage))
    found, same = assessor.assess(alone).top, assessor.assess(image).top
    assert found.risk == same.risk
    assert found.flags == same.flags | {Flag.SECONDARY_CAPTURE}


def test_a_copy_of_several_frames_has_them_all(tmp_path: Path) -> None:
    frames = [make_frame(3).pixels] * 3
    path = copy(
        tmp_path / "a.dcm",
        *frames,
        sop_class=MultiFrameTrueColorSecondaryCaptureImageStorage,
        NumberOfFrames=3,
    )
    assert open_instance(path, secondary_capture=True).frame_count == 3


def test_a_report_on_a_copy_is_a_page(tmp_path: Path, assessor: Assessor) -> None:
    instance = open_instance(copy(tmp_path / "a.dcm", report(2)), secondary_capture=True)
    with pytest.raises(NotScorable, match="a page of text or graphs"):
        assessor.assess(instance)


def test_a_copy_with_two_scans_is_not_scored(tmp_path: Path, assessor: Assessor) -> None:
    one = make_frame(3, annotated=False)
    black = np.zeros_like(one.pixels)
    scan = np.where(one.sector[..., None], one.pixels, black)
    twice = np.concatenate([scan, scan], axis=1)
    image = open_instance(copy(tmp_path / "b.dcm", twice, sop_class=UltrasoundImageStorage))
    result = assessor.assess(image)
    assert len(result.scans) + len(result.skipped) == 2
    with pytest.raises(NoTissue, match="with 2 scans, not one"):
        assessor.assess(open_instance(copy(tmp_path / "a.dcm", twice), secondary_capture=True))
