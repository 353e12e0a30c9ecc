"""`trainer deidentify`: a folder in, a folder out, a reason for each file that was left out."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.outside import needs_tools
from tests.synth.dicom import Patient, make_instance, save
from tests.synth.leaks import leaked_bytes
from tests.synth.patients import make_patient
from tests.synth.scans import make_frame
from tests.synth.typed import make_plain_scan, type_on
from tests.trainer.hospital_tree import make_deep
from trainer.cli import main


def run(source: Path, target: Path, key: Path) -> int:
    return main(["deidentify", str(source), str(target), "--key", str(key)])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tests only read it; `source` is a copy."""
    folder = tmp_path_factory.mktemp("drawn") / "MUELLER^ANNA"
    folder.mkdir()
    (folder / "notes\x1b.txt").write_text("no DICOM")
    report = make_instance([make_frame(1).pixels])
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    save(report, folder / "report.dcm")
    for seed in range(2):
        save(make_patient(seed).instance, folder / f"{seed}.dcm")
    return folder.parent


@pytest.fixture
def source(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "export"))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_scans_are_copied_and_the_rest_is_listed(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(source, tmp_path / "out", tmp_path / "key") == 0
    printed = capsys.readouterr().out
    assert "2 of 4 files de-identified, 4 frames." in printed and "0.dcm: " in printed
    assert "report.dcm: not an ultrasound image" in printed and "is not a DICOM file" in printed
    assert "\x1b" not in printed
    written = files(tmp_path / "out")
    assert len(written) == 2
    assert leaked_bytes("".join(map(str, written)).encode(), ["MUELLER", "report"]) == []


def test_a_second_run_adds_nothing_and_loses_nothing(source: Path, tmp_path: Path) -> None:
    assert run(source, tmp_path / "out", tmp_path / "key") == 0
    before = {path: path.read_bytes() for path in files(tmp_path / "out")}
    shutil.copy(source / "MUELLER^ANNA" / "0.dcm", source / "copy.dcm")
    assert run(source, tmp_path / "out", tmp_path / "key") == 0
    assert {path: path.read_bytes() for path in files(tmp_path / "out")} == before


def test_another_image_under_the_same_uid_is_named_and_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_instance([make_frame(1).pixels])
    second = make_instance([make_frame(2).pixels])
    for keyword in ("SOPInstanceUID", "StudyInstanceUID"):
        setattr(second, keyword, getattr(first, keyword))
    folder = tmp_path / "twins"
    folder.mkdir()
    save(first, folder / "a.dcm")
    second.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID
    save(second, folder / "b.dcm")
    assert run(folder, tmp_path / "out", tmp_path / "key") == 0
    assert "b.dcm: its SOP Instance UID is that of" in capsys.readouterr().out
    (written,) = files(tmp_path / "out")
    (folder / "b.dcm").unlink()
    assert run(folder, tmp_path / "alone", tmp_path / "key") == 0
    assert [path.read_bytes() for path in files(tmp_path / "alone")] == [written.read_bytes()]


@pytest.mark.parametrize(
    ("target", "key", "message"),
    [
        ("export", "key", "lie within one another"),
        ("export/inside", "key", "lie within one another"),
        (".", "key", "lie within one another"),
        ("out", "out/key", "may not lie in"),
        ("out", "missing/key", "can't be read or made"),
    ],
)
def test_wrong_places_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str, key: str, message: str
) -> None:
    source = tmp_path / "export"
    source.mkdir()
    (source / "scan.dcm").write_bytes(b"never opened")
    before = files(tmp_path)
    assert run(source, tmp_path / target, tmp_path / key) == 1
    assert message in capsys.readouterr().err
    assert files(tmp_path) == before


def test_a_folder_without_a_scan_is_an_input_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", tmp_path / "out", tmp_path / "key") == 1
    assert "could be de-identified" in capsys.readouterr().err
    assert run(tmp_path / "missing", tmp_path / "out", tmp_path / "key") == 1


def test_a_full_disk_is_one_line(source: Path, tmp_path: Path) -> None:
    """In a process of its own that may write no file of more than 100 kB."""
    words = ["deidentify", str(source), str(tmp_path / "out"), "--key", str(tmp_path / "key")]
    limit = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    limit += "; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    program = f"{limit}; from trainer.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 1
    assert "can't be written: File too large. Free space" in done.stderr.splitlines()[-1]
    assert files(tmp_path / "out") == []


def test_ctrl_c_is_one_line_and_leaves_whole_files_only(source: Path, tmp_path: Path) -> None:
    words = ["deidentify", str(source), str(tmp_path / "out"), "--key", str(tmp_path / "key")]
    original = pydicom.dcmread(source / "MUELLER^ANNA" / "0.dcm")
    for number in range(2, 10):
        original.file_meta.MediaStorageSOPInstanceUID = original.SOPInstanceUID = generate_uid()
        save(original, source / f"{number}.dcm")
    command = [sys.executable, "-m", "trainer.cli", *words]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    give_up = time.monotonic() + 60
    while not list(tmp_path.glob("out/P*")) and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    printed = process.communicate(timeout=60)[1]
    assert process.returncode == 2 and "trainer: stopped." in printed and "Traceback" not in printed
    assert not list(tmp_path.glob("out/.unfinished-*"))
    assert main(words) == 0
    assert len(files(tmp_path / "out")) == 10


def test_paths_too_long_and_links_out_of_the_folder_are_listed_and_the_rest_is_written(
    typed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "SRC"
    source.mkdir()
    shutil.copy(typed / "plain.dcm", source / "plain.dcm")
    (source / "out.dcm").symlink_to(typed / "typed.dcm")
    make_deep(source / "deep")
    assert run(source, tmp_path / "out", tmp_path / "key") == 0
    printed = capsys.readouterr().out
    assert "File name too long" in printed and "a link that leads out of the folder" in printed
    assert len(files(tmp_path / "out")) == 1


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tests only read it: a scan with the patient's name on tissue, and one without any text."""
    folder = tmp_path_factory.mktemp("typed")
    plain = make_plain_scan().pixels
    for name, pixels in (("typed", type_on(plain)[0]), ("plain", plain)):
        save(make_instance([pixels], patient=Patient("BEISPIEL^VERA", "0815-4711")), folder / f"{name}.dcm")
    return folder


def run_with(typed: Path, out: Path, *options: str) -> int:
    return main(["deidentify", str(typed), str(out), "--key", str(out.with_name("key")), *options])


@needs_tools("tesseract")
def test_a_line_for_each_file_says_what_was_found_and_done(
    typed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(typed, tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "plain.dcm: no text found on tissue\n" in printed
    assert "typed.dcm: text on tissue in 1 frame, which may name the patient: it was blacked out\n" in printed
    assert "found in 1 of them. It was blacked out. Read by tesseract: may name the patient in 1." in printed
    assert "BEISPIEL" not in printed


def test_without_a_reader_text_is_found_and_not_said_to_be_read(
    typed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert run_with(typed, tmp_path / "out", "--text", "keep") == 0
    printed = capsys.readouterr().out
    assert "it was kept; nobody read it\n" in printed
    assert "Patient Identity Removed is NO. It was not read, since tesseract is not installed." in printed
    removed = {pydicom.dcmread(path).PatientIdentityRemoved for path in files(tmp_path / "out")}
    assert removed == {"YES", "NO"}


def test_files_with_text_are_left_out_where_it_is_refused(
    typed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(typed, tmp_path / "out", "--text", "refuse") == 0
    assert "left out: typed.dcm: text was found on tissue in 1 frame" in capsys.readouterr().out
    assert len(files(tmp_path / "out")) == 1
