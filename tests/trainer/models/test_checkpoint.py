"""A checkpoint says which network it is of, in plain values; what does not fit together is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scanside.errors import InputError, SettingError
from tests.export.conftest import checkpoint_of
from trainer.models import checkpoint as checkpoints
from trainer.models.spec import NetworkSpec


@pytest.mark.parametrize("encoder", ["unet", "efficientnet"])
def test_the_network_comes_back(encoder: str, tmp_path: Path) -> None:
    saved, path = checkpoint_of(("menopausal_status",), encoder), tmp_path / "checkpoint.pt"  # type: ignore[arg-type]
    checkpoints.save(saved, path)
    loaded = checkpoints.load(path)
    assert loaded.spec == saved.spec and loaded.spec.encoder == encoder
    inputs = torch.rand(1, 1, 56, 88), torch.ones(1, 1)
    with torch.inference_mode():
        first, again = (network(*inputs) for network in (saved.network(), loaded.network()))
    assert torch.equal(first.class_logits, again.class_logits)


def content_of(path: Path, **changes: object) -> None:
    content = torch.load(path, weights_only=True)
    torch.save({key: v for key, v in {**content, **changes}.items() if v is not None}, path)


def test_one_of_before_is_of_the_only_network_that_there_was(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoints.save(checkpoint_of(), path)
    content_of(path, spec=None)
    assert checkpoints.load(path).spec == NetworkSpec("efficientnet", "mtl", 2)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": "scanside-checkpoint/2"}, "it is one of 'scanside-checkpoint/2'"),
        ({"spec": {"encoder": "unet", "task": "mtl"}}, "Missing key"),
        ({"spec": {"encoder": "transformer", "task": "mtl"}}, "choose one of unet"),
        ({"spec": {"encoder": "unet", "task": "mtl", "layers": 3}}, "layers"),
        ({"spec": {"encoder": "efficientnet", "task": "mtl", "classes": 3}}, "as it names"),
        ({"state": {}}, "Missing key"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], why: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoints.save(checkpoint_of(), path)
    content_of(path, **changes)
    with pytest.raises(InputError, match=rf"not a checkpoint of this version.*(?s:.)*{why}"):
        checkpoints.load(path)


@pytest.mark.parametrize("spec", [NetworkSpec("efficientnet", "seg"), NetworkSpec("resnet18", "cls")])
def test_a_network_without_mask_or_classes_makes_no_model(spec: NetworkSpec) -> None:
    with pytest.raises(SettingError, match=f"not one of task {spec.task}"):
        replace(checkpoint_of(), spec=spec)
