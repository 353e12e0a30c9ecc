"""INT8 and FP16 graphs of a real network: where they are quantised, where not, and that they run."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from export.convert import Parity
from export.golden import golden_inputs
from export.half import to_half
from export.int8 import calibrate, layers, quantisable, to_int8, widened
from scanside.model.bundle import NETWORK, Bundle
from scanside.runtime.onnxruntime import OnnxRuntime

Exported = tuple[Path, Bundle, Parity]
Made = tuple[onnx.ModelProto, dict[str, onnx.ModelProto], dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def made(exported: Exported) -> Made:
    bundle = exported[1]
    model = widened(bundle.files[NETWORK])
    inputs = golden_inputs(bundle.manifest.input_size, 2)
    ranges = calibrate(model, [inputs])
    return (
        model,
        {runtime: to_int8(model, ranges, runtime) for runtime in ("onnxruntime", "tensorrt")},
        inputs,
    )


def test_widened_computes_the_same_without_fp16(made: Made, exported: Exported) -> None:
    model, _, inputs = made
    assert not any(tensor.data_type == TensorProto.FLOAT16 for tensor in model.graph.initializer)
    assert {node.domain for node in model.graph.node} == {""}
    exact = OnnxRuntime(exported[1].files[NETWORK]).run(inputs)
    for name, got in OnnxRuntime(model.SerializeToString()).run(inputs).items():
        np.testing.assert_allclose(got, exact[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("runtime", ["onnxruntime", "tensorrt"])
def test_int8_runs_on_any_batch_and_stays_near(runtime: str, made: Made) -> None:
    model, int8, inputs = made
    exact = OnnxRuntime(model.SerializeToString()).run(inputs)
    runner = OnnxRuntime(int8[runtime].SerializeToString())
    for batch in (1, 2):
        got = runner.run({name: values[:batch] for name, values in inputs.items()})
        assert np.abs(got["class_probability"] - exact["class_probability"][:batch]).max() < 0.1
    assert not np.array_equal(got["features"], exact["features"])


def zero_points(model: onnx.ModelProto, of_weights: bool) -> set[int]:
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    quantizing = [n for n in model.graph.node if n.op_type == "QuantizeLinear"]
    return {kinds[n.input[2]] for n in quantizing if (n.input[0] in kinds) == of_weights}


def test_each_runtime_gets_its_scheme(made: Made) -> None:
    _, int8, _ = made
    assert zero_points(int8["onnxruntime"], of_weights=False) == {TensorProto.UINT8}
    assert zero_points(int8["tensorrt"], of_weights=False) == {TensorProto.INT8}
    points = [t for t in int8["tensorrt"].graph.initializer if t.name.endswith("_zero_point")]
    assert points and not any(np.any(onnx.numpy_helper.to_array(t)) for t in points)  # symmetric
    biases = [n.input[2] for n in int8["tensorrt"].graph.node if n.op_type == "Conv" and len(n.input) > 2]
    floats = {t.name for t in int8["tensorrt"].graph.initializer if t.data_type == TensorProto.FLOAT}
    assert biases and set(biases) <= floats  # TensorRT takes no INT32 bias behind a DequantizeLinear


@pytest.mark.parametrize("runtime", ["onnxruntime", "tensorrt"])
def test_outputs_the_head_and_the_moments_stay_in_fp32(runtime: str, made: Made) -> None:
    _, int8, _ = made
    makers = {output: node.op_type for node in int8[runtime].graph.node for output in node.output}
    for output in int8[runtime].graph.output:
        assert makers[output.name] != "DequantizeLinear"
    fed = {
        n.op_type
        for n in int8[runtime].graph.node
        if any(makers.get(i) == "DequantizeLinear" for i in n.input)
    }
    assert not fed & {"Gemm", "Softmax", "Sqrt", "Pow"}


def test_nodes_that_are_kept_stay_in_fp32(made: Made) -> None:
    model, _, inputs = made
    everything = quantisable(model, "onnxruntime")
    ranges = calibrate(model, [inputs])
    untouched = to_int8(model, ranges, "onnxruntime", everything)
    assert not any(node.op_type == "QuantizeLinear" for node in untouched.graph.node)


def test_layers_hold_every_quantisable_node_once(made: Made) -> None:
    for runtime in ("onnxruntime", "tensorrt"):
        groups = layers(made[0], runtime, 24)
        assert len(groups) <= 24
        assert [name for group in groups for name in group] == quantisable(made[0], runtime)


def test_fp16_keeps_its_inputs_and_moves_little(made: Made) -> None:
    model, _, inputs = made
    half = onnx.load_from_string(to_half(model.SerializeToString()))
    assert any(tensor.data_type == TensorProto.FLOAT16 for tensor in half.graph.initializer)
    assert {i.type.tensor_type.elem_type for i in [*half.graph.input, *half.graph.output]} == {
        TensorProto.FLOAT
    }
    exact = OnnxRuntime(model.SerializeToString()).run(inputs)
    got = OnnxRuntime(half.SerializeToString()).run(inputs)
    difference = np.abs(got["class_probability"] - exact["class_probability"]).max()
    assert 0 < difference < 5e-3
