"""What the worker process does with one file after another."""

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
