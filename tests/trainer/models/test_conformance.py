"""What every network of every arm has to do, whatever it is made of."""

import warnings
from itertools import product

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from trainer.models.build import build_network
from trainer.models.network import Network, NetworkOutput
from trainer.models.spec import NetworkSpec

ARMS = [
    *(NetworkSpec(encoder, "seg") for encoder in ("unet", "efficientnet")),
    *(
        NetworkSpec(encoder, task, classes, clinical)
        for encoder, task, (classes, clinical) in product(
            ("unet", "efficientnet"), ("cls", "mtl"), ((8, 0), (2, 2))
        )
    ),
    NetworkSpec("efficientnet", "mtl", clinical_inputs=3),
    NetworkSpec("efficientnet_lite0", "mtl", 8),
    NetworkSpec("efficientnet_lite0", "mtl", 8, guided=True),
    NetworkSpec("unet", "mtl", pooled_blocks=1, surplus="top"),
    NetworkSpec("efficientnet", "cls", 8, hidden=(256,), dropout=0.4),
    *(NetworkSpec(encoder, "cls") for encoder in ("resnet18", "resnet50", "densenet121")),
    NetworkSpec("none", "cls", clinical_inputs=2),
]
SIZES = [(64, 96), (83, 131)]


def name_of(spec: NetworkSpec) -> str:
    marks = f"{'-clinical' + str(spec.clinical_inputs) if spec.clinical_inputs else ''}"
    return f"{spec.encoder}-{spec.task}{marks}{'-as-code' if spec.surplus == 'top' else ''}" + (
        "-guided" if spec.guided else ""
    )


@pytest.fixture(scope="module", params=ARMS, ids=name_of)
def spec(request: pytest.FixtureRequest) -> NetworkSpec:
    return request.param


@pytest.fixture(scope="module")
def network(spec: NetworkSpec) -> Network:
    return seeded(spec)


def inputs_for(spec: NetworkSpec, batch: int, size: tuple[int, int]) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(5)
    scan = torch.rand(batch, 1, *size, generator=generator)
    if not spec.clinical_inputs:
        return (scan,)
    return scan, torch.randint(0, 2, (batch, spec.clinical_inputs), generator=generator).float()


def seeded(spec: NetworkSpec) -> Network:
    torch.manual_seed(11)
    return build_network(spec)


def given(output: NetworkOutput) -> dict[str, Tensor]:
    return {name: value for name, value in output._asdict().items() if value is not None}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_outputs_are_those_of_the_task_at_any_size(
    spec: NetworkSpec, network: Network, size: tuple[int, int]
) -> None:
    with torch.inference_mode():
        output = given(network.eval()(*inputs_for(spec, 2, size)))
    assert ("class_logits" in output) == (spec.task != "seg")
    assert ("lesion_logits" in output) == (spec.task != "cls")
    assert ("features" in output) == (spec.encoder in ("unet", "efficientnet", "efficientnet_lite0"))
    if spec.task != "seg":
        assert output["class_logits"].shape == (2, spec.classes)
    if spec.task != "cls":
        assert output["lesion_logits"].shape == (2, 1, *size)
    assert all(value.isfinite().all() for value in output.values())


def test_gradients_reach_every_parameter(spec: NetworkSpec, network: Network) -> None:
    network.train().zero_grad()
    output = given(network(*inputs_for(spec, 4, (48, 64))))
    sum(value.square().sum() for value in output.values()).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_seed_settles_weights_and_dropout(spec: NetworkSpec) -> None:
    inputs = inputs_for(spec, 2, (33, 33))
    first, second = (given(seeded(spec).train()(*inputs)) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_slide_is_judged_without_its_neighbours(spec: NetworkSpec, network: Network) -> None:
    inputs = inputs_for(spec, 3, (49, 33))
    network.eval()
    with torch.inference_mode():
        together = given(network(*inputs))
        alone = given(network(*(value[1:2] for value in inputs)))
    for name, value in together.items():
        torch.testing.assert_close(alone[name], value[1:2], atol=1e-5, rtol=1e-4)


class _Given(nn.Module):
    """The outputs that a network has, as ONNX wants them: a tuple without None."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, scan: Tensor, clinical: Tensor | None = None) -> tuple[Tensor, ...]:
        return tuple(given(self.network(scan, clinical)).values())


@pytest.mark.slow
def test_onnx_computes_the_same(spec: NetworkSpec, network: Network) -> None:
    """Exported as export.to_onnx does, at an odd size, run on a batch that the export has not seen."""
    network.train()
    network(*inputs_for(spec, 4, (50, 70)))  # batch statistics other than those of the start
    network.eval()
    names = ["scan", "clinical"][: 1 + bool(spec.clinical_inputs)]
    batch = torch.export.Dim("batch", min=1, max=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Given(network),
            inputs_for(spec, 2, (49, 67)),
            input_names=names,
            dynamic_shapes=tuple({0: batch} for _ in names),
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    inputs = inputs_for(spec, 3, (49, 67))
    feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    got = session.run(None, {one.name: feed[one.name] for one in session.get_inputs()})
    with torch.inference_mode():
        expected = given(network(*inputs))
    assert len(got) == len(expected)
    for array, (name, value) in zip(got, expected.items(), strict=True):
        np.testing.assert_allclose(array, value.numpy(), atol=2e-4, rtol=1e-3, err_msg=name)
