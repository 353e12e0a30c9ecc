"""docs/scan-preparation.md names every rule, flag and reason of the code, and none besides."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np

from scanside.exam.organs import DOUBTFUL_IMAGE_TYPES, OTHER_IMAGE_TYPES
from scanside.exam.rules import RULES
from scanside.flags import Flag
from scanside.scan.place.devices import TextStrip
from scanside.scan.types import RegionSource
from tests.synth.explained import draw

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scan-preparation.md").read_text()
FILES = [path for path in (ROOT / "scanside" / "scan").rglob("*.py") if path.name != "instance.py"]


def first_cells(heading: str) -> set[str]:
    """The first column of the table below a heading."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    return set(rows[2:])


def reasons() -> set[str]:
    """What the code says in each NoTissue, up to the figures of the image at hand."""
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NoTissue":
                (text,) = node.args
                first = text.values[0] if isinstance(text, ast.JoinedStr) else text
                assert isinstance(first, ast.Constant)
                found.add(str(first.value).rstrip(": "))
    return found


def test_rules() -> None:
    assert first_cells("Where the scan is") == {source.value for source in RegionSource}


def test_rules_of_the_exam_with_what_they_do_and_read() -> None:
    section = PAGE.split("## What the header says of the exam\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \| .+ \| ([\w, ]+) \|$", section, re.MULTILINE)
    assert rows == [(rule.name, rule.action.value, ", ".join(rule.reads)) for rule in RULES]
    for terms in (OTHER_IMAGE_TYPES, DOUBTFUL_IMAGE_TYPES):
        assert [term for term in terms if term not in section] == []


def test_flags() -> None:
    assert first_cells("Flags") == {flag.value for flag in Flag}


def test_reasons() -> None:
    assert first_cells("Reasons for no scan") == reasons()


def test_keys_of_the_table() -> None:
    keys = {key for cell in first_cells("The table of devices") for key in re.findall(r"`(\w+)`", cell)}
    assert keys == {field.name for field in fields(TextStrip)}


def test_picture_is_of_synthetic_frames_and_up_to_date() -> None:
    """When it fails: python -m tests.synth.explained docs/scan-preparation.png"""
    shown = cv2.cvtColor(cv2.imread(str(ROOT / "docs" / "scan-preparation.png")), cv2.COLOR_BGR2RGB)
    drawn = draw()
    assert shown.shape == drawn.shape
    assert np.abs(shown.astype(int) - drawn).mean() < 3  # versions of OpenCV draw a little differently
