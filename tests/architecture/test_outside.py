"""Tests and benchmarks find programs in tests/outside.py alone; a missing one is a skip with its reason."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import outside
from tests.outside import PACKAGES, find_tool, missing_reason, require_tool, summarise_missing

ROOT = Path(__file__).parents[2]
FOLDERS = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/")
SOURCES = [
    path
    for folder in ("tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path not in (Path(outside.__file__), Path(__file__))
]


def own_lookups(source: str) -> Iterator[str]:
    """Each place where a source names a program's folder, begins a command with a name, or searches PATH."""
    tree = ast.parse(source)
    yield from _commands_by_name(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(FOLDERS):
            yield f"line {node.lineno}: {node.value}"
        elif isinstance(node, ast.List) and node.elts and isinstance(node.elts[0], ast.Constant):
            if node.elts[0].value in PACKAGES:
                yield f"line {node.lineno}: [{node.elts[0].value!r}, ...]"
        elif isinstance(node, ast.Call) and _searches_path(node):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def _commands_by_name(tree: ast.Module) -> Iterator[str]:
    """Each list that is given to subprocess, at once or by a variable, and begins with a text."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    given = [call.args[0] for call in calls if ast.unparse(call.func).startswith("subprocess.")]
    names = {argument.id for argument in given if isinstance(argument, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and names & {ast.unparse(target) for target in node.targets}:
            given.append(node.value)
    for command in given:
        if isinstance(command, ast.List) and command.elts:
            first = command.elts[0]
            if isinstance(first, ast.JoinedStr) or (
                isinstance(first, ast.Constant) and isinstance(first.value, str)
            ):
                yield f"line {command.lineno}: [{ast.unparse(first)}, ...]"


def _searches_path(call: ast.Call) -> bool:
    is_which = ast.unparse(call.func) in ("shutil.which", "which")
    return is_which and all(keyword.arg != "path" for keyword in call.keywords)


def test_programs_are_looked_up_in_one_place() -> None:
    assert len(SOURCES) > 100
    found = {str(path.relative_to(ROOT)): list(own_lookups(path.read_text())) for path in SOURCES}
    assert {path: places for path, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "source",
    [
        'run(["/usr/bin/storescu", "-v"])',
        'run([f"/usr/bin/{encoder}"])',
        'command = ["tesseract", "stdin"]',
        'subprocess.run(["sox", "--version"])',
        'words = ["sox", "--version"]\nsubprocess.Popen(words)',
        'shutil.which("strace")',
    ],
)
def test_a_look_up_elsewhere_is_found(source: str) -> None:
    assert list(own_lookups(source))


def test_a_program_that_is_not_on_the_path_is_skipped_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [name for name in PACKAGES if find_tool(name)] == []
    with pytest.raises(pytest.skip.Exception, match="needs dcmcjpls: install dcmtk"):
        require_tool("dcmcjpls")


def test_a_script_with_a_program_s_name_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder, content in (("venv", b"#!/usr/bin/python\n"), ("bin", b"\x7fELF")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "storescu").write_bytes(content)
        (tmp_path / folder / "storescu").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'venv'}:{tmp_path / 'bin'}")
    assert find_tool("storescu") == tmp_path / "bin" / "storescu"
    monkeypatch.setenv("PATH", str(tmp_path / "venv"))
    assert find_tool("storescu") is None


def test_skips_are_summed_up_in_one_line() -> None:
    reasons = [
        f"Skipped: {missing_reason('storescu', 'dcmcjpeg')}",
        f"Skipped: {missing_reason('storescu', 'strace')}",
        f"Skipped: {missing_reason('tesseract')}",
        "Skipped: imagecodecs encodes HTJ2K; install it",
        "Skipped: SCANSIDE_DATA is not set",
    ]
    assert summarise_missing(reasons) == "3 checks skipped: install dcmtk, strace, tesseract-ocr"
    assert summarise_missing(reasons[3:]) is None


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "in parallel"])
def test_a_run_without_programs_ends_with_what_to_install(options: list[str], tmp_path: Path) -> None:
    tests = ROOT / "tests" / "scanside" / "dicom" / "test_codecs.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "dcmtk", *options, tests]
    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("\n16 checks skipped: install dcmtk\n")
