"""Each script of findings/ has the form that its README states."""

import os
import re
from pathlib import Path

import pytest

FINDINGS = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FINDINGS.glob("*.sh"))
HEADS = ("Versions: ", "Source: ", "Valid input: ", "Expected: ", "Seen", "Date: ")


def test_there_are_scripts_and_nothing_else() -> None:
    assert len(SCRIPTS) >= 8
    assert {path for path in FINDINGS.iterdir() if path.name != "README.md"} == set(SCRIPTS)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_finding_has_its_form(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert os.access(path, os.X_OK), "not executable"
    assert lines[0] == "#!/usr/bin/env bash" and "set -euo pipefail" in lines
    head = "\n".join(lines[1 : lines.index("set -euo pipefail")])
    places = [head.find(word) for word in HEADS]
    assert -1 not in places and places == sorted(places), dict(zip(HEADS, places, strict=True))
    assert re.search(r"^# Date: 20\d\d-\d\d-\d\d\b", head, re.MULTILINE)
    assert re.match(r"# \S.*[.:]$", lines[1]) and all(len(line) <= 120 for line in lines)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_finding_works_in_a_folder_of_its_own_with_pinned_packages_and_without_the_product(
    path: Path,
) -> None:
    text = path.read_text()
    assert "folder=$(mktemp -d)" in text and "trap 'rm -rf \"$folder\"' EXIT" in text
    installs = re.findall(r"pip\"? install -q ([^\n>]+)", text)
    assert installs
    for package in " ".join(installs).replace('"', "").split():
        assert re.fullmatch(r"[\w.-]+==[\w.$]+", package), package
    assert not re.search(r"\b(scanside|trainer|export\.|edge\.|sudo|apt-get install)\b", text)
