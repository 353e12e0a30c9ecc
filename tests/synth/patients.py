"""Instances of patients who never were, full of identity: all over the header, and burned into pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import UID, generate_uid

from scanside.image import Mask, Size
from tests.synth.dicom import MAKERS, NATIVE, Photometric, box_around, make_instance, region
from tests.synth.scans import Probe, SynthFrame, make_frame

SIZE = Size(600, 800)
# Name as stored, its character set (PS3.3 C.12.1.1.2), as machines burn it in.
NAMES = (
    ("Synthmüller^Änne", "ISO_IR 100", "SYNTHMUELLER"),
    ("Поддельная^Фиктивия", "ISO_IR 144", "PODDELNAYA"),
    ("SYNTHEYAMA^TAROKO=合成山田^花子偽名", ["", "ISO 2022 IR 87"], "SYNTHEYAMA"),
    ("Łukaszyńska^Syntetyczna", "ISO_IR 192", "LUKASZYNSKA"),
    ("SYNTHETICOS^FAKETTE^^DR", "ISO_IR 6", "SYNTHETICOS"),
    ("李合成病人偽名^測試", "ISO_IR 192", "LIHECHENG"),
)
PLACES = ("top left", "top right", "bottom left", "bottom right", "left", "bar", "above the face")


@dataclass(frozen=True)
class SynthPatient:
    """An instance and all of it that must not be found again.

    Attributes:
        instance: the DICOM object, not yet saved.
        secrets: names, identifiers, UIDs, private values, free texts: as text.
        dates: YYYYMMDD.
        burned_in: words in the pixels that name the patient; capital letters and digits.
        place: where in the picture they stand.
        sector: (H, W) bool: where tissue is drawn.
    """

    instance: FileDataset
    secrets: tuple[str, ...]
    dates: tuple[str, ...]
    burned_in: tuple[str, ...]
    place: str
    sector: Mask


def make_patient(seed: int) -> SynthPatient:
    """The same seed gives the same patient, but for UIDs that pydicom draws."""
    rng = np.random.default_rng(seed)
    maker = MAKERS[seed % len(MAKERS)]
    name, character_set, burned_name = NAMES[seed // len(MAKERS) % len(NAMES)]
    place = PLACES[seed % len(PLACES)]
    number = f"{rng.integers(10**7, 10**8)}"
    dates = tuple(
        f"{rng.integers(1930, 2024)}{rng.integers(1, 13):02}{rng.integers(1, 29):02}" for _ in range(4)
    )
    frame = make_frame(seed, SIZE, probe=Probe.CURVED if place == "above the face" else None, annotated=False)
    burned_in = (burned_name, f"ID{number}", dates[0])
    burn_in(frame, burned_in, place, rng)
    count = 3 if seed % 10 == 0 and maker.photometric is not Photometric.PALETTE else 1
    instance = make_instance(
        [frame.pixels] * count,
        maker=maker,
        syntax=NATIVE[seed // len(MAKERS) % len(NATIVE)] if maker.syntax in NATIVE else None,
        photometric=Photometric.MONOCHROME1 if seed % 24 == 5 else None,
        regions=[region(box_around(frame.sector))] if maker.declares_region and seed % 4 else [],
    )
    instance.SpecificCharacterSet = character_set
    secrets = fill_header(instance, name, number, dates)
    return SynthPatient(instance, secrets, dates, burned_in, place, frame.sector)


def burn_in(frame: SynthFrame, lines: tuple[str, ...], place: str, rng: np.random.Generator) -> None:
    """Write `lines` at `place`, outside the sector."""
    height, width = frame.size
    step, scale = int(rng.integers(24, 29)), float(rng.uniform(0.62, 0.78))
    across = max(cv2.getTextSize(line, cv2.FONT_HERSHEY_DUPLEX, scale, 1)[0][0] for line in lines)
    if place in ("bar", "above the face"):  # one line: there is no room for more
        lines = ("  ".join(lines),) if place == "bar" else lines[:1]
        across = cv2.getTextSize(lines[0], cv2.FONT_HERSHEY_DUPLEX, scale, 1)[0][0]
    x = width - across - 8 if place.endswith("right") else 8
    y = height - step * len(lines) if place.startswith("bottom") else step
    if place == "left":
        y = height // 2
    if place == "bar":
        frame.pixels[: step + 8] = (38, 66, 110)
    if place == "above the face":
        x = (width - across) // 2
        y = int(np.nonzero(frame.sector[:, width // 2])[0][0]) - 14
    inks = ((255, 255, 255), (230, 220, 40), (170, 170, 170))
    ink = inks[0 if place == "bar" else int(rng.integers(3))]
    outside: NDArray[np.uint8] = frame.pixels.copy()
    for row, line in enumerate(lines):
        cv2.putText(outside, line, (x, y + row * step), cv2.FONT_HERSHEY_DUPLEX, scale, ink, 1, cv2.LINE_AA)
    frame.pixels[~frame.sector] = outside[~frame.sector]


def fill_header(instance: FileDataset, name: str, number: str, dates: tuple[str, ...]) -> tuple[str, ...]:
    """Put identity wherever files have been seen to carry it; returns the texts."""
    others = [f"{what} of {number}" for what in ("Clinic", "Doctor", "Note", "Street", "Label", "Secret")]
    clinic, doctor, note, street, label, secret = others
    instance.PatientName, instance.PatientID = name, number
    instance.PatientBirthDate, instance.StudyDate, instance.SeriesDate, instance.ContentDate = dates
    instance.AcquisitionDateTime = f"{dates[1]}101112.123456+0100"
    instance.PatientAddress, instance.PatientComments, instance.OtherPatientIDs = (
        street,
        note,
        [number, label],
    )
    instance.InstitutionName, instance.ReferringPhysicianName = clinic, doctor
    instance.StudyDescription = instance.SeriesDescription = instance.ImageComments = note
    instance.ImageType = ["ORIGINAL", "PRIMARY", f"X{number}"]
    instance.TransducerData, instance.ProcessingFunction = [secret], label
    instance.FrameOfReferenceUID = generate_uid()
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = instance.SOPClassUID, generate_uid()
    reference.PurposeOfReferenceCodeSequence = [_named(name, secret)]
    instance.SourceImageSequence = [reference]
    instance.RequestAttributesSequence = [_named(name, note)]
    for item in instance.get("SequenceOfUltrasoundRegions") or []:
        item.update(_named(name, label))
    private = instance.private_block(0x0019, "SYNTH MAKER", create=True)
    private.add_new(0x01, "LO", secret)
    private.add_new(0x02, "SQ", [_named(name, secret)])
    private.add_new(0x03, "UN", secret.encode("utf-16-le"))
    instance.add_new(0x00201235, "UN", label.encode())  # no attribute of the standard
    instance.add_new(0x50000022, "LO", label)  # curve
    instance.add_new(0x60000022, "LO", label)  # overlay
    instance.add_new(0x60001500, "LO", label)
    instance.add_new(0xFFFCFFFC, "OB", secret.encode() + bytes(len(secret) % 2))  # padding
    instance.preamble = number.encode().ljust(128, b"\0")
    instance.file_meta.SourceApplicationEntityTitle = f"AE{number}"
    instance.file_meta.PrivateInformationCreatorUID = generate_uid()
    instance.file_meta.PrivateInformation = secret.encode() + bytes(len(secret) % 2)
    return (*_words(name), number, *others, *_uids(instance))


def _named(name: str, text: str) -> Dataset:
    item = Dataset()
    item.PatientName, item.PatientComments, item.CodeMeaning = name, text, text
    return item


def _words(name: str) -> list[str]:
    return [part for group in name.split("=") for part in group.split("^") if len(part) > 3]


def _uids(instance: FileDataset) -> list[str]:
    values = [element.value for element in [*instance.iterall(), *instance.file_meta] if element.VR == "UI"]
    return sorted({str(uid) for uid in values if isinstance(uid, UID) and uid.name == uid})
