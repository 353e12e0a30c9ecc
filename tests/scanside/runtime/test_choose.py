"""A network runs in the first of the listed runtimes that proves itself, and in no other."""

from pathlib import Path

import pytest

from scanside.assess import check_golden
from scanside.bundle import Bundle
from scanside.errors import RunnerError, SettingError
from scanside.runtime.choose import Choice, choose
from scanside.runtime.preference import RuntimeOptions, check_runtimes
from scanside.runtime.protocol import Runner


def chosen(bundle: Bundle, folder: Path, *runtimes: str) -> Choice:
    """The choice, with no engine in `folder`: TensorRT refuses, with or without a GPU."""
    options = RuntimeOptions(runtimes, threads=1, engines=folder)
    return choose(bundle, options, lambda runner, precision, _: check_golden(bundle, runner, precision))


def test_the_default_is_onnx_runtime(bundle: Bundle) -> None:
    choice = choose(bundle, RuntimeOptions(), lambda *_: None)
    assert choice.runner.name.startswith("ONNX Runtime") and choice.refused == ()


def test_the_next_is_taken_only_when_it_is_listed(bundle: Bundle, tmp_path: Path) -> None:
    choice = chosen(bundle, tmp_path, "tensorrt:fp16", "onnxruntime")
    assert choice.runner.name.startswith("ONNX Runtime")
    assert len(choice.refused) == 1 and choice.refused[0].startswith("tensorrt:fp16: ")
    with pytest.raises(RunnerError):
        chosen(bundle, tmp_path, "tensorrt:fp16")


def test_when_none_can_every_reason_is_said(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r"none of the runtimes .* tensorrt:fp16: .* tensorrt:fp32: "):
        chosen(bundle, tmp_path, "tensorrt:fp16", "tensorrt:fp32")


def test_a_runtime_that_computes_something_else_is_refused_too(bundle: Bundle, tmp_path: Path) -> None:
    def prove(runner: Runner, precision: str, runtime: str) -> None:
        raise RunnerError(f"{runtime}, {runner.name}, in {precision} does not reproduce the golden case.")

    options = RuntimeOptions(("onnxruntime", "tensorrt:fp32"), engines=tmp_path)
    with pytest.raises(
        RunnerError, match=r"onnxruntime: onnxruntime, ONNX Runtime .* in float32 does not reproduce"
    ):
        choose(bundle, options, prove)


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
