"""What may lie in the tree: short files, no grab bags, no patient's image, nothing of one machine."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.outside import require_tool

ROOT = Path(__file__).parents[2]
MAX_LINES = 450
DRAWN = {"docs/scan-preparation.png", "docs/synthetic-cohort.jpg", "docs/throughput.png"}  # of nobody
IMAGES = {".dcm", ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    command = [require_tool("git"), "ls-files"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def test_every_file_is_one_idea(tracked: list[Path]) -> None:
    sources = [path for path in tracked if path.suffix == ".py"]
    assert len(sources) > 50
    assert [path for path in sources if len(path.read_text().splitlines()) > MAX_LINES] == []
    assert [path for path in sources if path.stem in ("utils", "util", "common", "helpers", "misc")] == []


def test_no_image_is_tracked(tracked: list[Path]) -> None:
    images = {path.relative_to(ROOT).as_posix() for path in tracked if path.suffix.lower() in IMAGES}
    assert images - DRAWN == set()


def test_nothing_of_one_machine_is_tracked(tracked: list[Path]) -> None:
    home = re.compile(rb"(^|[\s\"'=:(])/(work|home|root|Users)/")
    assert [p for p in tracked if p.suffix != ".onnx" and home.search(p.read_bytes())] == []


def test_links_between_documents_lead_somewhere(tracked: list[Path]) -> None:
    dead = []
    for page in [path for path in tracked if path.suffix == ".md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                dead.append(f"{page.name}: {target}")
    assert dead == []
