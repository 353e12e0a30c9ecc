"""A prepared dataset, as `trainer prepare hospital` and `trainer synth` write it, and its reader.

dataset.json    what it is, who made it, how it was split; the fingerprint of all the rest
patients.csv    one patient a line: part, fold, clinical record, malignant or not; CA125 where it is known
slides.csv      one slide a line: its patient, where it was cut from, SHA-256 of its files
images/*.png    the sector of tissue at source resolution, grey, black outside
masks/*.png     the lesion, 0 or 255, the size of the image; only where somebody drew it
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from scanside.dicom.layout import MAX_FRAME_PIXELS
from scanside.errors import InputError
from scanside.facts import Centre, ClinicalRecord, MenopausalStatus
from scanside.image import Box, Grey, Mask, Size
from scanside.regular_file import read_regular
from scanside.scan.types import Crop

SCHEMA = "scanside-dataset/1"
KINDS = ("hospital", "synthetic")
PARTS = ("train", "test")
FOLDS = 5
PATIENT_COLUMNS = ("patient", "split", "fold", "menopausal_status", "centre", "malignant")
CA125_COLUMN = "ca125_u_ml"  # after the others, and only where it is known of somebody
SLIDE_COLUMNS = (
    *("slide", "patient", "malignant", "image", "mask", "image_sha256", "mask_sha256", "height", "width"),
    *("source_height", "source_width", "x0", "y0", "x1", "y1", "found_by", "flags", "maker", "frame"),
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_TEXT_BYTES = 256 * 2**20  # of one table; a million slides need less
_T = TypeVar("_T")


@dataclass(frozen=True)
class CohortPatient:
    """One patient; all slides of a patient are in one part, since the part is the patient's.

    Attributes:
        name: the pseudonym.
        part: "train" or "test".
        fold: 0 to FOLDS - 1 in "train" (one fold serves as validation); -1 in "test".
        malignant: what histology, or follow-up, says.
    """

    name: str
    part: str
    fold: int
    record: ClinicalRecord
    malignant: bool


@dataclass(frozen=True)
class CohortSlide:
    """One 2D image of one patient.

    Attributes:
        name: the pseudonym; its files are images/{name}.png and masks/{name}.png.
        patient: name of the patient.
        malignant: the patient's.
        origin: where in the source frame it was cut from.
        image_sha256: of the file.
        mask_sha256: of the file; empty where the lesion was not drawn.
        found_by: which rule found the scan.
        flags: what a reader has to know.
        maker: manufacturer and model of the machine.
        frame: 1-based number in the source instance.
    """

    name: str
    patient: str
    malignant: bool
    origin: Crop
    image_sha256: str
    mask_sha256: str = ""
    found_by: str = ""
    flags: tuple[str, ...] = ()
    maker: str = ""
    frame: int = 1

    @property
    def image(self) -> str:
        """Path of the image in the dataset."""
        return f"images/{self.name}.png"

    @property
    def mask(self) -> str | None:
        """Path of the mask in the dataset; None where the lesion was not drawn."""
        return f"masks/{self.name}.png" if self.mask_sha256 else None

    @property
    def size(self) -> Size:
        return self.origin.box.size


@dataclass(frozen=True)
class Cohort:
    """A prepared dataset: who is in it; pixels stay on disk until they are asked for.

    Attributes:
        about: dataset.json.
        patients, slides: in the order of the tables.
        fingerprint: SHA-256 over both tables, which hold the digest of every image and mask.
    """

    root: Path
    about: dict[str, Any]
    patients: tuple[CohortPatient, ...]
    slides: tuple[CohortSlide, ...]
    fingerprint: str

    @property
    def is_denoised(self) -> bool:
        """Whether `trainer denoise` removed annotations from it."""
        return "annotations" in self.about["preparation"]

    def pixels(self, slide: CohortSlide) -> Grey:
        """Read the tissue of one slide: (H, W) uint8, black outside the sector.

        Raises:
            InputError: the file is missing, damaged or not what the dataset was made with.
        """
        return _read_picture(self.root / slide.image, slide.image_sha256, slide.size)

    def lesion(self, slide: CohortSlide) -> Mask | None:
        """Read the lesion on one slide: (H, W) bool; None where it was not drawn.

        Raises:
            InputError: the file is missing, damaged or not what the dataset was made with.
        """
        if slide.mask is None:
            return None
        return np.asarray(_read_picture(self.root / slide.mask, slide.mask_sha256, slide.size) > 127, bool)

    def check_files(self) -> None:
        """Compare the digest of every image and mask.

        Raises:
            InputError: a file is missing or altered.
        """
        for slide in self.slides:
            _read_content(self.root / slide.image, slide.image_sha256)
            if slide.mask:
                _read_content(self.root / slide.mask, slide.mask_sha256)


def read_dataset(root: Path) -> Cohort:
    """Read the tables of the dataset at `root`, and check them against each other and the fingerprint.

    Raises:
        InputError: something is missing, altered, of another schema or contradicts itself.
    """
    about = _read_about(root / "dataset.json")
    tables = [_read_text(root / name) for name in ("patients.csv", "slides.csv")]
    digest = compute_fingerprint(*tables)
    if digest != about.get("fingerprint"):
        raise InputError(f"{root}: the tables were changed after the dataset was made. Prepare it again.")
    patients = tuple(
        _read_rows(root / "patients.csv", tables[0], PATIENT_COLUMNS, _read_patient, (CA125_COLUMN,))
    )
    slides = tuple(_read_rows(root / "slides.csv", tables[1], SLIDE_COLUMNS, read_slide))
    _check_tables(root, patients, slides)
    return Cohort(root, about, patients, slides, digest)


def compute_fingerprint(patients_csv: bytes, slides_csv: bytes) -> str:
    """Compute the SHA-256 over the bytes of both tables, one after the other."""
    return hashlib.sha256(patients_csv + slides_csv).hexdigest()


def _read_about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}. Prepare the dataset again.") from error
    if not isinstance(about, dict) or about.get("schema") != SCHEMA:
        schema = about.get("schema") if isinstance(about, dict) else None
        raise InputError(f"{path}: the schema is {schema!r}, this version reads '{SCHEMA}'.")
    if about.get("kind") not in KINDS:
        raise InputError(f"{path}: the kind is {about.get('kind')!r}, known are {', '.join(KINDS)}.")
    for name in ("counts", "split", "preparation"):
        if not isinstance(about.get(name), dict):
            raise InputError(f"{path} does not tell its {name}. Prepare the dataset again.")
    return about


def _read_text(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_TEXT_BYTES:
            raise InputError(f"{path} is larger than {_MAX_TEXT_BYTES >> 20} MiB: that is not a dataset.")
        return read_regular(path)
    except OSError as error:
        raise InputError(
            f"{path} can't be read ({error.strerror}). Give a folder that 'trainer prepare' has finished."
        ) from error


def _read_rows(
    path: Path,
    content: bytes,
    columns: tuple[str, ...],
    read: Callable[[dict[str, str]], _T],
    optional: tuple[str, ...] = (),
) -> list[_T]:
    try:
        lines = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        if tuple(lines.fieldnames or ()) not in (columns, columns + optional):
            raise InputError(f"{path}: the columns are not {','.join(columns)}.")
        rows = []
        for row in lines:
            try:
                if None in row or None in row.values():
                    raise ValueError("another number of columns than the header")
                rows.append(read(row))
            except (ValueError, OverflowError) as error:
                raise InputError(f"{path}, line {lines.line_num}: {error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a table in UTF-8: {error}.") from error
    return rows


def _read_patient(row: dict[str, str]) -> CohortPatient:
    part, fold = row["split"], int(row["fold"])
    if part not in PARTS or fold not in (range(FOLDS) if part == "train" else (-1,)):
        raise ValueError(f"part {part!r} and fold {fold} don't go together")
    ca125 = row.get(CA125_COLUMN, "")
    record = ClinicalRecord(
        MenopausalStatus(row["menopausal_status"]), Centre(row["centre"]), float(ca125) if ca125 else None
    )
    return CohortPatient(_check_name(row["patient"]), part, fold, record, _parse_flag(row["malignant"]))


def read_slide(row: dict[str, str]) -> CohortSlide:
    """Read one line of slides.csv.

    Raises:
        ValueError: it contradicts itself, or a name in it would lead out of the dataset.
    """
    box = Box(*(int(row[side]) for side in ("x0", "y0", "x1", "y1")))
    source = Size(int(row["source_height"]), int(row["source_width"]))
    if not (0 <= box.x0 < box.x1 <= source.width and 0 <= box.y0 < box.y1 <= source.height):
        raise ValueError("the box doesn't lie in the source frame")
    if source.height * source.width > MAX_FRAME_PIXELS or box.size != (int(row["height"]), int(row["width"])):
        raise ValueError("the size is not that of the box, or not possible")
    if not _DIGEST.fullmatch(row["image_sha256"]):
        raise ValueError("image_sha256 is not a SHA-256")
    if row["mask_sha256"] and not _DIGEST.fullmatch(row["mask_sha256"]):
        raise ValueError("mask_sha256 is not a SHA-256")
    slide = CohortSlide(
        _check_name(row["slide"]),
        _check_name(row["patient"]),
        _parse_flag(row["malignant"]),
        Crop(box, source),
        row["image_sha256"],
        row["mask_sha256"],
        row["found_by"],
        tuple(flag for flag in row["flags"].split("; ") if flag),
        row["maker"],
        int(row["frame"]),
    )
    if (row["image"], row["mask"]) != (slide.image, slide.mask or ""):  # so that no path leads out
        raise ValueError(f"the files of slide {slide.name} are not named after it")
    return slide


def _check_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not a pseudonym")
    return text


def _parse_flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text[:80]!r} is neither 0 nor 1")
    return text == "1"


def _check_tables(root: Path, patients: tuple[CohortPatient, ...], slides: tuple[CohortSlide, ...]) -> None:
    known = {patient.name: patient for patient in patients}
    if len(known) != len(patients):
        raise InputError(f"{root}: a patient stands in patients.csv twice, perhaps in two parts.")
    if len({slide.name for slide in slides}) != len(slides):
        raise InputError(f"{root}: a slide stands in slides.csv twice.")
    for slide in slides:
        if slide.patient not in known:
            raise InputError(f"{root}: slide {slide.name} is of a patient who is not in patients.csv.")
        if slide.malignant != known[slide.patient].malignant:
            raise InputError(f"{root}: slide {slide.name} and its patient disagree on 'malignant'.")
    by_image: dict[str, str] = {}
    for slide in slides:
        part = known[slide.patient].part
        if by_image.setdefault(slide.image_sha256, part) != part:
            raise InputError(f"{root}: the image of slide {slide.name} is in both parts: test data leak.")


def _read_content(path: Path, sha256: str) -> bytes:
    try:
        content = read_regular(path)
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}). Prepare the dataset again.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(f"{path} is not the file that the dataset was made with. Prepare it again.")
    return content


def _read_picture(path: Path, sha256: str, size: Size) -> Grey:
    content = _read_content(path, sha256)
    # IHDR is the first chunk of every PNG: the size is known, and refused, before anything is allocated.
    header = content[16:24]
    stated = Size(int.from_bytes(header[4:], "big"), int.from_bytes(header[:4], "big"))
    pixels = None
    if content.startswith(b"\x89PNG\r\n\x1a\n") and stated == size:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise InputError(
            f"{path} is not a PNG of {size.width} x {size.height} px. Prepare the dataset again."
        )
    return np.asarray(pixels, np.uint8)
