"""The encoders are the published EfficientNet-B0 and -Lite0, weight by weight, for one grey channel."""

from pathlib import Path

import pytest
import torch

from scanside.errors import SettingError
from trainer.models.build import build_network
from trainer.models.efficientnet import efficientnet_features
from trainer.models.imagenet import load_imagenet
from trainer.models.spec import NetworkSpec


def torchvision_file(path: Path) -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of torchvision's file, random values."""
    network = efficientnet_features(in_channels=3)
    state = {f"features.{k}": torch.rand_like(v.float()).to(v.dtype) for k, v in network.state_dict().items()}
    state |= {"classifier.1.weight": torch.rand(1000, 1280), "classifier.1.bias": torch.rand(1000)}
    torch.save(state, path)
    return state


def test_has_as_many_parameters_as_torchvision_without_its_classifier() -> None:
    network = efficientnet_features(in_channels=3)
    # torchvision publishes 5,288,548 with the classifier of 1280 x 1000 + 1000.
    assert sum(p.numel() for p in network.parameters()) == 5_288_548 - 1_281_000


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("0.0.weight", (32, 1, 3, 3)),
        ("0.1.running_var", (32,)),
        ("1.0.block.0.0.weight", (32, 1, 3, 3)),
        ("1.0.block.1.fc1.bias", (8,)),
        ("1.0.block.2.0.weight", (16, 32, 1, 1)),
        ("2.0.block.0.0.weight", (96, 16, 1, 1)),
        ("2.0.block.2.fc1.weight", (4, 96, 1, 1)),
        ("3.1.block.1.0.weight", (240, 1, 5, 5)),
        ("6.3.block.2.fc2.weight", (1152, 48, 1, 1)),
        ("7.0.block.3.0.weight", (320, 1152, 1, 1)),
        ("8.0.weight", (1280, 320, 1, 1)),
    ],
)
def test_names_and_shapes_are_torchvisions(name: str, shape: tuple[int, ...]) -> None:
    assert tuple(efficientnet_features().state_dict()[name].shape) == shape


def test_every_imagenet_weight_loads_but_the_stem(tmp_path: Path) -> None:
    given = torchvision_file(tmp_path / "b0.pth")
    network = efficientnet_features()
    stem = network.state_dict()["0.0.weight"].clone()
    load_imagenet(network, tmp_path / "b0.pth")
    for name, value in network.state_dict().items():
        expected = stem if name == "0.0.weight" else given[f"features.{name}"]
        assert torch.equal(value, expected), name


@pytest.mark.parametrize("damage", ["missing", "shape", "foreign"])
def test_weights_of_another_network_are_refused(tmp_path: Path, damage: str) -> None:
    state = torchvision_file(tmp_path / "b0.pth")
    if damage == "missing":
        del state["features.8.0.weight"]
    elif damage == "shape":
        state["features.8.0.weight"] = torch.rand(1408, 352, 1, 1)
    else:
        state["features.9.0.weight"] = torch.rand(1)
    torch.save(state, tmp_path / "b0.pth")
    with pytest.raises(SettingError, match="names or shapes differ"):
        load_imagenet(efficientnet_features(), tmp_path / "b0.pth")


@pytest.mark.parametrize("content", [b"", b"not a state dict"])
def test_a_damaged_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b0.pth").write_bytes(content)
    with pytest.raises(SettingError, match="can't be read"):
        load_imagenet(efficientnet_features(), tmp_path / "b0.pth")


def test_lite0_with_its_imagenet_weights_computes_what_its_publisher_computes() -> None:
    network = efficientnet_features(in_channels=3, lite=True).eval()
    load_imagenet(network, None, "efficientnet_lite0")
    with torch.inference_mode():
        features = network(torch.linspace(-1, 1, 3 * 97 * 97).reshape(1, 3, 97, 97))
    # The figures are those of efficientnet_lite_pytorch 0.1.0 for an input of 97 x 97, where both pad alike.
    assert features.shape == (1, 1280, 4, 4)
    assert features.mean().item() == pytest.approx(0.0701109, rel=1e-4)
    assert features.std().item() == pytest.approx(0.3938857, rel=1e-4)
    strongest = features[0, :, 1, 2].topk(3)
    assert strongest.indices.tolist() == [1042, 113, 897]
    assert strongest.values.tolist() == pytest.approx([6.0, 5.0593, 4.6446], rel=1e-4)


def test_lite0_sees_a_grey_scan_as_the_same_picture_in_three_channels() -> None:
    grey, coloured = efficientnet_features(lite=True).eval(), efficientnet_features(3, lite=True).eval()
    load_imagenet(grey, None, "efficientnet_lite0")
    load_imagenet(coloured, None, "efficientnet_lite0")
    scan = torch.rand(1, 1, 65, 97)
    with torch.inference_mode():
        ours, theirs = grey[0](scan), coloured[0](2 * scan.expand(1, 3, -1, -1) - 1)
    inside = (..., slice(1, -1), slice(1, -1))  # at its border one pads with black, the other with mid-grey
    torch.testing.assert_close(ours[inside], theirs[inside], rtol=1e-4, atol=1e-4)


def test_lite0_refuses_the_weights_of_b0(tmp_path: Path) -> None:
    torchvision_file(tmp_path / "b0.pth")
    with pytest.raises(SettingError, match="can't be read"):
        load_imagenet(efficientnet_features(lite=True), tmp_path / "b0.pth", "efficientnet_lite0")


def test_stages_halve_336_x_544_rounding_up() -> None:
    x = torch.rand(1, 1, 336, 544)
    sizes = []
    with torch.inference_mode():
        for stage in efficientnet_features().eval():
            x = stage(x)
            sizes.append(tuple(x.shape[2:]))
    half, quarter, eighth, sixteenth, thirty_second = (168, 272), (84, 136), (42, 68), (21, 34), (11, 17)
    assert sizes == [
        half, half, quarter, eighth, sixteenth, sixteenth, thirty_second, thirty_second, thirty_second,
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(336, 544), (168, 272), (97, 131), (33, 40)])
@pytest.mark.parametrize("clinical", [0, 2])
def test_multitask_output_fits_any_input(size: tuple[int, int], clinical: int) -> None:
    network = build_network(NetworkSpec("efficientnet", "mtl", classes=8, clinical_inputs=clinical)).eval()
    facts = torch.zeros(2, clinical) if clinical else None
    with torch.inference_mode():
        output = network(torch.rand(2, 1, *size), facts)
    assert output.class_logits.shape == (2, 8)
    assert output.lesion_logits.shape == (2, 1, *size)
    assert output.features.shape == (2, 2 * (16 + 24 + 40))


def test_gradients_reach_every_parameter() -> None:
    network = build_network(NetworkSpec("efficientnet", "mtl", classes=2, clinical_inputs=2))
    output = network(torch.rand(4, 1, 64, 96), torch.ones(4, 2))
    (output.class_logits.square().sum() + output.lesion_logits.square().sum()).backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # A ReLU of the clinical branch may be off for the one input used; everything else must move.
    assert [name for name in still if not name.startswith("clinical")] == []


def test_clinical_facts_move_the_classes_and_not_the_lesion() -> None:
    network = build_network(NetworkSpec("efficientnet", "mtl", classes=2, clinical_inputs=2)).eval()
    scan = torch.rand(1, 1, 64, 96)
    with torch.inference_mode():
        neither, both = network(scan, torch.zeros(1, 2)), network(scan, torch.ones(1, 2))
    assert not torch.equal(neither.class_logits, both.class_logits)
    assert torch.equal(neither.lesion_logits, both.lesion_logits)
    assert torch.equal(neither.features, both.features)
