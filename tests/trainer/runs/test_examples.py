"""Which slides a report shows, and what it draws on them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from trainer.data.slides import Slides
from trainer.models.build import build_network
from trainer.models.spec import EncoderName, NetworkSpec, Task
from trainer.runs.examples import choose_examples
from trainer.runs.predictions import predict_slides


def slides(count: int = 14) -> Slides:
    rng = np.random.default_rng(0)
    names = np.array([f"s{i}" for i in range(count)])
    scans = rng.integers(0, 256, (count, 40, 64), np.uint8)
    masks = scans > 128
    labels = np.arange(count) % 2
    facts = np.full((count, 2), 0.5, np.float32)
    return Slides(names, names, labels, scans, masks, np.ones(count, bool), facts, "")


@pytest.mark.parametrize(
    ("encoder", "task"),
    [("unet", "mtl"), ("efficientnet", "cls"), ("resnet18", "cls"), ("densenet121", "cls"), ("unet", "seg")],
)
def test_examples_of_every_network(encoder: EncoderName, task: Task) -> None:
    torch.manual_seed(0)
    network = build_network(
        NetworkSpec(encoder, task, clinical_inputs=2 if task == "mtl" else 0, unet_width=4)
    )
    data = slides()
    found = predict_slides(network, data, 2, "test", torch.device("cpu"))
    before = [len(module._forward_hooks) for module in network.modules()]
    examples = choose_examples(network, data, found)
    assert [len(module._forward_hooks) for module in network.modules()] == before
    assert len(examples.kinds) <= 12 and set(examples.kinds) <= {"right", "wrong", "doubtful"}
    assert examples.saliency.shape == examples.scans.shape == (len(examples.kinds), 40, 64)
    if task == "seg":
        assert not examples.saliency.any() and (examples.called == -1).all()
    else:
        assert examples.saliency.max() == 255
        right = examples.kinds == "right"
        assert (examples.called[right] == examples.labels[right]).all()
        wrong = examples.kinds == "wrong"
        assert (examples.called[wrong] != examples.labels[wrong]).all()
    if task == "cls":
        assert not examples.outlined.any()


def test_examples_of_an_outline_have_one_to_compare_with() -> None:
    torch.manual_seed(0)
    network, data = build_network(NetworkSpec("unet", "seg", unet_width=4)), slides()
    masked = np.arange(len(data)) % 3 > 0
    drawn = np.where(masked[:, None, None], data.masks, False)
    data = replace(data, masks=drawn, has_mask=masked)
    examples = choose_examples(network, data, predict_slides(network, data, 2, "test", torch.device("cpu")))
    assert len(examples.kinds) == np.count_nonzero(masked)
    assert examples.drawn.any(axis=(1, 2)).all()
