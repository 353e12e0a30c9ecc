"""The bundle that scanside ships: small, honest about itself, and what its manifest says it is."""

import os
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from scanside.assess.denoise import denoiser_of
from scanside.assess.gate import Reference
from scanside.assess.golden import check_golden
from scanside.errors import UnlikeTraining
from scanside.image import Frame
from scanside.model.bundle import (
    DEFAULT_BUNDLE,
    DENOISER,
    GOLDEN_DENOISER,
    MODEL_CARD,
    NETWORK,
    REFERENCE,
    Bundle,
    load_bundle,
)
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import prepare


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(DEFAULT_BUNDLE)


def test_is_no_test_bundle_and_small(bundle: Bundle) -> None:
    assert not bundle.manifest.test_only
    assert "smoke" not in bundle.manifest.name
    assert sum(path.stat().st_size for path in DEFAULT_BUNDLE.iterdir()) < 20e6


def test_has_no_file_that_the_manifest_does_not_list(bundle: Bundle) -> None:
    assert {path.name for path in DEFAULT_BUNDLE.iterdir()} == {*bundle.files, "manifest.json"}


def test_golden_case_passes_here(bundle: Bundle) -> None:
    assert check_golden(bundle, OnnxRuntime(bundle.files[NETWORK]))
    if bundle.manifest.denoiser:
        assert check_golden(bundle, OnnxRuntime(bundle.files[DENOISER]), case=GOLDEN_DENOISER)


def test_model_card_states_training_data_every_figure_and_the_threshold(bundle: Bundle) -> None:
    card, document = bundle.files[MODEL_CARD].decode(), bundle.manifest.document
    assert bundle.manifest.trained_on in card
    assert "Research use only" in card
    for name in ("auc", "sensitivity", "specificity", "accuracy_8_classes", "iou"):
        figure = document["performance"][name]
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert f"{figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f}" in card
    assert f"{bundle.manifest.threshold:.4f}" in card


def test_figures_of_the_manifest_are_those_of_the_shipped_network(bundle: Bundle) -> None:
    """Every official val image without a near-duplicate in training, through the runtime, counted anew."""
    data = os.environ.get("SCANSIDE_DATA")
    if not data:
        pytest.skip("SCANSIDE_DATA is not set: no copy of MMOTU to measure on")
    split = files("trainer.data").joinpath("mmotu_split.csv").read_text()
    rows = [line.split(",") for line in split.splitlines()[1:]]
    images = [(int(r[0]), int(r[1])) for r in rows if r[2] != "train" and r[4] == "0"]
    runner, reference = OnnxRuntime(bundle.files[NETWORK]), Reference(bundle.arrays(REFERENCE))
    denoiser = denoiser_of(bundle)
    risks, right, distances = [], [], []
    for image, label in images:
        pixels = cv2.imread(str(Path(data) / "mmotu" / "images" / f"{image}.JPG"))[..., ::-1]
        frame = Frame(np.ascontiguousarray(pixels))
        region = find_regions(Dataset(), frame.size)[0]
        scan = prepare(frame, region, bundle.manifest.input_size, chroma=denoiser is not None)
        believed = True
        if denoiser is not None:
            try:
                scan = denoiser.remove(scan).scan
            except UnlikeTraining:
                believed = False
        outputs = runner.run({"scan": scan.pixels[None, None]})
        risks.append(float(outputs["class_probability"][0, 7]))
        right.append(int(outputs["class_probability"][0].argmax()) == label)
        distances.append(reference.distance(outputs["features"][0]) if believed else np.inf)
    malignant = np.array([label == 7 for _, label in images])
    risk = np.array(risks)
    pairs = risk[malignant][:, None] - risk[~malignant][None]
    called = risk >= bundle.manifest.threshold
    stated = bundle.manifest.document["performance"]
    # FP16 weights may carry single images over a limit; one benign image is 0.0023 of specificity.
    assert np.mean((pairs > 0) + 0.5 * (pairs == 0)) == pytest.approx(stated["auc"]["value"], abs=2e-3)
    assert called[malignant].mean() == pytest.approx(stated["sensitivity"]["value"], abs=1e-6)
    assert (~called[~malignant]).mean() == pytest.approx(stated["specificity"]["value"], abs=5e-3)
    assert np.mean(right) == pytest.approx(stated["accuracy_8_classes"]["value"], abs=5e-3)
    accepted = np.mean(np.array(distances) <= bundle.manifest.max_distance)
    passed = bundle.manifest.document["reference"]["accepted_on_test"]
    assert accepted == pytest.approx(passed, abs=5e-3)
    assert len(images) == stated["auc"]["n"]


def test_readme_shows_the_figures_of_the_manifest(bundle: Bundle) -> None:
    readme = Path(__file__).parents[2] / "README.md"
    if not readme.exists():
        pytest.skip("the installed package is tested away from the README")
    rows = {
        "auc": "AUC, malignant against the rest",
        "sensitivity": "sensitivity at its threshold",
        "specificity": "specificity at its threshold",
        "accuracy_8_classes": "accuracy, 8 classes",
        "iou": "IoU of the lesion",
    }
    text, performance = readme.read_text(), bundle.manifest.document["performance"]
    for name, title in rows.items():
        f = performance[name]
        assert f"| {title} | {f['value']:.3f} | {f['low']:.3f} to {f['high']:.3f} | {f['n']} |" in text
