"""A network runs in the first of the listed runtimes that proves itself, and in no other."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scanside.assess.choose import Choice, open_network
from scanside.errors import RunnerError, SettingError
from scanside.model.bundle import GOLDEN, GOLDEN_DENOISER, Bundle
from scanside.runtime.preference import RuntimeOptions, check_runtimes


def chosen(bundle: Bundle, folder: Path, *runtimes: str) -> Choice:
    """The choice, with no engine in `folder`: TensorRT refuses, with or without a GPU."""
    return open_network(bundle, RuntimeOptions(runtimes, threads=1, engines=folder))


def with_golden(bundle: Bundle, case: str, output: str, shift: float) -> Bundle:
    """The bundle, of which this output is not the golden one any more."""
    arrays, buffer = bundle.arrays(case), io.BytesIO()
    arrays[output] = arrays[output] + np.float32(shift)
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return replace(bundle, files={**bundle.files, case: buffer.getvalue()})


def test_the_default_is_onnx_runtime(bundle: Bundle) -> None:
    choice = open_network(bundle, RuntimeOptions())
    assert choice.runner.name.startswith("ONNX Runtime") and choice.refused == ()
    assert choice.denoiser is None


def test_the_denoiser_runs_where_the_network_does(with_denoiser: Bundle, tmp_path: Path) -> None:
    choice = chosen(with_denoiser, tmp_path, "tensorrt:fp32", "onnxruntime")
    assert choice.denoiser is not None and choice.denoiser.name == choice.runner.name


def test_the_next_is_taken_only_when_it_is_listed(bundle: Bundle, tmp_path: Path) -> None:
    choice = chosen(bundle, tmp_path, "tensorrt:fp16", "onnxruntime")
    assert choice.runner.name.startswith("ONNX Runtime")
    assert len(choice.refused) == 1 and choice.refused[0].startswith("tensorrt:fp16: ")
    with pytest.raises(RunnerError):
        chosen(bundle, tmp_path, "tensorrt:fp16")


def test_when_none_can_every_reason_is_said(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r"none of the runtimes .* tensorrt:fp16: .* tensorrt:fp32: "):
        chosen(bundle, tmp_path, "tensorrt:fp16", "tensorrt:fp32")


def test_a_network_or_a_denoiser_that_computes_something_else_is_refused(
    with_denoiser: Bundle, tmp_path: Path
) -> None:
    wrong = with_golden(with_denoiser, GOLDEN, "out_class_probability", 0.01)
    with pytest.raises(RunnerError, match=r"does not reproduce .* class_probability differs by 0\.01"):
        chosen(wrong, tmp_path, "onnxruntime")
    with pytest.raises(RunnerError, match=r"onnxruntime: ONNX Runtime .* class_probability differs by 0\.01"):
        chosen(wrong, tmp_path, "onnxruntime", "tensorrt:fp32")
    assert open_network(wrong, RuntimeOptions(), prove=False).runner is not None
    wrong = with_golden(with_denoiser, GOLDEN_DENOISER, "out_clean", 0.01)
    with pytest.raises(RunnerError, match=r"does not reproduce .* clean differs by 0\.01"):
        chosen(wrong, tmp_path, "onnxruntime")


def test_the_order_is_that_of_the_settings(bundle: Bundle, tmp_path: Path) -> None:
    assert chosen(bundle, tmp_path, "onnxruntime", "tensorrt:fp16").refused == ()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ((), "at least one"),
        (("onnxruntime", "onnxruntime"), "each of them once"),
        (("cuda",), "'cuda' is unknown. Known are onnxruntime, onnxruntime:int8, tensorrt:fp32"),
        (("tensorrt",), "'tensorrt' is unknown"),
        (("\x1b[31m",), r"'\\x1b\[31m' is unknown"),
    ],
)
def test_names_that_are_none(names: tuple[str, ...], why: str) -> None:
    with pytest.raises(SettingError, match=why):
        check_runtimes(names, "edge.toml")
