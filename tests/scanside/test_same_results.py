"""Risk and mask of real scans are those that were recorded, whatever is moved or rewritten in between.

`python -m tests.scanside.test_same_results` records them again, where a change means to alter results.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from scanside.assess.assessor import Assessor, ScoredScan
from scanside.assess.gate import Reference
from scanside.assess.golden import golden_inputs
from scanside.errors import NotScorable
from scanside.model.bundle import DEFAULT_BUNDLE, DENOISER, NETWORK, REFERENCE, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.scan.cine import frames_to_score
from scanside.scan.instance import open_instance
from tests.scanside.scan.real import NAMES, path_of
from tests.synth.dicom import make_instance, save
from tests.synth.machine import describe_machine

RECORD = Path(__file__).with_name("same_results.json")
FRAMES = 4  # of a cine
MMOTU_STEP = 29  # every 29th of 1469 images: 51
PACKAGES = ("onnxruntime", "numpy", "opencv-python-headless")
RISK_APART, AREA_APART = 2e-3, 0.01  # between processors; area as a share
Results = dict[str, Any]


@cache
def assessor() -> Assessor:
    """The default model on one thread, since their number may change the last digits; with its gates open.

    They refuse most scans of other organs and machines: what would be said of those is compared all the same,
    with the distance that the gate goes by.
    """
    bundle = load_bundle(DEFAULT_BUNDLE)
    assert bundle.manifest.denoiser is not None
    denoiser = replace(bundle.manifest.denoiser, max_share=1.0)
    bundle = replace(bundle, manifest=replace(bundle.manifest, max_distance=np.inf, denoiser=denoiser))
    return Assessor(bundle, OnnxRuntime(bundle.files[NETWORK], 1), OnnxRuntime(bundle.files[DENOISER], 1))


def assess_file(path: Path) -> Results:
    """The results of a file by frame, from 1; one reason where it can't be opened."""
    try:
        instance = open_instance(path, secondary_capture=True)
    except NotScorable as error:
        return {"0": type(error).__name__}
    results: Results = {}
    for number in frames_to_score(instance.frame_count, FRAMES):
        try:
            scans = assessor().assess(instance, number - 1).scans
            results[str(number)] = [summarise(scan) for scan in scans]
        except NotScorable as error:
            results[str(number)] = type(error).__name__
    return results


def summarise(scan: ScoredScan) -> Results:
    """Rounded values for any machine, and a digest of every bit for one of the same class."""
    exact = hashlib.sha256()
    for case in scan.cases:
        exact.update(np.float64([case.risk, *case.class_probabilities.values()]).tobytes())
    exact.update(np.float64(scan.distance).tobytes())
    for array in (scan.prepared, scan.lesion, scan.mask, scan.annotations):
        exact.update(b"" if array is None else np.packbits(array) if array.dtype == bool else array.tobytes())
    return {
        "risks": [round(case.risk, 4) for case in scan.cases],
        "distance": round(scan.distance, 3),
        "box": list(scan.box),
        "mask_px": int(scan.mask.sum()),
        "sha256": exact.hexdigest()[:16],
    }


def assess_golden() -> Results:
    """The network's answer to its golden case, in the form of `summarise`."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    outputs = OnnxRuntime(bundle.files[NETWORK], 1).run(golden_inputs(bundle))
    malignant = [number for number, known in enumerate(bundle.manifest.classes) if known.malignant]
    risks, mask = outputs["class_probability"][:, malignant].sum(axis=1), outputs["lesion_probability"] > 0.5
    exact = hashlib.sha256(b"".join(outputs[name].tobytes() for name in sorted(outputs))).hexdigest()[:16]
    return {
        "1": [
            {
                "risks": np.round(risks.astype(float), 4).tolist(),
                "distance": round(Reference(bundle.arrays(REFERENCE)).distance(outputs["features"][0]), 3),
                "box": [0, 0, *reversed(bundle.manifest.input_size)],
                "mask_px": int(mask.sum()),
                "sha256": exact,
            }
        ]
    }


def assess_mmotu(folder: Path, scratch: Path) -> Iterator[tuple[str, Results]]:
    """Images of MMOTU as the pixels of DICOM instances that declare no region."""
    for number in range(1, 1470, MMOTU_STEP):
        pixels = cv2.imread(str(folder / f"{number}.JPG"))
        made = make_instance([np.ascontiguousarray(pixels[..., ::-1])])
        yield f"mmotu/{number}", assess_file(save(made, scratch / f"{number}.dcm"))


def assess_group(group: str, scratch: Path) -> dict[str, Results]:
    """Results by name of the input; without SCANSIDE_DATA, `golden` and `pydicom` alone can be assessed."""
    if group == "golden":
        return {"golden": assess_golden()}
    if group == "pydicom":
        return {name: assess_file(path) for name in NAMES if (path := path_of(name))}
    data = os.environ.get("SCANSIDE_DATA")
    if not data:
        pytest.skip("SCANSIDE_DATA is not set: no real scans to assess")
    if group == "mmotu":
        return dict(assess_mmotu(Path(data, "mmotu", "images"), scratch))
    return {f"{group}/{path.name}": assess_file(path) for path in sorted(Path(data, group).glob("*.dcm"))}


GROUPS = ("golden", "pydicom", "dicom", "trials", "mmotu")


@pytest.mark.parametrize("group", GROUPS)
def test_risk_and_mask_are_those_that_were_recorded(group: str, tmp_path: Path) -> None:
    record = json.loads(RECORD.read_text())
    expected, found = record["results"][group], assess_group(group, tmp_path)
    assert expected and expected.keys() <= found.keys()  # a data folder may hold more
    found = {name: found[name] for name in expected}
    if record["machine"] == describe_machine(*PACKAGES):
        assert found == expected
    for name, frames in expected.items():
        assert frames.keys() == found[name].keys(), name
        for frame, scans in frames.items():
            assert_near(scans, found[name][frame], f"{name}, frame {frame}")


def assert_near(expected: Any, found: Any, where: str) -> None:
    """The same reason, or the same scans within what processors differ in."""
    if isinstance(expected, str):
        assert found == expected, where
        return
    assert [scan["box"] for scan in found] == [scan["box"] for scan in expected], where
    for one, other in zip(expected, found, strict=True):
        assert other["risks"] == pytest.approx(one["risks"], abs=RISK_APART), where
        assert other["distance"] == pytest.approx(one["distance"], rel=RISK_APART), where
        assert other["mask_px"] == pytest.approx(one["mask_px"], rel=AREA_APART), where


def test_a_risk_that_differs_is_seen() -> None:
    one = {"risks": [0.25], "distance": 1.0, "box": [0, 0, 9, 9], "mask_px": 5000, "sha256": ""}
    assert_near([one], [dict(one, risks=[0.251], mask_px=5040)], "near")
    for change in ({"risks": [0.253]}, {"distance": 1.01}, {"mask_px": 5060}, {"box": [0, 0, 9, 8]}):
        with pytest.raises(AssertionError):
            assert_near([one], [one | change], "apart")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch_folder:
        results = {group: assess_group(group, Path(scratch_folder)) for group in GROUPS}
    RECORD.write_text(
        json.dumps({"machine": describe_machine(*PACKAGES), "results": results}, indent=1) + "\n"
    )
