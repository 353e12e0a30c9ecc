"""An engine is loaded only where all of it fits; what does not fit is refused with what and why."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scanside.errors import RunnerError
from scanside.runtime.engine import Engine, Gpu, find_engine, holds, write_engine
from scanside.runtime.tensorrt_module import TensorRtModule

ORIN = Gpu("Orin", "8.7")
JETPACK = TensorRtModule("tensorrt", "10.3.0", None)
ENGINE = Engine("ab" * 32, "network.onnx", "fp16", "tensorrt", "10.3.0", "Orin", ("8.7",), 4)
CONTENT = b"an engine"


def find(folder: Path, **changes: Any) -> tuple[Engine, bytes]:
    wanted: dict[str, Any] = {
        "bundle": ENGINE.bundle, "graph": ENGINE.graph, "precision": "fp16", "module": JETPACK, "gpu": ORIN,
    }  # fmt: skip
    return find_engine(folder, **wanted | changes)


def test_what_was_written_is_found(tmp_path: Path) -> None:
    path = write_engine(tmp_path / "new", ENGINE, CONTENT)
    assert find(tmp_path / "new") == (ENGINE, CONTENT)
    assert path.name == "network-abababababab-fp16-tensorrt-10.3.0-Orin-sm8.7-b4.engine"
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".engine", ".json"]
    assert holds(tmp_path / "new", ENGINE) and not holds(tmp_path / "new", replace(ENGINE, max_batch=5))


def test_of_several_the_one_for_the_largest_batch(tmp_path: Path) -> None:
    for batch in (2, 12, 4):
        write_engine(tmp_path, replace(ENGINE, max_batch=batch), bytes([batch]))
    assert find(tmp_path)[0].max_batch == 12


def test_an_engine_built_ahead_fits_each_gpu_of_its_compute_capabilities(tmp_path: Path) -> None:
    rtx = TensorRtModule("tensorrt-rtx", "1.7", None)
    ahead = replace(ENGINE, module="tensorrt-rtx", version="1.7", gpu="", compute_capabilities=("8.6", "8.9"))
    write_engine(tmp_path, ahead, CONTENT)
    assert find(tmp_path, module=rtx, gpu=Gpu("NVIDIA GeForce RTX 4060", "8.9")) == (ahead, CONTENT)
    with pytest.raises(
        RunnerError, match=r"compute capability 8\.6, 8\.9, NVIDIA GeForce RTX 5090 has 12\.0"
    ):
        find(tmp_path, module=rtx, gpu=Gpu("NVIDIA GeForce RTX 5090", "12.0"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gpu": Gpu("Orin Nano", "8.7")}, "built on the GPU Orin, here is Orin Nano"),
        ({"gpu": Gpu("Orin", "9.0")}, "compute capability 8.7, Orin has 9.0"),
        ({"module": TensorRtModule("tensorrt", "10.7.0", None)}, "of tensorrt 10.3.0, here is tensorrt 10.7"),
        (
            {"module": TensorRtModule("tensorrt-rtx", "10.3.0", None)},
            "of tensorrt 10.3.0, here is tensorrt-rtx",
        ),
        ({"bundle": "cd" * 32}, "none for network.onnx of bundle cdcdcdcdcdcd in fp16"),
        ({"precision": "fp32"}, "none for network.onnx of bundle abababababab in fp32"),
        ({"graph": "denoiser.onnx"}, "none for denoiser.onnx"),
    ],
)
def test_an_engine_of_something_else_is_refused(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    write_engine(tmp_path, ENGINE, CONTENT)
    with pytest.raises(RunnerError, match=why) as refused:
        find(tmp_path, **changes)
    assert f"export-model engine BUNDLE --precision {changes.get('precision', 'fp16')}" in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def _flip(path: Path) -> None:
    path.write_bytes(CONTENT[:-1] + b"X")


@pytest.mark.parametrize("spoil", [_flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_an_altered_engine_is_refused(tmp_path: Path, spoil: Any) -> None:
    path = write_engine(tmp_path, ENGINE, CONTENT)
    spoil(path)
    with pytest.raises(RunnerError, match="was altered"):
        find(tmp_path)
    assert not holds(tmp_path, ENGINE)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = write_engine(tmp_path, ENGINE, CONTENT)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RunnerError, match="was altered"):
        find(tmp_path)


GOOD = {
    "bundle": ENGINE.bundle, "graph": ENGINE.graph, "precision": "fp16", "module": "tensorrt",
    "version": "10.3.0", "gpu": "Orin", "compute_capabilities": ["8.7"], "max_batch": 4, "sha256": "0" * 64,
}  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"1" * 70_000,
        json.dumps({**GOOD, "more": 1}).encode(),
        json.dumps({k: v for k, v in GOOD.items() if k != "gpu"}).encode(),
        json.dumps(GOOD | {"max_batch": True}).encode(),
        json.dumps(GOOD | {"max_batch": 0}).encode(),
        json.dumps(GOOD | {"gpu": None}).encode(),
        json.dumps(GOOD | {"compute_capabilities": "8.7"}).encode(),
        json.dumps(GOOD | {"sha256": "no digest"}).encode(),
    ],
    ids=range(13),
)  # fmt: skip
def test_a_record_that_is_none_is_named_and_harms_no_other(tmp_path: Path, record: bytes) -> None:
    (tmp_path / "bad.json").write_bytes(record)
    with pytest.raises(RunnerError, match=r"bad\.json: it is no record of an engine"):
        find(tmp_path)
    write_engine(tmp_path, ENGINE, CONTENT)
    assert find(tmp_path) == (ENGINE, CONTENT)


def test_without_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r"no engine in .* fits: there is none"):
        find(tmp_path / "no")


def test_names_from_outside_stay_in_the_folder(tmp_path: Path) -> None:
    hostile = replace(ENGINE, gpu="../../Tesla \x1b[31m", version="10/3")
    path = write_engine(tmp_path, hostile, CONTENT)
    assert path.parent == tmp_path and path.name.isprintable() and "/" not in path.name
