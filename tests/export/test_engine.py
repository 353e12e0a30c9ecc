"""Engines of every network, built by TensorRT for RTX, which needs no GPU for it."""

import io
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from export.build_engine import build
from export.cli import main
from export.convert import Parity
from export.engine import source_graph
from export.half import KEPT_IN_FP32, to_half
from scanside.errors import BundleError, RunnerError, SettingError
from scanside.model.bundle import DEFAULT_BUNDLE, DENOISER, GOLDEN, NETWORK, Bundle, load_bundle
from scanside.runtime.cuda import Cuda
from scanside.runtime.engine import DENOISER_PRECISION, Gpu, engines_of, find_engine
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.tensorrt_module import TensorRtModule, load_module
from trainer.models.build import build_network as build_network
from trainer.models.spec import NetworkSpec

Exported = tuple[Path, Bundle, Parity]
SHAPES = {"scan": (1, 48, 80), "clinical": (3,)}
NETWORKS = [
    NetworkSpec("unet", "seg", unet_width=8),
    NetworkSpec("unet", "mtl", unet_width=8, clinical_inputs=3),
    NetworkSpec("efficientnet", "seg"),
    NetworkSpec("efficientnet", "cls", classes=8),
    NetworkSpec("efficientnet_lite0", "mtl", classes=8),
    NetworkSpec("resnet18", "cls"),
    pytest.param(NetworkSpec("densenet121", "cls"), marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def rtx() -> TensorRtModule:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed: no engine can be built")
    return load_module("tensorrt-rtx")


class Outputs(nn.Module):
    """The outputs that a network has, whatever its task."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(output for output in self.network(*inputs) if output is not None)


def graph_of(spec: NetworkSpec) -> bytes:
    """By torch's older exporter: it writes the same operators in a fraction of the time."""
    torch.manual_seed(1)
    arguments = [torch.rand(2, 1, 48, 80)]
    if spec.clinical_inputs:
        arguments.append(torch.zeros(2, spec.clinical_inputs))
    names = ["scan", "clinical"][: len(arguments)]
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Outputs(build_network(spec)).eval(),
            tuple(arguments),
            content,
            input_names=names,
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=18,
            dynamo=False,
        )
    return content.getvalue()


def build_for_8_6(graph: bytes, module: TensorRtModule) -> bytes:
    return build(
        graph, module, max_batch=4, shapes=SHAPES, compute_capabilities=("8.6",), progress=lambda *_: None
    )


@pytest.mark.parametrize("spec", NETWORKS, ids=lambda spec: f"{spec.encoder}-{spec.task}")
def test_every_network_becomes_an_engine_in_fp16(spec: NetworkSpec, rtx: TensorRtModule) -> None:
    assert len(build_for_8_6(to_half(graph_of(spec)), rtx)) > 100_000


@pytest.fixture(scope="module")
def cache(exported: Exported, rtx: TensorRtModule, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Engines of an exported bundle, built by the command itself."""
    folder = tmp_path_factory.mktemp(rtx.name)
    for precision in ("fp32", "fp16"):
        assert main(_engine(exported[0], folder, precision)) == 0
    return folder


def _engine(bundle: Path, cache: Path, precision: str, *more: str) -> list[str]:
    target = [] if "--compute-capability" in more else ["--compute-capability", "8.6", "12.0"]
    return ["engine", str(bundle), "--precision", precision, "--cache", str(cache), *target, *more]


def test_the_command_builds_what_the_runtime_finds(
    cache: Path, exported: Exported, rtx: TensorRtModule
) -> None:
    bundle = exported[1]
    for precision in ("fp32", "fp16"):
        gpu = Gpu("NVIDIA GeForce RTX 5090", "12.0")
        engine, content = find_engine(cache, bundle.digest, NETWORK, precision, rtx, gpu)
        assert engine.compute_capabilities == ("8.6", "12.0")
        assert engine.max_batch == 4  # two unknown clinical facts of two values each
        assert content.startswith(b"vtrt") or len(content) > 1_000_000


@pytest.fixture(scope="module")
def with_denoiser(rtx: TensorRtModule, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Engines of the default model: its network in FP16, its denoiser in FP32."""
    folder = tmp_path_factory.mktemp(f"{rtx.name}-default")
    assert main(_engine(DEFAULT_BUNDLE, folder, "fp16")) == 0
    return folder


def test_the_denoiser_gets_an_engine_in_fp32(with_denoiser: Path, rtx: TensorRtModule) -> None:
    bundle, gpu = load_bundle(DEFAULT_BUNDLE), Gpu("NVIDIA GeForce RTX 5090", "12.0")
    assert find_engine(with_denoiser, bundle.digest, NETWORK, "fp16", rtx, gpu)[0].max_batch == 1
    engine, _ = find_engine(with_denoiser, bundle.digest, DENOISER, DENOISER_PRECISION, rtx, gpu)
    assert (engine.precision, engine.max_batch) == ("fp32", 1)
    assert {(e.graph, e.precision) for e in engines_of(with_denoiser, bundle.digest)} == {
        (NETWORK, "fp16"),
        (DENOISER, "fp32"),
    }


def test_verify_runs_the_engines_or_says_why_not(
    with_denoiser: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        Cuda()
        pytest.skip("there is a GPU here: tests/scanside/runtime/test_tensorrt_gpu.py runs them")
    except RunnerError:
        pass
    assert main(["verify", str(DEFAULT_BUNDLE), "--engines", str(with_denoiser)]) == 2
    said = capsys.readouterr().out
    assert said.count("NOT RUN") == 2 and "the denoiser in float32 was not run: " in said
    assert main(["verify", str(DEFAULT_BUNDLE), "--engines", str(tmp_path)]) == 1
    assert "has no engine of this bundle. Build one" in capsys.readouterr().err


def test_what_is_there_is_not_built_again_and_what_was_altered_is(
    cache: Path, exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_engine(exported[0], cache, "fp16")) == 0
    assert "was there already" in capsys.readouterr().out
    (engine,) = cache.glob("*fp16*.engine")
    engine.write_bytes(engine.read_bytes()[:-1])
    assert main(_engine(exported[0], cache, "fp16")) == 0
    assert "built in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "code", "why"),
    [
        (("--compute-capability", "3.5"), 1, "can't build for compute capability '3.5'; it can for 7.5, 8.0"),
        (("--max-batch", "0"), 1, "must lie between 1 and 64"),
        (("--max-batch", "65"), 1, "must lie between 1 and 64"),
    ],
)
@pytest.mark.usefixtures("rtx")
def test_wishes_that_can_not_be_had(
    more: tuple[str, ...], code: int, why: str, exported: Exported, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(_engine(exported[0], tmp_path, "fp32", *more)) == code
    assert why in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_tensorrt_itself_builds_only_for_the_gpu_that_is_there(rtx: TensorRtModule) -> None:
    """The two share their API, so RTX's stands in for the name that refuses."""
    with pytest.raises(SettingError, match="--compute-capability is for tensorrt-rtx"):
        build_for_8_6(
            graph_of(NetworkSpec("unet", "seg", unet_width=1)), TensorRtModule("tensorrt", "10.3", rtx.api)
        )


@pytest.mark.parametrize("graph", [b"", b"no graph"])
def test_no_network(graph: bytes, rtx: TensorRtModule) -> None:
    with pytest.raises(RunnerError, match="can't read the network"):
        build_for_8_6(graph, rtx)


def test_an_operator_that_tensorrt_does_not_know(rtx: TensorRtModule) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    node = helper.make_node("NoSuchThing", ["x"], ["y"], domain="elsewhere")
    model = helper.make_model(
        helper.make_graph([node], "g", [value], [out]), opset_imports=[helper.make_opsetid("", 17)]
    )
    with pytest.raises(RunnerError, match="can't read the network"):
        build_for_8_6(model.SerializeToString(), rtx)


def test_ctrl_c_ends_a_build(rtx: TensorRtModule) -> None:
    def enough(*_: object) -> None:
        raise KeyboardInterrupt

    graph = graph_of(NetworkSpec("unet", "seg", unet_width=4))
    with pytest.raises(KeyboardInterrupt):
        build(graph, rtx, max_batch=1, shapes=SHAPES, compute_capabilities=("8.6",), progress=enough)


def test_int8_takes_a_graph_that_the_bundle_brings(exported: Exported) -> None:
    bundle = exported[1]
    with pytest.raises(BundleError, match=r"no network\.onnx in int8"):
        source_graph(bundle, NETWORK, "int8")


def test_fp16_computes_nearly_the_same_in_mostly_fp16() -> None:
    """The rounding is real; the order of the sums on a GPU is another."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    half = to_half(bundle.files[NETWORK])
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(half))
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    arithmetic = [node for node in model.graph.node if node.op_type in ("Conv", "ConvTranspose", "Mul")]
    assert {types[node.output[0]] for node in arithmetic} == {TensorProto.FLOAT16}
    kept = [node for node in model.graph.node if node.op_type in KEPT_IN_FP32]
    assert kept and TensorProto.FLOAT16 not in {types.get(node.output[0]) for node in kept}
    golden = bundle.arrays(GOLDEN)
    outputs = OnnxRuntime(half, 1).run({"scan": golden["in_scan"]})
    assert {value.dtype for value in outputs.values()} == {np.dtype(np.float32)}
    assert np.abs(outputs["class_probability"] - golden["out_class_probability"]).max() < 5e-3
    assert np.abs(outputs["lesion_probability"] - golden["out_lesion_probability"]).mean() < 1e-3


def test_a_weight_too_large_for_fp16_is_refused() -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    weight = numpy_helper.from_array(np.array([1, 2, 7e4], np.float32), "weight")
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "weight"], ["y"])], "g", [value], [out], [weight]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    with pytest.raises(BundleError, match="'weight' is too large for FP16"):
        to_half(model.SerializeToString())


def test_the_command_loads_no_torch(tmp_path: Path) -> None:
    """On a Jetson there is none."""
    code = (
        "import json, sys\n"
        "from export.cli import main\n"
        f"main(['engine', {str(DEFAULT_BUNDLE)!r}, '--precision', 'fp16', '--cache', {str(tmp_path)!r}, "
        "'--module', 'tensorrt-rtx', '--compute-capability', '8.6'])\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert not {"torch", "trainer", "edge", "lightning"} & set(loaded) and "numpy" in loaded
