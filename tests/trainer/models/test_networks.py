"""What single networks promise: known parameter counts, the thesis's wiring, and the checks of a spec."""

import pytest
import torch
from torch import nn

from scanside.errors import SettingError
from trainer.models.build import build_network
from trainer.models.carry_over import carry_over
from trainer.models.efficientnet import efficientnet_features
from trainer.models.heads import UpStep
from trainer.models.spec import NetworkSpec
from trainer.models.unet import unet


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_unet_has_the_31_million_parameters_that_its_layers_add_up_to() -> None:
    widths = (64, 128, 256, 512, 1024)

    def double(given: int, out: int) -> int:
        return 9 * given * out + 9 * out * out + 4 * out  # two convolutions without bias, two batch norms

    encoder = double(1, 64) + sum(double(a, 2 * a) for a in widths[:-1])
    decoder = sum(4 * 2 * a * a + a + double(2 * a, a) for a in widths[:-1])
    expected = encoder + decoder + 64 + 1
    assert parameters(build_network(NetworkSpec("unet", "seg"))) == expected == 31_036_481


def test_efficientnet_has_the_count_of_torchvision() -> None:
    assert parameters(efficientnet_features(in_channels=3)) == 4_007_548


@pytest.mark.parametrize(("blocks", "features"), [(1, 1024), (2, 512 + 1024)])
def test_unet_classifies_the_average_of_its_last_blocks(blocks: int, features: int) -> None:
    network = build_network(NetworkSpec("unet", "cls", pooled_blocks=blocks)).eval()
    assert network.head is not None and network.head[0].in_features == features
    x, pooled = torch.rand(1, 1, 64, 96), []
    with torch.inference_mode():
        expected = x
        for stage in network.features:
            expected = stage(expected)
            pooled.append(expected.mean((2, 3)))
        logits = network.head(torch.cat(pooled[-blocks:], dim=1))
        torch.testing.assert_close(network(x).class_logits, logits)


def test_unet_halves_336_x_544_to_21_x_34() -> None:
    x, sizes = torch.empty(1, 1, 336, 544, device="meta"), []  # shapes only
    for stage in unet().stages.to("meta").eval():
        x = stage(x)
        sizes.append(tuple(x.shape[2:]))
    assert sizes == [(336, 544), (168, 272), (84, 136), (42, 68), (21, 34)]


def test_one_pass_serves_every_task() -> None:
    """Single-task networks are the multitask network without the other part, under the same names."""
    for encoder in ("unet", "efficientnet"):
        both = set(build_network(NetworkSpec(encoder, "mtl")).state_dict())
        seg = set(build_network(NetworkSpec(encoder, "seg")).state_dict())
        cls = set(build_network(NetworkSpec(encoder, "cls")).state_dict())
        assert seg | cls == both
        assert {name.partition(".")[0] for name in seg & cls} == {"features"}


@pytest.mark.parametrize("surplus", ["bottom", "top"])
def test_the_surplus_row_of_the_decoder_goes_where_it_should(surplus: str) -> None:
    step = UpStep(2, 1, 1, surplus)
    step.convs = nn.Identity()
    with torch.no_grad():
        step.up.weight.fill_(1)
        step.up.bias.zero_()
    x = torch.zeros(1, 2, 2, 2)
    x[:, :, 1, 1] = 1  # rows and columns 2 and 3 after the step
    up = step(x, torch.zeros(1, 1, 3, 3))[0, 0]
    expected = torch.zeros(3, 3)
    first = 2 if surplus == "bottom" else 1
    expected[first:, first:] = 2
    assert torch.equal(up, expected)


def test_clinical_facts_alone_decide_where_there_is_no_encoder() -> None:
    network = build_network(NetworkSpec("none", "cls", clinical_inputs=2)).eval()
    facts = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    with torch.inference_mode():
        logits = network(torch.zeros(2, 1, 32, 32), facts).class_logits
        assert torch.equal(logits, network(torch.rand(2, 1, 32, 32), facts).class_logits)
        assert not torch.equal(logits[0], logits[1])


def test_carry_over_takes_equal_names_and_shapes_and_reports_the_rest() -> None:
    source = build_network(NetworkSpec("efficientnet", "mtl", classes=8))
    network = build_network(NetworkSpec("efficientnet", "cls", classes=2, clinical_inputs=2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    report = carry_over(source.state_dict(), network)
    after = network.state_dict()
    assert report.reshaped == ("head.0.weight", "head.5.weight", "head.5.bias")
    assert report.fresh == ("clinical.0.weight", "clinical.0.bias", "clinical.2.weight", "clinical.2.bias")
    assert {name.partition(".")[0] for name in report.dropped} == {"decoder", "lesion"}
    assert {name for name in after if name.startswith("features")} < set(report.carried)
    assert set(report.carried) | set(report.reshaped) | set(report.fresh) == set(after)
    for name in report.carried:
        assert torch.equal(after[name], source.state_dict()[name])
    for name in report.reshaped + report.fresh:
        assert torch.equal(after[name], before[name])
    assert f"{len(report.carried)} tensors carried over; 3 of another shape and 4 new" in str(report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoder": "vgg", "task": "cls"}, "choose one of unet"),
        ({"encoder": "unet", "task": "both"}, "choose one of seg"),
        ({"encoder": "resnet18", "task": "mtl"}, "no decoder"),
        ({"encoder": "unet", "task": "seg", "clinical_inputs": 2}, "no clinical facts"),
        ({"encoder": "none", "task": "cls"}, "needs clinical_inputs"),
        ({"encoder": "unet", "task": "cls", "classes": 0}, "too small"),
        ({"encoder": "unet", "task": "cls", "hidden": (256, 0)}, "too small"),
        ({"encoder": "unet", "task": "cls", "pooled_blocks": 6}, "blocks 1 to 5"),
        ({"encoder": "unet", "task": "cls", "dropout": 1.0}, "probabilities"),
    ],
)
def test_what_is_no_network_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        NetworkSpec(**arguments)  # type: ignore[arg-type]
