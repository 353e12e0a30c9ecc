"""DCMTK's storescu pushes real ultrasound, raw and compressed: each ends as a risk or a reasoned refusal."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from edge.protocol.row import NOT_SCORED, PENDING, SCORED, now
from edge.scoring.inference import inspect
from scanside.model.bundle import DEFAULT_BUNDLE, MANIFEST
from tests.edge.conftest import real_files
from tests.edge.running import HOST, Row, RunningAgent, wait_for
from tests.outside import needs_tools, require_tool

WHEEL = (
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "examples_jpeg2k.dcm",
    "ExplVR_BigEnd.dcm",
)
PROPOSE = {
    "1.2.840.10008.1.2": "-xi",
    "1.2.840.10008.1.2.1": "-xe",
    "1.2.840.10008.1.2.2": "-xb",
    "1.2.840.10008.1.2.5": "-xr",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx",
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
}
COMPRESS = {"baseline": "+eb", "lossless": "+e1"}

pytestmark = [
    needs_tools("storescu", "dcmcjpeg"),
    pytest.mark.filterwarnings("ignore:Invalid value for VR"),
]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[RunningAgent]:
    """One agent for all files, with the installed model where there is one."""
    model = DEFAULT_BUNDLE if (DEFAULT_BUNDLE / MANIFEST).exists() else bundle
    agent = RunningAgent(tmp_path_factory.mktemp("dcmtk") / "agent", model)
    yield agent
    agent.kill()


def _real() -> list[Path]:
    data = os.environ.get("SCANSIDE_DATA")
    return real_files(WHEEL) + (sorted(Path(data, "dicom").glob("*.dcm")) if data else [])


@pytest.mark.parametrize("path", _real(), ids=lambda path: path.name)
def test_as_it_is(path: Path, agent: RunningAgent) -> None:
    _check_ended(agent, path, _push(agent, path))


@pytest.mark.parametrize("process", COMPRESS)
@pytest.mark.parametrize("path", _real(), ids=lambda path: path.name)
def test_compressed(path: Path, process: str, agent: RunningAgent, tmp_path: Path) -> None:
    compressed = tmp_path / path.name
    command = [require_tool("dcmcjpeg"), COMPRESS[process], path, compressed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not compressed.exists():
        pytest.skip(f"dcmcjpeg does not take this file: {done.stderr.strip().splitlines()[-1]}")
    _check_ended(agent, compressed, _push(agent, compressed))


@pytest.mark.skipif("SCANSIDE_DATA" not in os.environ, reason="SCANSIDE_DATA is not set: no further scans")
def test_all_in_one_association(agent: RunningAgent, tmp_path: Path) -> None:
    """Uncompressed files together; storescu takes one kind of compressed syntax at a time."""
    raw = [path for path in _real() if not _meta(path).TransferSyntaxUID.is_compressed]
    copies = []
    for path in raw:  # some share their UID though they are different files
        dataset = pydicom.dcmread(path)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        copies.append(tmp_path / path.name)
        dataset.save_as(copies[-1])
    since = _push(agent, *copies, options=("-R", "-x="))
    for copy in copies:
        _check_ended(agent, copy, since)


def _push(agent: RunningAgent, *paths: Path, options: tuple[str, ...] = ()) -> str:
    """Push files; the time at which that began."""
    began = now()
    options = options or (PROPOSE[_meta(paths[0]).TransferSyntaxUID], "-R")
    command = [require_tool("storescu"), *options, "-aec", "SCANSIDE", HOST, str(agent.port), *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return began


def _check_ended(agent: RunningAgent, path: Path, since: str) -> None:
    """Some files share their UID: what counts is what was received `since` then."""
    header = pydicom.dcmread(path, stop_before_pixels=True)
    frames = min(inspect(path).frame_count or 1, 5)  # of another exam the first alone tells why

    def ended() -> list[Row] | None:
        rows = [row for row in agent.results() if row["sop_instance_uid"] == header.SOPInstanceUID]
        new = [row for row in rows if row["received_at"] > since and row["state"] != PENDING]
        return new if len(new) == frames else None

    for row in wait_for(ended, f"{frames} results of {path.name}"):
        assert row["state"] in (SCORED, NOT_SCORED), row["reason"]
        assert (row["risk"] is None) == (row["state"] == NOT_SCORED)
        assert bool(row["reason"]) == (row["state"] == NOT_SCORED)
        # DCMTK writes RGB under a header and a JFIF marker that both say YCbCr: refused, with that reason.
        wrong_colour = "its pixels are RGB, though they are said to be YCbCr" in str(row["reason"])
        assert wrong_colour or "decode" not in str(row["reason"])


def _meta(path: Path) -> pydicom.dataset.FileMetaDataset:
    return pydicom.filereader.read_file_meta_info(path)
