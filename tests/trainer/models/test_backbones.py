"""ResNet and DenseNet against torchvision's published counts and MONAI's networks, given the same weights."""

from pathlib import Path

import pytest
import torch
from monai.networks import nets
from torch import nn

from scanside.errors import SettingError
from trainer.models.build import build_network
from trainer.models.densenet import densenet121
from trainer.models.imagenet import load_imagenet
from trainer.models.resnet import resnet18, resnet50
from trainer.models.spec import NetworkSpec

BACKBONES = {"resnet18": resnet18, "resnet50": resnet50, "densenet121": densenet121}
# torchvision's documentation counts the classifier too: 1000 classes from 512, 2048 and 1024 features.
PUBLISHED = {"resnet18": (11_689_512, 512), "resnet50": (25_557_032, 2048), "densenet121": (7_978_856, 1024)}

every_backbone = pytest.mark.parametrize("name", BACKBONES)


def uneven(network: nn.Module) -> nn.Module:
    """Batch norms as uneven as trained ones, so that a wrong order shows."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.2)
            nn.init.normal_(part.running_mean, std=0.2)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
    return network.eval()


@every_backbone
def test_has_as_many_parameters_as_torchvision_publishes(name: str) -> None:
    total, features = PUBLISHED[name]
    encoder = BACKBONES[name](in_channels=3)
    assert sum(p.numel() for p in encoder.stages.parameters()) == total - 1000 * features - 1000
    assert encoder.channels == features


@every_backbone
def test_computes_what_monai_computes_with_the_same_weights(name: str) -> None:
    torch.manual_seed(0)
    if name == "densenet121":
        theirs = nets.DenseNet121(spatial_dims=2, in_channels=3, out_channels=1).features
    else:
        theirs = getattr(nets, name)(
            spatial_dims=2, n_input_channels=3, conv1_t_stride=2, feed_forward=False, bias_downsample=False
        )
    uneven(theirs)
    ours = BACKBONES[name](in_channels=3).stages.eval()
    ours.load_state_dict({k.replace(".layers.", "."): v for k, v in theirs.state_dict().items()})
    x = torch.rand(2, 3, 83, 131)
    with torch.inference_mode():
        expected, got = theirs(x), ours(x)
    if name == "densenet121":
        expected = torch.relu(expected)  # MONAI's own ReLU stands in its classifier
    if expected.ndim == 2:
        got = got.mean((2, 3))
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def torchvision_file(name: str, path: Path) -> dict[str, torch.Tensor]:
    """A file as torchvision publishes it: 3-channel stem, classifier, and DenseNet's old layer names."""
    state = uneven(BACKBONES[name](in_channels=3).stages).state_dict()
    state = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    if name == "densenet121":
        old = {}
        for key, value in state.items():
            for part in ("norm1", "norm2", "conv1", "conv2"):
                if "denselayer" in key:
                    key = key.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
            old[f"features.{key}"] = value
        state = old | {"classifier.weight": torch.rand(1000, 1024), "classifier.bias": torch.rand(1000)}
    else:
        width = BACKBONES[name](in_channels=3).channels
        state |= {"fc.weight": torch.rand(1000, width), "fc.bias": torch.rand(1000)}
    torch.save(state, path)
    return state


@every_backbone
def test_every_imagenet_weight_loads_but_the_stem(name: str, tmp_path: Path) -> None:
    state = torchvision_file(name, tmp_path / "weights.pth")
    network = build_network(NetworkSpec(name, "cls"))  # type: ignore[arg-type]
    stem = next(iter(network.features.parameters())).clone()
    load_imagenet(network.features, tmp_path / "weights.pth", name)  # type: ignore[arg-type]
    assert torch.equal(next(iter(network.features.parameters())), stem)
    own = [v for k, v in network.features.state_dict().items() if not k.endswith("num_batches_tracked")]
    published = [v for k, v in state.items() if not k.startswith(("fc.", "classifier."))]
    assert len(own) == len(published)
    assert all(torch.equal(a, b) for a, b in zip(own[1:], published[1:], strict=True))


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    torchvision_file("resnet18", tmp_path / "weights.pth")
    with pytest.raises(SettingError, match="does not hold resnet50"):
        load_imagenet(resnet50().stages, tmp_path / "weights.pth", "resnet50")


def test_there_are_no_imagenet_weights_for_the_unet() -> None:
    with pytest.raises(SettingError, match="no ImageNet weights for unet"):
        load_imagenet(nn.Sequential(), None, "unet")
