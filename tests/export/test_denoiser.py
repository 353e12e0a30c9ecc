"""A denoiser on its way into a bundle: the same function, and never beside a network measured without it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: export's tests need scanside-export[convert]")

from export.bundle import DenoiserPart, write_bundle
from export.cli import main
from export.convert import convert
from export.denoiser import denoiser_part
from export.golden import annotated_inputs
from scanside.assess.denoise import denoiser_of
from scanside.errors import SettingError
from scanside.image import Size
from scanside.model.bundle import (
    DENOISER,
    GOLDEN,
    GOLDEN_DENOISER,
    MODEL_CARD,
    NETWORK,
    REFERENCE,
    load_bundle,
)
from scanside.runtime.onnxruntime import OnnxRuntime
from tests.export.conftest import checkpoint_of
from tests.trainer.denoiser.untrained import untrained
from trainer.denoiser import checkpoint as denoisers
from trainer.denoiser.ready import TorchDenoiser, open_denoiser
from trainer.models import checkpoint as networks
from trainer.models.checkpoint import Checkpoint


def measured_with(denoiser: dict[str, Any] | None) -> Checkpoint:
    made = checkpoint_of()
    return made if denoiser is None else Checkpoint(
        **{**vars(made), "manifest": {**made.manifest, "denoiser": {**denoiser, "found": {}}}}
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A denoiser, another one, a network measured with the first, and one measured without."""
    folder = tmp_path_factory.mktemp("files")
    paths = {name: folder / f"{name}.pt" for name in ("denoiser", "other", "network", "plain")}
    denoisers.save(untrained(), paths["denoiser"])
    denoisers.save(untrained(1), paths["other"])
    networks.save(measured_with(untrained().document), paths["network"])
    networks.save(measured_with(None), paths["plain"])
    return paths


@pytest.fixture(scope="module")
def exported(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    convert(files["network"], folder, files["denoiser"])
    return folder


def test_runtime_equals_torch_at_sizes_never_seen_at_export(exported: Path) -> None:
    runner = OnnxRuntime((exported / DENOISER).read_bytes())
    reference = TorchDenoiser(untrained().network())
    rng = np.random.default_rng(0)
    for batch, size in ((1, (168, 272)), (3, (56, 88)), (2, (64, 64))):
        inputs = {name: rng.random((batch, 1, *size), np.float32) for name in ("scan", "chroma")}
        expected, got = reference.run(inputs), runner.run(inputs)
        assert expected["annotation_probability"].shape == (batch, *size)
        assert expected["annotation_probability"].std() > 0.01
        for name, values in expected.items():
            np.testing.assert_allclose(got[name], values, atol=1e-4, err_msg=name)


def test_the_golden_case_has_strokes_with_and_without_colour() -> None:
    inputs = annotated_inputs(Size(56, 88))
    assert inputs["scan"].shape == inputs["chroma"].shape == (2, 1, 56, 88)
    assert inputs["chroma"][0].max() == 0 and inputs["chroma"][1].max() > 0.6
    assert all(values.min() >= 0 and values.max() <= 1 for values in inputs.values())


def test_a_bundle_with_its_denoiser(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = load_bundle(exported)
    said = bundle.manifest.document
    assert said["requires"] == ["denoiser"]
    assert said["denoiser"]["fingerprint"] == untrained().document["fingerprint"]
    assert denoiser_of(bundle) is not None
    assert "more than 90% is not scored" in bundle.files[MODEL_CARD].decode()
    assert "pixel f1: 0.500 (0.400 to 0.600), 10 images" in bundle.files[MODEL_CARD].decode()
    assert main(["verify", str(exported), "--json"]) == 0
    assert "annotation_probability" in capsys.readouterr().out
    assert main(["inspect", str(exported)]) == 0
    assert "trained on nothing" in capsys.readouterr().out


def test_checkpoint_and_bundle_remove_the_same(exported: Path, files: dict[str, Path]) -> None:
    from tests.scanside.assess.test_denoise import scan_of
    from tests.synth.scans import make_frame

    scan = scan_of(make_frame(4), Size(56, 88))
    here, there = (open_denoiser(path) for path in (files["denoiser"], exported))
    first, second = here.denoiser.remove(scan), there.denoiser.remove(scan)
    assert first.mask.any() and (first.mask != second.mask).mean() < 0.001
    assert here.document["fingerprint"] == there.document["fingerprint"]


def test_the_denoiser_is_taken_from_a_bundle_too(exported: Path) -> None:
    part, bundle = denoiser_part(exported, Size(56, 88)), load_bundle(exported)
    assert part.graph == bundle.files[DENOISER] and part.document == bundle.manifest.document["denoiser"]
    assert part.golden.keys() == bundle.arrays(GOLDEN_DENOISER).keys()
    with pytest.raises(SettingError, match="no denoiser for an input of 168 x 272"):
        denoiser_part(exported, Size(168, 272))


def test_an_input_that_is_no_multiple_of_the_stride(files: dict[str, Path]) -> None:
    with pytest.raises(SettingError, match="multiples of 8 px"):
        denoiser_part(files["denoiser"], Size(84, 136))


@pytest.mark.parametrize(
    ("network", "denoiser", "message"),
    [
        ("plain", "denoiser", "measured without one"),
        ("network", None, "Name it with --denoiser"),
        ("network", "other", "not the one that this network was measured with"),
        ("network", "plain", "is not a checkpoint of this version"),
        ("network", "missing", "no checkpoint at"),
    ],
)
def test_figures_hold_only_with_the_same_denoiser(
    network: str,
    denoiser: str | None,
    message: str,
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(files[network]), "--out", str(tmp_path / "out")]
    if denoiser:
        words += ["--denoiser", str(files.get(denoiser, tmp_path / denoiser))]
    assert main(words) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_denoiser_that_does_not_fit_its_golden_case_fails_to_verify(exported: Path, tmp_path: Path) -> None:
    bundle = load_bundle(exported)
    golden = bundle.arrays(GOLDEN_DENOISER)
    golden["out_clean"] = golden["out_clean"][:, ::-1].copy()
    document = {k: v for k, v in bundle.manifest.document.items() if k not in ("schema", "files")}
    write_bundle(
        tmp_path,
        document,
        network=bundle.files[NETWORK],
        golden=bundle.arrays(GOLDEN),
        reference=bundle.arrays(REFERENCE),
        model_card="",
        denoiser=DenoiserPart(bundle.files[DENOISER], document["denoiser"], golden),
    )
    assert main(["verify", str(tmp_path)]) == 2
