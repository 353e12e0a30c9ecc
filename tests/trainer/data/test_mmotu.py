"""The split is what it says, and the views of a scan depend on (seed, epoch, image) alone."""

import os
import shutil
import struct
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from scanside.errors import InputError
from scanside.image import Size
from trainer.data.augment import augment
from trainer.data.loader import make_training_loader
from trainer.data.mmotu import MALIGNANT, prepare_scans, read_split
from trainer.data.slides import make_mmotu_slides
from trainer.settings.augmentation import Augmentation

STILL = Augmentation(flip=0, rotation_deg=0, shear_deg=0, scale=0, shift=0)


def test_split_has_the_thesis_sizes_and_every_image_once() -> None:
    split = read_split()
    assert sorted(entry.image for entry in split) == list(range(1, 1470))
    assert Counter(entry.part for entry in split) == {"train": 1000, "validation": 236, "test": 233}
    folds = Counter(entry.official_fold for entry in split if entry.part == "train")
    assert folds == dict.fromkeys(range(5), 200)
    assert {entry.official_fold for entry in split if entry.part != "train"} == {-1}
    assert sum(entry.near_duplicate for entry in split) == 27
    malignant = Counter(entry.part for entry in split if entry.label == MALIGNANT)
    assert malignant == {"train": 38, "validation": 7, "test": 8}


def test_split_can_be_drawn_again() -> None:
    data = os.environ.get("SCANSIDE_DATA")
    if not data:
        pytest.skip("SCANSIDE_DATA is not set: no copy of MMOTU to draw the split from")
    from trainer.data.split import draw_split

    official = [(e.image, e.label, e.part, e.official_fold, e.near_duplicate) for e in read_split()]
    assert draw_split(Path(data) / "mmotu") == official


def test_no_augmentation_leaves_the_scan_as_it_is() -> None:
    rng = np.random.default_rng(0)
    scan = rng.integers(0, 256, (40, 60), np.uint8)
    mask = (rng.random((40, 60)) > 0.5).astype(np.uint8)
    view, moved = augment(scan, mask, Size(40, 60), STILL, rng)
    assert np.array_equal(view, scan)
    assert np.array_equal(moved, mask)


def test_the_mask_moves_with_the_scan() -> None:
    mask = np.zeros((120, 180), np.uint8)
    mask[40:70, 60:110] = 1
    for seed in range(20):
        view, moved = augment(
            mask * 200, mask, Size(80, 130), Augmentation(scale=0.15), np.random.default_rng(seed)
        )
        assert (view > 100).sum() > 200
        assert ((view > 100) != (moved > 0)).sum() < 0.1 * moved.sum()


def test_the_constant_shift_is_the_codes_27_and_16_px() -> None:
    scan = np.zeros((336, 544), np.uint8)
    scan[100, 200] = 255
    still = replace(STILL, constant_shift=0.05)
    view, _ = augment(scan, scan, Size(336, 544), still, np.random.default_rng(0))
    assert view[116, 227] == 255 and np.count_nonzero(view) == 1


def test_order_and_views_follow_seed_and_epoch_whatever_ran_before(mmotu_like: Path) -> None:
    entries = [entry for entry in read_split() if entry.part == "train"][:12]
    data = make_mmotu_slides(prepare_scans(mmotu_like, entries, Size(28, 44), "test images"))

    def epoch(number: int, seed: int, warm_up: int) -> list[torch.Tensor]:
        loader = make_training_loader(
            data, sizes=((0, Size(28, 44)),), ranges=Augmentation(), batch=4, seed=seed
        )
        torch.rand(warm_up)
        loader.sampler.set_epoch(number)  # type: ignore[attr-defined]
        return [batch["scan"] for batch in loader]

    def equal(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    assert equal(epoch(3, 0, warm_up=0), epoch(3, 0, warm_up=99))
    assert not equal(epoch(3, 0, warm_up=0), epoch(4, 0, warm_up=0))
    assert not equal(epoch(3, 0, warm_up=0), epoch(3, 1, warm_up=0))


def test_an_incomplete_copy_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"MMOTU is incomplete.*images"):
        prepare_scans(tmp_path, read_split()[:1], Size(28, 44), "test images")


def png(width: int, height: int) -> bytes:
    """A PNG that claims so many grey pixels, and holds few."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(99))), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "content", [b"\xff\xd8 no image", b"", png(60000, 60000)], ids=["damaged", "empty", "huge"]
)
def test_a_damaged_image_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.JPG").write_bytes(content)
    with pytest.raises(InputError, match=r"1\.JPG is not an image"):
        prepare_scans(tmp_path, [e for e in read_split() if e.image == 1], Size(28, 44), "test images")


def test_a_mask_of_another_size_is_named(mmotu_like: Path, tmp_path: Path) -> None:
    for folder in ("images", "annotations"):
        (tmp_path / folder).mkdir()
    shutil.copy(mmotu_like / "images" / "1.JPG", tmp_path / "images")
    cv2.imwrite(str(tmp_path / "annotations" / "1_binary.PNG"), np.ones((90, 90), np.uint8))
    with pytest.raises(InputError, match=r"1_binary\.PNG is not of the size"):
        prepare_scans(tmp_path, [e for e in read_split() if e.image == 1], Size(28, 44), "test images")


def test_a_border_leaves_the_whole_view_smaller_and_moves_the_mask_along() -> None:
    scan = np.full((120, 180), 200, np.uint8)
    mask = np.zeros((120, 180), np.uint8)
    mask[40:70, 60:110] = 1
    scan[mask > 0] = 90
    for seed in range(20):
        view, moved = augment(
            scan, mask, Size(120, 180), replace(STILL, border=1.0), np.random.default_rng(seed)
        )
        assert 0.75**2 - 0.02 < (view > 0).mean() <= 1
        assert 0.5 * mask.sum() < moved.sum() <= mask.sum() + 40
        assert abs(int(np.median(view[moved > 0])) - 90) < 5


def test_gain_brightens_and_darkens_and_jpeg_changes_little() -> None:
    rng = np.random.default_rng(0)
    scan = cv2.GaussianBlur(rng.integers(0, 256, (120, 180), np.uint8), (9, 9), 0)
    means = []
    for seed in range(20):
        view, _ = augment(scan, scan, Size(120, 180), replace(STILL, gain=0.5), np.random.default_rng(seed))
        means.append(view.mean() / scan.mean())
    assert 0.65 < min(means) < 0.9 and 1.1 < max(means) < 1.52
    view, _ = augment(scan, scan, Size(120, 180), replace(STILL, jpeg=1.0), np.random.default_rng(0))
    assert not np.array_equal(view, scan) and np.abs(view.astype(int) - scan).mean() < 6
