"""What the worker process does with one file after another."""

import io
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.demo.instance import declare_spectrum
from edge.protocol.row import NAME_UNDECODED, NOT_SCORED, SCORED, Patient
from edge.scoring.inference import Inference, inspect
from scanside.dicom.header import read_header
from scanside.errors import RunnerError, Unreadable
from scanside.flags import Flag
from scanside.model.bundle import GOLDEN_DENOISER, load_bundle
from scanside.runtime.preference import RuntimeOptions
from tests.edge.conftest import MakeImage
from tests.synth.dicom import make_instance, save
from tests.synth.headers import deflated, short
from tests.synth.scans import make_frame


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


def test_a_deflated_object_costs_no_more_to_name_than_to_refuse(tmp_path: Path) -> None:
    """300 MB in 2 MB, more than a header may inflate to: whose it is stands in its first bytes."""
    name = short(0x0010, 0x0010, "PN", b"SYNTHETIC^DEFLATED") + short(0x0010, 0x0020, "LO", b"SYN-0001")
    path = deflated(tmp_path / "a.dcm", name + short(0x0018, 0x1030, "LO", b"a" * 62) * 4_000_000)
    start = time.process_time()
    with pytest.raises(Unreadable):
        read_header(path)
    refused = time.process_time() - start
    start = time.process_time()
    found = inspect(path)
    assert time.process_time() - start < 3 * refused
    assert found.frame_count == 0 and "inflates to more than" in str(found.reason)
    assert found.patient == Patient("SYNTHETIC^DEFLATED", "SYN-0001")


def test_a_result_of_another_precision_is_not_taken_over(image: MakeImage, bundle: Path) -> None:
    inference = Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions())
    first = inference.assess(image(1), "1.2.3", None, 1).row
    other = replace(first, model=f"{first.model}, float16")
    assert inference.assess(image(1), "1.2.3", None, 1, previous=first).reused
    assert not inference.assess(image(1), "1.2.3", None, 1, previous=other).reused


def test_what_was_removed_is_told_and_drawn(image: MakeImage, denoising_bundle: Path) -> None:
    made = make_frame(4)
    found = Inference(load_bundle(denoising_bundle, allow_test_only=True), RuntimeOptions()).assess(
        image(4), "1.2.3", None, 1
    )
    row, preview = found.row, found.preview
    assert row.state == SCORED and Flag.ANNOTATIONS.value in row.flags
    assert row.annotations is not None and 0 < row.annotations["share"] < 0.1
    assert "denoise" in row.timings_ms
    inside = np.zeros(made.size, bool)
    for x0, y0, x1, y1 in row.annotations["boxes"]:
        assert 0 <= x0 < x1 <= made.size.width and 0 <= y0 < y1 <= made.size.height
        inside[y0:y1, x0:x1] = True
    strokes = made.text & made.sector
    assert inside[strokes].mean() > 0.9 and inside.mean() < 0.15
    assert preview is not None and preview.annotations and preview.outline
    drawn = np.zeros((preview.height, preview.width), np.uint8)
    for polygon in preview.annotations:
        cv2.fillPoly(drawn, [np.array(polygon)], 1)
    small = cv2.resize(strokes.astype(np.float32), drawn.shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
    assert drawn[small].mean() > 0.9


def test_a_scan_without_annotations_says_so(denoising_bundle: Path, tmp_path: Path) -> None:
    path = save(make_instance([make_frame(5, annotated=False).pixels]), tmp_path / "a.dcm")
    found = Inference(load_bundle(denoising_bundle, allow_test_only=True), RuntimeOptions()).assess(
        path, "1.2.3", None, 1
    )
    assert found.row.annotations == {"share": 0.0, "boxes": []}
    assert Flag.ANNOTATIONS.value not in found.row.flags
    assert found.preview is not None and found.preview.annotations == ()


def test_a_denoiser_that_fails_its_golden_case_scores_nothing(denoising_bundle: Path) -> None:
    bundle = load_bundle(denoising_bundle, allow_test_only=True)
    golden, buffer = bundle.arrays(GOLDEN_DENOISER), io.BytesIO()
    golden["out_clean"] = golden["out_clean"] + 0.1
    np.savez(buffer, **golden)  # type: ignore[arg-type]
    other = replace(bundle, files={**bundle.files, GOLDEN_DENOISER: buffer.getvalue()})
    with pytest.raises(RunnerError, match="clean differs by"):
        Inference(other, RuntimeOptions())


def test_an_image_without_a_scan_can_be_looked_at_and_is_told_from_another(
    bundle: Path, tmp_path: Path
) -> None:
    inference = Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions())
    found = []
    for seed in (1, 2):
        instance = make_instance([make_frame(seed).pixels])
        declare_spectrum(instance)
        path = tmp_path / f"{seed}.dcm"
        instance.save_as(path, enforce_file_format=True)
        found.append(inference.assess(path, "1.2.3", None, 1))
    for result in found:
        assert result.row.state == NOT_SCORED and "only spectra" in str(result.row.reason)
        assert result.preview is not None and result.preview.outline == ()
    assert len({result.row.image_digest for result in found} - {None}) == 2


@pytest.mark.parametrize(
    ("declared", "name"),
    [("ISO_IR 144", "Иванова^Анна"), ("ISO_IR 192", "Müller^Łucja"), ("ISO_IR 100", "Müller"), ("", "PLAIN")],
)
def test_a_name_in_a_known_character_set_is_no_matter(declared: str, name: str, tmp_path: Path) -> None:
    inspection = inspect(_of_patient(name, declared, tmp_path / "a.dcm"))
    assert inspection.patient.name == name and inspection.flags == ()


@pytest.mark.parametrize(
    ("declared", "patched", "shown"),
    [
        ("ISO_IR 144", "ISO_IR 999", r"\xb8\xd2\xd0^A"),  # unknown
        ("ISO_IR 144", "          ", r"\xb8\xd2\xd0^A"),  # not declared: ASCII alone
        (
            "ISO_IR 144",
            "ISO_IR 192",
            "\N{REPLACEMENT CHARACTER}" * 3 + "^A",
        ),  # another than it was written in
    ],
)
def test_a_name_that_cannot_be_decoded_is_flagged_and_never_guessed(
    declared: str, patched: str, shown: str, bundle: Path, tmp_path: Path
) -> None:
    path = _of_patient("Ива^A", declared, tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(declared.encode(), patched.encode()))
    inspection = inspect(path)
    assert inspection.patient.name == shown
    assert inspection.flags == (NAME_UNDECODED,) and inspection.refusal("1.2").flags == (NAME_UNDECODED,)
    if patched == "ISO_IR 999":
        inference = Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions())
        row = inference.assess(path, "1.2", None, 1).row
        assert row.state == SCORED and row.flags[-1] == NAME_UNDECODED
        readable = _of_patient("Ива^A", declared, tmp_path / "b.dcm")
        again = inference.assess(readable, "1.2", None, 1, previous=row)
        assert again.reused and NAME_UNDECODED not in again.row.flags
        back = inference.assess(path, "1.2", None, 1, previous=again.row)
        assert back.reused and back.row.flags == row.flags


def _of_patient(name: str, declared: str, path: Path) -> Path:
    dataset = make_instance([make_frame(5).pixels])
    if declared:
        dataset.SpecificCharacterSet = declared
    dataset.PatientName = name
    return save(dataset, path)


def test_a_file_that_a_newer_version_replaced_is_no_fault_of_the_program(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inference = Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions())
    path = tmp_path / "0.dcm"

    def gone(opened: Path) -> None:
        raise RuntimeError(f"{opened} was there when it was opened")

    monkeypatch.setattr(inference, "_open", gone)
    assert inference.assess(path, "1.2.3", None, 1).row.reason
    assert not caplog.records
    path.touch()
    assert inference.assess(path, "1.2.3", None, 1).row.reason
    assert [record.message for record in caplog.records] == ["frame 1 of 1.2.3"]
