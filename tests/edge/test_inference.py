"""What the worker process does with one file after another."""

from dataclasses import replace
from pathlib import Path

from edge.inference import Inference
from edge.row import SCORED
from scanside.bundle import load_bundle
from scanside.runtime.preference import RuntimeOptions
from tests.edge.conftest import MakeImage


def test_a_cine_is_opened_once_and_the_next_file_takes_its_place(image: MakeImage, bundle: Path) -> None:
    """Else a video would be decoded from its start for each frame."""
    inference = Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions())
    cine, still = image(1, frames=3), image(9)
    jobs = [(cine, 1), (cine, 2), (cine, 3), (still, 1)]
    results = [inference.assess(path, "1.2.3", None, frame).row for path, frame in jobs]
    assert [row.state for row in results] == [SCORED] * 4
    assert len({row.risk for row in results}) == 4
    opened = inference._open.cache_info()
    assert (opened.misses, opened.hits, opened.currsize) == (2, 2, 1)


def test_a_result_of_another_precision_is_not_taken_over(image: MakeImage, bundle: Path) -> None:
    inference = Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions())
    first = inference.assess(image(1), "1.2.3", None, 1).row
    other = replace(first, model=f"{first.model}, float16")
    assert inference.assess(image(1), "1.2.3", None, 1, previous=first).reused
    assert not inference.assess(image(1), "1.2.3", None, 1, previous=other).reused
