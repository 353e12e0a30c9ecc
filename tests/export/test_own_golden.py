"""An INT8 network brings a golden case of its own: a runner that computes it wrong is refused at load."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from export import acceptance
from export.cli import main
from export.quantise import quantise
from scanside.assess.choose import open_network
from scanside.assess.golden import golden_differences
from scanside.errors import BundleError, RunnerError
from scanside.model.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from scanside.model.manifest import Variant
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.options import CpuOptions
from scanside.runtime.preference import RuntimeOptions
from tests.export.test_quantise import parts

Tensor = onnx.TensorProto
INT8 = RuntimeOptions(("onnxruntime:int8",), threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model with every layer in INT8: how much that changes is not what is tested here."""
    out = tmp_path_factory.mktemp("int8") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(acceptance.LIMITS, "int8", acceptance.Limits(*[1e9] * 7))
        quantise(DEFAULT_BUNDLE, parts, "int8", out)
    return out


@pytest.fixture(scope="module")
def made(folder: Path) -> Bundle:
    return load_bundle(folder)


def variant_of(bundle: Bundle) -> Variant:
    found = bundle.manifest.variant("int8", "onnxruntime")
    assert found is not None
    return found


def damaged(bundle: Bundle, is_weight: bool, change: Callable[[np.ndarray], np.ndarray]) -> Bundle:
    """The bundle with one scale of its INT8 graph changed, of the weights or of the activations."""
    file = variant_of(bundle).file
    model = onnx.load_from_string(bundle.files[file])
    scales = [t for t in model.graph.initializer if t.name.endswith("_scale")]
    chosen = [t for t in scales if (numpy_helper.to_array(t).size > 1) == is_weight]
    scale = chosen[len(chosen) // 2]
    scale.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(scale)), scale.name))
    return replace(bundle, files={**bundle.files, file: model.SerializeToString()})


@pytest.mark.parametrize("optimisation", ["all", "extended", "basic"])
def test_each_right_way_to_compute_it_is_accepted(optimisation: str, made: Bundle) -> None:
    how = replace(INT8, cpu=CpuOptions(optimisation))  # type: ignore[arg-type]
    choice = open_network(made, how)
    assert choice.precision == "int8" and choice.denoiser is not None


@pytest.mark.parametrize(
    ("is_weight", "change"),
    [(True, lambda scale: scale * np.float32(1.2)), (False, lambda scale: scale / np.float32(4))],
    ids=["a layer 20 % too strong", "a range a quarter of what it is: values saturate"],
)
def test_a_damaged_scale_is_refused_that_the_checkpoints_case_lets_pass(
    is_weight: bool, change: Callable[[np.ndarray], np.ndarray], made: Bundle
) -> None:
    wrong = damaged(made, is_weight, change)
    variant = variant_of(wrong)
    differences = golden_differences(wrong, OnnxRuntime(wrong.files[variant.file], 1))
    assert all(apart <= variant.tolerance[name] for name, apart in differences.items())
    with pytest.raises(RunnerError, match=r"does not compute in int8 what another machine did.*differs by"):
        open_network(wrong, INT8)


def test_it_stands_in_the_manifest_and_belongs_to_the_bundle(made: Bundle, folder: Path) -> None:
    own = variant_of(made).golden
    assert own is not None and own.file == "golden.int8.onnxruntime.npz"
    assert all(0 < value < variant_of(made).tolerance[name] for name, value in own.tolerance.items())
    assert len(made.arrays(own.file)["in_scan"]) == 6
    tensorrt = made.manifest.variant("int8", "tensorrt")
    assert tensorrt is not None and tensorrt.golden is not None
    assert all(tensorrt.golden.tolerance[name] < limit for name, limit in tensorrt.tolerance.items())
    content = (folder / own.file).read_bytes()
    (folder / own.file).unlink()
    with pytest.raises(BundleError, match=r"golden\.int8\.onnxruntime\.npz"):
        load_bundle(folder)
    (folder / own.file).write_bytes(content)


def test_tensorrt_reads_its_int8_network(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed: no engine can be built")
    words = ["--precision", "int8", "--cache", str(tmp_path), "--module", "tensorrt-rtx"]
    assert main(["engine", str(folder), *words, "--compute-capability", "8.6", "12.0"]) == 0
    assert len(list(tmp_path.glob("network-*-int8-*.engine"))) == 1
    assert len(list(tmp_path.glob("denoiser-*-fp32-*.engine"))) == 1
