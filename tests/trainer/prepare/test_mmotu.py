"""A copy of MMOTU in either layout is read alike, and whatever is wrong with it is named."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from scanside.errors import InputError
from scanside.image import Size
from trainer.cli import main
from trainer.data.mmotu import find_layout, prepare_scans, read_split
from trainer.prepare.mmotu import Fault, check_copy


@pytest.fixture(scope="module")
def figshare_like(mmotu_like: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same images in figshare's tree; masks 0 and 255 there."""
    root = tmp_path_factory.mktemp("figshare")
    for part, images, masks in (
        ("train", "train_image", "train_label/label"),
        ("test", "image", "label/black_write"),
    ):
        folder = root / "dataset" / "OTU_2D" / part
        (folder / images).mkdir(parents=True)
        (folder / masks).mkdir(parents=True)
        for entry in read_split():
            if (entry.part == "train") == (part == "train"):
                shutil.copy(mmotu_like / "images" / f"{entry.image}.JPG", folder / images)
                mask = mmotu_like / "annotations" / f"{entry.image}_binary.PNG"
                shutil.copy(mask, folder / masks / f"{entry.image}.PNG")
    return root


def test_both_layouts_are_read_alike(mmotu_like: Path, figshare_like: Path) -> None:
    entries = read_split()[::100]
    one = prepare_scans(mmotu_like, entries, Size(28, 44), "one")
    other = prepare_scans(figshare_like, entries, Size(28, 44), "other")
    assert np.array_equal(one.scans, other.scans) and np.array_equal(one.masks, other.masks)
    assert one.fingerprint == other.fingerprint


def test_a_whole_copy_has_no_fault(
    mmotu_like: Path, figshare_like: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_copy(figshare_like) == []
    assert main(["prepare", "mmotu", str(mmotu_like)]) == 0
    assert "as they should be" in capsys.readouterr().out


def test_every_fault_is_named(mmotu_like: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "copy"
    shutil.copytree(mmotu_like, root)
    labels = {entry.image: entry.label for entry in read_split()}
    (root / "images" / "1.JPG").unlink()
    (root / "images" / "2.JPG").write_bytes(b"\xff\xd8 no image")
    (root / "annotations" / "3_binary.PNG").write_bytes(b"")
    (root / "images" / "7.JPG").unlink()
    os.mkfifo(root / "images" / "7.JPG")
    cv2.imwrite(str(root / "annotations" / "4_binary.PNG"), np.ones((9, 9), np.uint8))
    cv2.imwrite(str(root / "annotations" / "5_binary.PNG"), np.zeros((120, 176), np.uint8))
    cv2.imwrite(str(root / "annotations" / "6.PNG"), np.full((120, 176, 3), 17, np.uint8))
    train = {e.image: e.label for e in read_split() if e.part == "train"}
    first, second = list(train)[:2]
    train[first] = (train[first] + 1) % 8
    del train[second]
    (root / "train_cls.txt").write_text("".join(f"{i}.JPG  {label}\n" for i, label in train.items()))
    assert main(["prepare", "mmotu", str(root), "--json"]) == 1
    found = [Fault(**fault) for fault in json.loads(capsys.readouterr().out)]
    assert {(fault.image, fault.path, fault.what) for fault in found} == {
        (first, "train_cls.txt", "another class than the committed split has"),
        (second, "train_cls.txt", "not in the class list"),
        (1, "images/1.JPG", "missing"),
        (2, "images/2.JPG", "not an image that can be decoded"),
        (3, "annotations/3_binary.PNG", "not an image that can be decoded"),
        (7, "images/7.JPG", "can't be read: not a regular file"),
        (4, "annotations/4_binary.PNG", "not the size of its image"),
        (5, "annotations/5_binary.PNG", "empty mask"),
        (6, "annotations/6.PNG", "not the colour of its class, " + _class(labels[6])),
    }
    assert main(["prepare", "mmotu", str(root)]) == 1
    assert "9 faults" in capsys.readouterr().out


def _class(label: int) -> str:
    from trainer.data.mmotu import CLASSES

    return CLASSES[label]


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds neither"):
        find_layout(tmp_path)
