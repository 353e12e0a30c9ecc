"""Write a dataset in the format that trainer/data/hospital.py describes and reads.

In order: `make_pseudonym` for every name, `write_slide` for every image, `draw_split` over the patients,
`finish_dataset` at the end. A folder without dataset.json is an unfinished dataset, and no reader takes it.
"""

import csv
import hashlib
import hmac
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePath
from typing import Any

import cv2
import numpy as np

from scanside import RESEARCH_USE, __version__
from scanside.facts import ClinicalRecord
from scanside.image import Grey, Mask
from trainer.data.hospital import (
    CA125_COLUMN,
    FOLDS,
    PATIENT_COLUMNS,
    SCHEMA,
    SLIDE_COLUMNS,
    CohortPatient,
    CohortSlide,
    compute_fingerprint,
)
from trainer.files.write import write_file

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four: in full width
TEST_SHARE = 0.15  # thesis: 85 % for training and validation, 15 % for testing, by patient


@dataclass(frozen=True)
class SplitFacts:
    """What is known of a patient before the split is drawn."""

    record: ClinicalRecord
    malignant: bool


def make_pseudonym(key: bytes, prefix: str, *parts: str, digits: int) -> str:
    """`prefix` and the first hex `digits` of HMAC-SHA256(key, parts): the same for the same, and one-way."""
    message = "\0".join(parts).encode("utf-8", "surrogatepass")  # file names need not be UTF-8
    return prefix + hmac.new(key, message, hashlib.sha256).hexdigest()[:digits]


def write_slide(root: Path, name: str, pixels: Grey, lesion: Mask | None) -> tuple[str, str]:
    """Write the files of one slide; one that is broken off leaves nothing under the final names.

    Args:
        name: of the slide.
        pixels: (H, W) uint8, as `scanside.scan.prepare.cut` gives them.
        lesion: (H, W) bool; None where it was not drawn.

    Returns:
        SHA-256 of the image's and of the mask's file; the latter empty without a mask.
    """
    if lesion is not None and lesion.shape != pixels.shape:
        raise ValueError(f"mask {lesion.shape} and image {pixels.shape} differ in size")
    mask_sha256 = ""
    if lesion is not None:  # before the image: an image that exists is a slide that is whole
        mask_sha256 = _write_png(root / "masks" / f"{name}.png", lesion.astype(np.uint8) * np.uint8(255))
    return _write_png(root / "images" / f"{name}.png", pixels), mask_sha256


def draw_split(
    facts: Mapping[str, SplitFacts], seed: int, test_share: float = TEST_SHARE
) -> tuple[CohortPatient, ...]:
    """Give each patient a part and a fold, so that malignancy and centre are shared out alike.

    Patients are ordered by a hash of seed and name: the draw hangs neither on their order in a table nor on
    a generator's version.

    Args:
        facts: by patient's name.

    Returns:
        Patients in the order of their names.
    """
    strata: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for name in sorted(facts, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest()):
        strata[facts[name].malignant, facts[name].record.centre.value].append(name)
    test, train = _draw_test(strata, test_share)
    place = {name: ("test", -1) for name in test}
    place |= {name: ("train", position % FOLDS) for position, name in enumerate(train)}
    return tuple(
        CohortPatient(name, *place[name], facts[name].record, facts[name].malignant) for name in sorted(facts)
    )


def _draw_test(strata: Mapping[tuple[bool, str], list[str]], share: float) -> tuple[list[str], list[str]]:
    """Draw the first of each stratum, the malignant shared out first: no part may lack them."""
    kinds = [
        {key: names for key, names in sorted(strata.items()) if key[0] is malignant}
        for malignant in (True, False)
    ]
    malignant, benign = (sum(map(len, kind.values())) for kind in kinds)
    tested = max(1 if malignant > 1 else 0, round(share * malignant))
    totals = (tested, max(0, round(share * (malignant + benign)) - tested))
    test, train = [], []
    for kind, total in zip(kinds, totals, strict=True):
        for key, number in _share_out(kind, total).items():
            test += strata[key][:number]
            train += strata[key][number:]
    return test, train


def _share_out(strata: Mapping[tuple[bool, str], list[str]], total: int) -> dict[tuple[bool, str], int]:
    """Share `total` out by the size of the strata."""
    patients = max(1, sum(map(len, strata.values())))
    wanted = {key: total * len(names) / patients for key, names in strata.items()}
    number = {key: int(want) for key, want in wanted.items()}
    for key in sorted(strata, key=lambda key: number[key] - wanted[key])[: total - sum(number.values())]:
        number[key] += 1
    return number


def finish_dataset(
    root: Path,
    patients: Sequence[CohortPatient],
    slides: Sequence[CohortSlide],
    *,
    kind: str,
    name: str,
    split: Mapping[str, Any],
    preparation: Mapping[str, Any],
) -> str:
    """Write the tables, then dataset.json, which makes `root` a dataset.

    Args:
        kind: one of trainer.data.hospital.KINDS.
        split, preparation: how it was drawn and made; plain values for dataset.json.

    Returns:
        The fingerprint.
    """
    patients_csv = _make_patients_table(patients)
    slides_csv = make_table(SLIDE_COLUMNS, map(make_slide_row, slides))
    write_file(root / "patients.csv", patients_csv)
    write_file(root / "slides.csv", slides_csv)
    digest = compute_fingerprint(patients_csv, slides_csv)
    about = {
        "schema": SCHEMA,
        "kind": kind,
        "name": name,
        "made_by": f"scanside {__version__}",
        "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "research_use": RESEARCH_USE,
        "counts": count_parts(patients, slides),
        "split": dict(split),
        "preparation": dict(preparation),
        "fingerprint": digest,
    }
    write_file(root / "dataset.json", (json.dumps(about, indent=2) + "\n").encode())
    return digest


def count_parts(patients: Iterable[CohortPatient], slides: Iterable[CohortSlide]) -> dict[str, int]:
    """Count how many patients, slides and masks there are, in each part, and how many are malignant."""
    part = {}
    totals: Counter[str] = Counter()
    for patient in patients:
        part[patient.name] = patient.part
        totals.update(["patients", f"{patient.part}_patients"])
        totals.update([f"{patient.part}_malignant_patients"] if patient.malignant else [])
    for slide in slides:
        totals.update(["slides", f"{part[slide.patient]}_slides"])
        totals.update(["masks"] if slide.mask else [])
    return dict(sorted(totals.items()))


def make_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows as CSV in UTF-8; bytes of a file name that are none, as \\udc and two digits.

    A text that a spreadsheet takes for a formula gets an apostrophe before it: names of files are anybody's.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _escape_formula(value) for column, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _escape_formula(value: object) -> object:
    """Return a number as it is; put an apostrophe before a text or path that begins as a formula does."""
    if not isinstance(value, str | PurePath):
        return value
    text = str(value).replace("\r", "\\r")  # csv would leave it unquoted, and readers end the row there
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text[:1] in ("\t", "\n") else text


def _write_png(path: Path, pixels: Grey) -> str:
    content = cv2.imencode(".png", pixels)[1].tobytes()
    write_file(path, content)
    return hashlib.sha256(content).hexdigest()


def _make_patients_table(patients: Sequence[CohortPatient]) -> bytes:
    rows = [_make_patient_row(patient) for patient in patients]
    if all(patient.record.ca125_u_ml is None for patient in patients):
        return make_table(PATIENT_COLUMNS, rows)
    for row, patient in zip(rows, patients, strict=True):
        row[CA125_COLUMN] = patient.record.ca125_u_ml  # None is written as an empty cell
    return make_table((*PATIENT_COLUMNS, CA125_COLUMN), rows)


def _make_patient_row(patient: CohortPatient) -> dict[str, object]:
    return {
        "patient": patient.name,
        "split": patient.part,
        "fold": patient.fold,
        "menopausal_status": patient.record.menopausal_status.value,
        "centre": patient.record.centre.value,
        "malignant": int(patient.malignant),
    }


def make_slide_row(slide: CohortSlide) -> dict[str, object]:
    """Format a slide as a line of slides.csv; trainer.data.hospital.read_slide takes it back."""
    box, source = slide.origin.box, slide.origin.source
    return {
        "slide": slide.name,
        "patient": slide.patient,
        "malignant": int(slide.malignant),
        "image": slide.image,
        "mask": slide.mask or "",
        "image_sha256": slide.image_sha256,
        "mask_sha256": slide.mask_sha256,
        "height": slide.size.height,
        "width": slide.size.width,
        "source_height": source.height,
        "source_width": source.width,
        **box._asdict(),
        "found_by": slide.found_by,
        "flags": "; ".join(slide.flags),
        "maker": slide.maker,
        "frame": slide.frame,
    }
