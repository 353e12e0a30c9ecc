"""An ONNX graph in FP16 arithmetic, for GPUs: inputs and outputs stay FP32.

Sums over whole images stay in FP32: squares overflow at 65504, and averages of ten thousand values lose
digits. ONNX Runtime's CPU has few FP16 kernels and computes most of it in FP32: there this file is no faster,
and the bundle's network.onnx holds its weights in FP16 already.
"""

import onnx
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

_IN_FP32 = ("ReduceMean", "Pow", "Sqrt", "Softmax")


def to_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` (widened, see export/int8.py) in FP16."""
    made: onnx.ModelProto = convert_float_to_float16(
        model, keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, *_IN_FP32]
    )
    return made
