"""Every command answers --help at once, and every word of it stands in the docs."""

import argparse
import importlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = {"edge": "edge.md", "trainer": "training.md", "export-model": "bundle.md"}
MODULES = {"edge": "edge.cli", "trainer": "trainer.cli", "export-model": "export.cli"}
HEAVY = {"numpy", "torch", "cv2", "onnxruntime", "onnx", "pydicom", "pynetdicom", "rich"}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        f"import sys, {MODULES[command]} as cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print(sorted(set(sys.modules) & {HEAVY}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "Research use only" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_instant_beside_the_interpreter_itself(command: str) -> None:
    """At most eight bare starts of Python: what takes half a second where Python takes a sixteenth."""

    def best(*words: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=True, timeout=60)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best("-m", MODULES[command], "--help") < 8 * best("-c", "pass")


def words_of(parser: argparse.ArgumentParser) -> list[str]:
    """Every subcommand and every long option of a command."""
    words = []
    for action in parser._actions:
        words += [option for option in action.option_strings if option.startswith("--")]
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                words += [name, *words_of(sub)]
    return [word for word in words if word not in ("--help", "--version")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_word_of_a_command_is_documented(command: str) -> None:
    parser = importlib.import_module(MODULES[command]).build_parser()
    page = (ROOT / "docs" / COMMANDS[command]).read_text()
    assert [word for word in words_of(parser) if f"`{word}" not in page and f" {word}" not in page] == []


def test_every_setting_is_documented_with_its_default() -> None:
    from dataclasses import fields

    from edge.settings import Settings, toml

    page = (ROOT / "docs" / "edge-settings.md").read_text()
    for setting in fields(Settings):
        default = "" if setting.default is None else toml(setting.default).strip('"')
        assert f"| `{setting.name}` | {default and f'`{default}`'} | {setting.metadata['text']} |" in page


def test_every_key_of_a_scanner_is_documented_with_its_default() -> None:
    from dataclasses import fields

    from edge.scanners import Scanner

    page = (ROOT / "docs" / "edge-settings.md").read_text()
    for key in fields(Scanner):
        default = f"`{key.default}`" if isinstance(key.default, float) else ""
        assert f"| `{key.name}` | {default} | {key.metadata['text']} |" in page
