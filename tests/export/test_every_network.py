"""Every network of every arm exports, in a form that the oldest runtime reads, and computes the same."""

import numpy as np
import onnx
import pytest

pytest.importorskip("torch", reason="torch is not installed: export's tests need scanside-export[convert]")

from export.to_onnx import OPSET, round_to_fp16, run_torch, to_onnx
from export.wrap import MAX_IR, MAX_OPSET
from scanside.image import Size
from scanside.runtime.onnxruntime import OnnxRuntime
from tests.trainer.models.test_conformance import ARMS, name_of, seeded
from trainer.models.spec import NetworkSpec

SIZE = Size(49, 67)


@pytest.mark.slow
@pytest.mark.parametrize("spec", ARMS, ids=name_of)
def test_exports_and_computes_the_same(spec: NetworkSpec) -> None:
    network = round_to_fp16(seeded(spec).eval())
    content = to_onnx(network, SIZE, spec.clinical_inputs, {"name": "a network"})
    model = onnx.load_from_string(content)
    assert model.opset_import[0].version == OPSET <= MAX_OPSET and model.ir_version <= MAX_IR
    assert {node.domain for node in model.graph.node} == {""}
    assert not {node.op_type for node in model.graph.node} & {"Identity", "Dropout"}  # what computes nothing
    assert [entry.value for entry in model.metadata_props] == ["a network"]
    rng = np.random.default_rng(0)
    runner = OnnxRuntime(content, threads=1)
    for batch in (1, 3):
        inputs = {"scan": rng.random((batch, 1, *SIZE), np.float32)}
        if spec.clinical_inputs:
            inputs["clinical"] = rng.integers(0, 2, (batch, spec.clinical_inputs)).astype(np.float32)
        expected = run_torch(network, inputs)
        asked = {tensor.name for tensor in runner.inputs}
        got = runner.run({name: values for name, values in inputs.items() if name in asked})
        assert list(got) == list(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(got[name], values, atol=2e-4, rtol=1e-3, err_msg=name)
