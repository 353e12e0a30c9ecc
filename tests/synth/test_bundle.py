"""The test bundle is valid, equal to its numpy source, and moves with what it is given."""

from pathlib import Path

import numpy as np
import pytest

from scanside.assess.golden import check_golden
from scanside.errors import BundleError
from scanside.model.bundle import DENOISER, GOLDEN_DENOISER, NETWORK, Bundle, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from tests.synth.bundle import make_bundle


@pytest.fixture(scope="module", params=[True, False], ids=["clinical", "no clinical"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = make_bundle(tmp_path_factory.mktemp("bundle"), clinical=request.param)
    return load_bundle(folder, allow_test_only=True)


def test_runtime_equals_numpy(bundle: Bundle) -> None:
    check_golden(bundle, OnnxRuntime(bundle.files[NETWORK]))


def test_denoiser_equals_numpy(tmp_path: Path) -> None:
    bundle = load_bundle(make_bundle(tmp_path, denoiser=True), allow_test_only=True)
    check_golden(bundle, OnnxRuntime(bundle.files[DENOISER]), case=GOLDEN_DENOISER)


def test_is_refused_as_a_model(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="for tests"):
        load_bundle(make_bundle(tmp_path))


def test_same_bytes_every_time(tmp_path: Path) -> None:
    first, second = (
        load_bundle(make_bundle(tmp_path / n), allow_test_only=True) for n in ("first", "second")
    )
    assert first.digest == second.digest


def test_each_clinical_fact_moves_the_risk(tmp_path: Path) -> None:
    bundle = load_bundle(make_bundle(tmp_path), allow_test_only=True)
    scan = bundle.arrays("golden.npz")["in_scan"][:1]
    clinical = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    outputs = OnnxRuntime(bundle.files[NETWORK]).run({"scan": scan.repeat(4, 0), "clinical": clinical})
    neither, oncology, postmenopausal, both = outputs["class_probability"][:, 1]
    assert neither + 0.05 < min(oncology, postmenopausal)
    assert max(oncology, postmenopausal) + 0.05 < both
