"""`trainer denoise`: the data set once more, with nothing changed but what a denoiser changed."""

import fcntl
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from scanside.errors import RunnerError
from scanside.image import Size
from tests.synth.bundle import make_bundle
from tests.trainer.denoiser.conftest import speckle
from trainer.cli import main
from trainer.data.hospital import read_dataset
from trainer.data.mmotu import find_layout, read_split
from trainer.denoiser import checkpoint as edge_checkpoints
from trainer.denoiser import dataset, whole
from trainer.denoiser.checkpoint import DenoiserCheckpoint
from trainer.denoiser.remove import open_remover
from trainer.models.denoiser.build import build_denoiser
from trainer.models.denoiser.edge import EdgeDenoiser
from trainer.synth.cohort import write_cohort
from trainer.synth.recipe import CohortRecipe

SIZE = Size(56, 88)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cohort") / "cohort"
    write_cohort(root, CohortRecipe(patients=6, size="small"), jobs=1)
    return root


@pytest.fixture(scope="module")
def whole_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    state = dict(build_denoiser("unet", 2).state_dict())
    path = tmp_path_factory.mktemp("whole") / "checkpoint.pt"
    whole.save(whole.WholeCheckpoint(state, "unet", 2, SIZE, {"seed": 0}), path)
    return path


def edge_checkpoint(path: Path, bias: float, max_share: float = 0.9) -> Path:
    """An edge denoiser that takes every pixel for annotation, or none, and paints it a little brighter."""
    network = EdgeDenoiser((4, 8, 8, 16), (1,))
    with torch.no_grad():
        network.out.bias.copy_(torch.tensor([bias, 0.1]))
    about = {
        "threshold": 0.5,
        "min_pixels": 1,
        "max_share": max_share,
        "trained_on": "nothing",
        "figures": {},
    }
    checkpoint = DenoiserCheckpoint(dict(network.state_dict()), (4, 8, 8, 16), (1,), about)
    edge_checkpoints.save(checkpoint, path)
    return path


def test_a_cohort_without_annotations_is_a_cohort(
    cohort: Path, whole_checkpoint: Path, tmp_path: Path
) -> None:
    assert (
        main(["denoise", str(cohort), "--with", str(whole_checkpoint), "--out", str(tmp_path / "out")]) == 0
    )
    before, after = read_dataset(cohort), read_dataset(tmp_path / "out")
    after.check_files()
    assert after.patients == before.patients and len(after.slides) == len(before.slides)
    recorded = after.about["preparation"]["annotations"]
    assert recorded["source_fingerprint"] == before.fingerprint and recorded["removed_with"]["seed"] == 0
    for slide, same in zip(before.slides, after.slides, strict=True):
        pixels, cleaned = before.pixels(slide), after.pixels(same)
        assert pixels.shape == cleaned.shape and (pixels != cleaned).any()
        assert cleaned[0, 0] == pixels[0, 0] == 0  # outside the sector
        lesions = before.lesion(slide), after.lesion(same)
        assert (lesions[0] is None) == (lesions[1] is None)
        if lesions[0] is not None:
            np.testing.assert_array_equal(*lesions)


def test_the_edge_leaves_a_scan_in_which_it_finds_nothing(cohort: Path, tmp_path: Path) -> None:
    finds_nothing = edge_checkpoint(tmp_path / "none.pt", bias=-20)
    assert main(["denoise", str(cohort), "--with", str(finds_nothing), "--out", str(tmp_path / "out")]) == 0
    before, after = read_dataset(cohort), read_dataset(tmp_path / "out")
    assert [s.image_sha256 for s in before.slides] == [s.image_sha256 for s in after.slides]


def test_the_edge_replaces_only_what_it_found(tmp_path: Path) -> None:
    remover = open_remover(edge_checkpoint(tmp_path / "all.pt", bias=20, max_share=1.0))
    tissue = cv2.cvtColor(speckle(300, 400), cv2.COLOR_RGB2GRAY)
    cleaned = remover.remove(tissue, None)
    assert (cleaned != tissue).mean() > 0.3
    assert not cleaned[tissue == 0].any()


def test_too_much_of_a_scan_is_left_and_counted(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    greedy = edge_checkpoint(tmp_path / "greedy.pt", bias=20, max_share=0.2)
    assert main(["denoise", str(cohort), "--with", str(greedy), "--out", str(tmp_path / "out")]) == 0
    slides = len(read_dataset(cohort).slides)
    assert f"looks like annotations: {slides}." in capsys.readouterr().out


def test_mmotu_keeps_its_layout_and_all_that_is_outside_the_mask(
    mmotu_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "read_split", lambda: read_split()[:5])  # 1,469 take minutes
    finds_nothing = edge_checkpoint(tmp_path / "none.pt", bias=-20)
    out = tmp_path / "out"
    assert main(["denoise", str(mmotu_like), "--with", str(finds_nothing), "--out", str(out)]) == 0
    record = json.loads((out / "denoised.json").read_text())
    assert record["scans"] == 5 and record["changed"] == 0
    entry = read_split()[0]
    before, after = find_layout(mmotu_like), find_layout(out)
    np.testing.assert_array_equal(cv2.imread(str(before.image(entry))), cv2.imread(str(after.image(entry))))
    assert before.mask(entry).read_bytes() == after.mask(entry).read_bytes()


def test_a_bundle_denoises_packed_or_not(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", size=SIZE, denoiser=True)
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "bundle")
    pixels = []
    for given in ("bundle", "packed.zip"):
        remover = open_remover(tmp_path / given)
        assert remover.about["trained_on"] == "nothing: a rule for tests"
        scan = cv2.cvtColor(speckle(300, 400), cv2.COLOR_RGB2GRAY) // 3
        cv2.line(scan, (100, 100), (300, 100), 255, 2)
        pixels.append(remover.remove(scan, None))
        assert (pixels[-1] != scan).any()
    np.testing.assert_array_equal(*pixels)


def test_what_is_without_annotations_is_not_done_again(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record of the first denoiser would be lost."""
    denoiser = ["--with", str(edge_checkpoint(tmp_path / "none.pt", bias=-20))]
    assert main(["denoise", str(cohort), *denoiser, "--out", str(tmp_path / "once")]) == 0
    assert main(["denoise", str(tmp_path / "once"), *denoiser, "--out", str(tmp_path / "twice")]) == 1
    assert "is without annotations already" in capsys.readouterr().err


def test_a_second_run_to_the_same_place_is_refused_and_a_killed_one_is_swept(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / ".out.part"
    (part / "images").mkdir(parents=True)
    (part / "images" / "left.png").write_text("of a killed run")
    denoiser = edge_checkpoint(tmp_path / "none.pt", bias=-20)
    words = ["denoise", str(cohort), "--with", str(denoiser), "--out", str(tmp_path / "out")]
    other = os.open(part, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert main(words) == 1
    assert "another run writes" in capsys.readouterr().err and (part / "images" / "left.png").exists()
    os.close(other)
    assert main(words) == 0
    assert not part.exists() and not (tmp_path / "out" / "images" / "left.png").exists()


def test_a_denoiser_that_diverged_makes_no_black_scans(tmp_path: Path) -> None:
    state = {name: values * float("nan") for name, values in build_denoiser("unet", 2).state_dict().items()}
    whole.save(whole.WholeCheckpoint(state, "unet", 2, SIZE, {"seed": 0}), tmp_path / "checkpoint.pt")
    remover = open_remover(tmp_path / "checkpoint.pt")
    with pytest.raises(RunnerError, match="no numbers"):
        remover.remove(cv2.cvtColor(speckle(300, 400), cv2.COLOR_RGB2GRAY), None)


def test_an_incomplete_copy_of_mmotu_is_refused_before_the_work(
    mmotu_like: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("images", "annotations"):
        shutil.copytree(mmotu_like / folder, tmp_path / "copy" / folder, copy_function=os.link)
    gone = find_layout(tmp_path / "copy").image(read_split()[-1])
    gone.unlink()
    denoiser = edge_checkpoint(tmp_path / "none.pt", bias=-20)
    words = ["denoise", str(tmp_path / "copy"), "--with", str(denoiser), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    assert f"{gone} can't be read" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["missing", "no checkpoint", "target exists", "no dataset", "inside"])
def test_wrong_inputs_are_refused(
    given: str, cohort: Path, whole_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, denoiser, out = cohort, whole_checkpoint, tmp_path / "out"
    if given == "missing":
        denoiser = tmp_path / "nothing.pt"
    elif given == "no checkpoint":
        denoiser = tmp_path / "text.pt"
        denoiser.write_text("hello")
    elif given == "target exists":
        out.mkdir()
    elif given == "no dataset":
        source = tmp_path
    else:
        out = cohort / "out"
    assert main(["denoise", str(source), "--with", str(denoiser), "--out", str(out)]) == 1
    printed = capsys.readouterr().err
    assert (
        "Traceback" not in printed and "weights_only" not in printed
    )  # torch advises to run what is in the file
    assert given == "target exists" or not out.exists()
    assert not list(out.parent.glob(".out.part"))
