"""Synthetic scans are those that were recorded: golden cases, the demo's exam, a cohort, the tests' frames.

`python -m tests.architecture.test_same_pictures` records them again, where a change means to alter pictures.
A golden case that changes makes other bundles of the same checkpoint; a cohort that changes, other figures.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.demo.exam import slides
from export.golden import annotated_inputs, golden_inputs
from scanside.image import Size
from tests.synth.consoles import make_console
from tests.synth.layouts import LAYOUTS, make_layout
from tests.synth.machine import describe_machine
from tests.synth.scans import make_frame
from trainer.synth.patients import draw_patients
from trainer.synth.recipe import CohortRecipe
from trainer.synth.slide import render_slide

RECORD = Path(__file__).with_name("same_pictures.json")
PACKAGES = ("numpy", "opencv-python-headless")
Pictures = Iterator[tuple[str, str]]


def digest(*arrays: np.ndarray) -> str:
    """Names type, shape and every byte of `arrays`."""
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()[:16]


def draw_golden() -> Pictures:
    for size in (Size(168, 272), Size(336, 544), Size(84, 136)):
        name = f"{size.height} x {size.width}"
        yield f"golden {name}", digest(*golden_inputs(size, 3).values())
        yield f"annotated {name}", digest(*annotated_inputs(size).values())


def draw_demo() -> Pictures:
    for slide in slides():
        yield slide.name, digest(slide.pixels)


def draw_cohort() -> Pictures:
    for size in ("small", "full"):
        recipe = CohortRecipe(patients=3, seed=5, size=size)
        for patient in draw_patients(recipe):
            slide = render_slide(recipe, patient, 0)
            drawn = digest(slide.pixels, slide.clean, slide.drawn, slide.lesion, slide.sector)
            yield f"{size} {patient.number}", drawn


def draw_frames() -> Pictures:
    for seed in range(12):
        frame = make_frame(seed, colour=seed % 3 == 0, annotated=seed % 2 == 0)
        yield f"frame {seed}", digest(frame.pixels, frame.sector, frame.lesion, frame.text)
    for seed in range(18):
        console = make_console(seed)
        yield f"console {seed}", digest(console.pixels, *console.sectors, console.identity)
    for name in LAYOUTS:
        screen = make_layout(name, 1)
        yield f"layout {name}", digest(screen.pixels, screen.sector, screen.identity)


GROUPS = {"golden": draw_golden, "demo": draw_demo, "cohort": draw_cohort, "frames": draw_frames}


@pytest.mark.parametrize("group", GROUPS)
def test_pictures_are_those_that_were_recorded(group: str) -> None:
    record = json.loads(RECORD.read_text())
    if record["machine"] != describe_machine(*PACKAGES):
        pytest.skip("pictures were recorded on another class of machine: their last digits may differ here")
    assert dict(GROUPS[group]()) == record["pictures"][group]


if __name__ == "__main__":
    pictures = {group: dict(draw()) for group, draw in GROUPS.items()}
    RECORD.write_text(
        json.dumps({"machine": describe_machine(*PACKAGES), "pictures": pictures}, indent=1) + "\n"
    )
