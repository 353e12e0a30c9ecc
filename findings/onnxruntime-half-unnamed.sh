#!/usr/bin/env bash
# ONNX Runtime's FP16 converter makes an invalid graph where nodes have no names, which ONNX does not ask for.
#
# Versions: onnxruntime 1.23.2, the last one for Python 3.10 (JetPack 6); in 1.32.0 it is mended. onnx 1.20.0 (PyPI).
# Source: ONNX's IR: the name of a node is optional. onnxruntime.transformers.float16 names what it adds after nodes.
# Valid input: two reductions of one tensor, kept in FP32; onnx.checker passes it.
# Expected: a graph that loads. Seen: two Casts of one name and two tensors of one name; ONNX Runtime refuses to load
#   its own work. With names it loads; 1.32.0 loads both.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
cat >convert.py <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

for names in (("relu", "mean", "sum"), ("", "", "")):
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], names[0]),
        helper.make_node("ReduceMean", ["r"], ["y"], names[1], axes=[2, 3]),
        helper.make_node("ReduceSum", ["r", "axes"], ["z"], names[2]),
    ]
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 1, 1]) for name in "yz"}
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])
    axes = numpy_helper.from_array(np.array([2, 3]), "axes")
    graph = helper.make_graph(nodes, "example", [image], list(values.values()), [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    half = convert_float_to_float16(model, keep_io_types=True, op_block_list=["ReduceMean", "ReduceSum"])
    outputs = [name for node in half.graph.node for name in node.output]
    try:
        ort.InferenceSession(half.SerializeToString(), providers=["CPUExecutionProvider"])
        loads = "loads"
    except Exception as error:
        loads = str(error).partition("Error: ")[2]
    kind = "named" if names[0] else "unnamed"
    print(f"{ort.__version__}, {kind}: {len(outputs) - len(set(outputs))} tensors defined twice, {loads}")
PY
for version in 1.23.2 1.32.0; do
    venv/bin/pip install -q "onnxruntime==$version" onnx==1.20.0
    venv/bin/python convert.py
done >seen
diff seen - <<'SEEN'
1.23.2, named: 0 tensors defined twice, loads
1.23.2, unnamed: 2 tensors defined twice, Duplicate definition of name (_output_cast_0).
1.32.0, named: 0 tensors defined twice, loads
1.32.0, unnamed: 0 tensors defined twice, loads
SEEN
