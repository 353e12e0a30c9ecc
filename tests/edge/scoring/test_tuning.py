"""A way of running is chosen when its gain is surely no noise, and used where it was measured."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.cli import main
from edge.commands.tune import _AGAIN, _DEFAULT, fastest
from edge.scoring.tuning import FILE, how_to_run, save_tuning
from edge.settings import Settings
from scanside.model.bundle import Bundle, load_bundle
from scanside.runtime.options import CpuOptions


@pytest.fixture(scope="module")
def model(bundle: Path) -> Bundle:
    return load_bundle(bundle, allow_test_only=True)


def times(**shift: float) -> dict[str, np.ndarray]:
    """60 rounds around 20 ms, ±1 ms each, and how much a candidate is slower."""
    rng = np.random.default_rng(3)
    noise = {name: rng.normal(20, 1, 60) for name in (_DEFAULT, _AGAIN, *shift)}
    return {name: values + shift.get(name, 0) for name, values in noise.items()}


def test_a_clear_gain_is_chosen_and_the_largest_of_several() -> None:
    assert fastest(times(one=-5)) == "one"
    assert fastest(times(one=-5, two=-9, three=4)) == "two"


def test_a_gain_within_the_noise_is_none() -> None:
    assert fastest(times(one=-0.1)) == _DEFAULT
    apart = times(one=-2)
    apart[_AGAIN] = apart[_AGAIN] - 2  # the default is as far from itself: the machine was busy
    assert fastest(apart) == _DEFAULT


def test_a_gain_that_ends_worse_now_and_then_is_none() -> None:
    rare = times(one=-5)
    rare["one"][:6] += 60
    assert fastest(rare) == _DEFAULT


def test_what_was_kept_is_used_here_and_nowhere_else(model: Bundle, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    chosen = replace(settings.runtime_options, threads=1, cpu=CpuOptions("extended", arena=False))
    assert how_to_run(settings, model)[0] == settings.runtime_options
    save_tuning(chosen, {}, settings, model)
    how, remark = how_to_run(settings, model)
    assert how == chosen and str(tmp_path / FILE) in remark
    assert how_to_run(replace(settings, network_threads=3), model)[0].threads == 3
    for other in (replace(model, digest="0" * 64), model):
        if other is model:
            content = json.loads((tmp_path / FILE).read_text())
            content["measured_on"]["cpu"] = "another"
            (tmp_path / FILE).write_text(json.dumps(content))
        how, remark = how_to_run(settings, other)
        assert how == settings.runtime_options and "another machine or model" in remark


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(threads=-1),
        lambda c: c.update(threads=True),
        lambda c: c["options"].update(optimisation="fastest"),
        lambda c: c["options"].update(arena="yes"),
        lambda c: c["options"].update(more=1),
        lambda c: c.update(options=[]),
        lambda c: c.pop("format"),
    ],
)
def test_a_damaged_file_is_named_and_not_used(change: object, model: Bundle, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    save_tuning(replace(settings.runtime_options, threads=1), {}, settings, model)
    content = json.loads((tmp_path / FILE).read_text())
    change(content)  # type: ignore[operator]
    (tmp_path / FILE).write_text(json.dumps(content))
    how, remark = how_to_run(settings, model)
    assert how == settings.runtime_options and "can't be used" in remark


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_file_of_ours(content: bytes, model: Bundle, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert "can't be used" in how_to_run(Settings(data=tmp_path), model)[1]


def test_the_command_measures_and_keeps(
    bundle: Path, model: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "tune",
        "--data",
        str(tmp_path),
        "--bundle",
        str(bundle),
        "--allow-test-bundle",
        "--rounds",
        "10",
    ]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert _AGAIN in out and "without spinning" in out and "chosen" in out
    kept = json.loads((tmp_path / FILE).read_text())
    assert kept["measured"]["options"][_DEFAULT]["p50_ms"] > 0
    assert "as" in how_to_run(Settings(data=tmp_path), model)[1]


def test_wrong_settings_are_refused(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", "--data", str(tmp_path), "--bundle", str(bundle), "--allow-test-bundle"]
    assert main([*words, "--rounds", "1"]) == 1
    config = tmp_path / "edge.toml"
    config.write_text('runtimes = ["onnxruntime:int8"]\n')
    assert main([*words, "--config", str(config)]) == 1
    assert "no int8 network" in capsys.readouterr().err
