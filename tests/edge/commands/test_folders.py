"""`edge send` and `edge assess` take folders: their DICOM files by name, and say what was passed over."""

import json
import os
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from edge.commands.folders import find_files, is_dicomdir
from scanside.errors import SettingError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import edge


@pytest.fixture
def folder(tmp_path: Path, image: MakeImage) -> Path:
    """Three images in two folders, and much that is none."""
    inside = tmp_path / "study"
    (inside / "b" / "c").mkdir(parents=True)
    (inside / ".trash").mkdir()
    content = image(1).read_bytes()
    for name, seed in {"b/c/3.dcm": 3, "b/2": 2, "a.dcm": 1}.items():
        (inside / name).write_bytes(image(seed).read_bytes())
    (inside / ".hidden.dcm").write_bytes(content)
    (inside / ".trash" / "old.dcm").write_bytes(content)
    (inside / "notes.txt").write_text("text")
    (inside / "empty").touch()
    (inside / "DICOMDIR").write_bytes(Path(str(get_testdata_file("DICOMDIR"))).read_bytes())
    os.mkfifo(inside / "pipe")
    outside = tmp_path / "outside.dcm"
    outside.write_bytes(content)
    (inside / "link-out.dcm").symlink_to(outside)
    (inside / "link-in.dcm").symlink_to(inside / "b" / "2")
    (inside / "b" / "up").symlink_to(inside)
    return inside


def test_the_dicom_files_of_a_folder_come_by_name_and_once(folder: Path) -> None:
    found = find_files([folder, folder / "a.dcm"])
    assert [str(path.relative_to(folder)) for path in found.files] == ["a.dcm", "link-in.dcm", "b/c/3.dcm"]
    assert found.passed_over == {
        "DICOMDIR": 1, "not DICOM": 2, "links out of the folder": 1, "that are no files": 1
    }  # fmt: skip
    assert find_files([folder, folder]).files == found.files
    assert found.remark == (
        "passed over: 1 DICOMDIR, 2 not DICOM, 1 links out of the folder, 1 that are no files."
    )


def test_named_files_stay_as_they_are(tmp_path: Path) -> None:
    found = find_files([tmp_path / "gone.dcm", tmp_path / "b"])
    assert found.files == (tmp_path / "gone.dcm", tmp_path / "b") and found.remark is None


def test_a_folder_without_a_dicom_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(SettingError, match="holds no DICOM file"):
        find_files([tmp_path])


def test_a_folder_is_assessed(folder: Path, bundle: Path) -> None:
    done = edge("assess", folder, "--json", "--bundle", bundle, "--allow-test-bundle")
    assert [row["state"] for row in json.loads(done.stdout)] == ["scored"] * 3
    assert done.returncode == 0 and "1 DICOMDIR, 2 not DICOM" in done.stderr
    assert is_dicomdir(folder / "DICOMDIR") and not is_dicomdir(folder / "a.dcm")
    named = edge("assess", folder / "DICOMDIR", "--bundle", bundle, "--allow-test-bundle")
    assert named.returncode == 1 and "a DICOMDIR: it lists the files of a medium" in named.stderr


def test_a_folder_is_sent(folder: Path, start_agent: StartAgent) -> None:
    agent = start_agent()
    done = edge("send", folder, "--port", str(agent.port))
    assert done.returncode == 0 and done.stdout.count("accepted") == 3 and "[3/3]" in done.stdout
    assert "passed over: 1 DICOMDIR, 2 not DICOM" in done.stderr
    named = edge("send", folder / "DICOMDIR", folder / "a.dcm", "--port", str(agent.port))
    assert named.returncode == 1 and "a DICOMDIR" in named.stderr and "accepted" in named.stdout
    (folder / "e\x1b[31m.dcm").write_bytes((folder / "a.dcm").read_bytes())
    assert "\x1b" not in edge("send", folder, "--port", str(agent.port)).stdout
    assert len({row["sop_instance_uid"] for row in agent.results(3)}) == 3
