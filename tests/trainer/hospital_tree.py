"""A small hospital, all of it synthetic: several makers, a cine, two views declared or not, masks."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import FileDataset

from scanside.image import Box, Mask
from tests.synth.dicom import MAKERS, Maker, Patient, box_around, make_instance, region, save
from tests.synth.scans import Probe, SynthFrame, make_frame

PATIENTS = 8
UNDECLARED = next(maker for maker in MAKERS if not maker.declares_region)


@dataclass
class Hospital:
    """Folders and table, and what must not be found in the dataset.

    Attributes:
        frames: of the stills that have a mask, by file name.
    """

    source: Path
    table: Path
    secrets: list[str] = field(default_factory=list)
    frames: dict[str, SynthFrame] = field(default_factory=dict)


def make_hospital(root: Path) -> Hospital:
    """Two stills a patient, one with a mask; the first has a cine too, the next two a frame of two views."""
    hospital = Hospital(root / "SRC", root / "table.csv")
    hospital.source.mkdir(parents=True)
    lines = ["\ufeffPatient ID;Menopausal status;Center;Malignancy"]
    for number in range(PATIENTS):
        patient = Patient(f"DOE{number}SECRET^SYNTHETIC", f"HOSPITAL-ID-{number}")
        folder = hospital.source / f"DOE{number}SECRET"
        folder.mkdir()
        maker = MAKERS[number % len(MAKERS)]
        for still in range(2):
            frame = make_frame(10 * number + still)
            path = folder / f"IM_000{still}.dcm"
            _save(hospital, _instance([frame], maker, patient), path)
            if still == 0:
                draw(path.with_suffix(".json"), frame.lesion)
                hospital.frames[f"{folder.name}/{path.name}"] = frame
        status, centre = (
            ("peri", "post", "Pre-menopausal", "")[number % 4],
            ("oncology", "Other centre")[number % 2],
        )
        lines.append(f"{patient.id};{status};{centre};{('benign', 'malignant')[number % 2]}")
    first = Patient("DOE0SECRET^SYNTHETIC", "HOSPITAL-ID-0")
    cine = [make_frame(100 + i) for i in range(6)]
    _save(hospital, _instance(cine, MAKERS[0], first), hospital.source / "DOE0SECRET" / "cine.dcm")
    draw(hospital.source / "DOE0SECRET" / "cine_3.json", cine[2].lesion)
    left, right = make_frame(200), make_frame(201)
    dual = make_instance(
        [np.concatenate([left.pixels, right.pixels], axis=1)],
        maker=MAKERS[0],
        patient=Patient("DOE1SECRET^SYNTHETIC", "HOSPITAL-ID-1"),
        regions=[region(box_around(left.sector)), region(_moved(box_around(right.sector), left.size.width))],
    )
    _save(hospital, dual, hospital.source / "DOE1SECRET" / "dual.dcm")
    draw(hospital.source / "DOE1SECRET" / "dual.json", np.hstack([np.zeros_like(left.lesion), right.lesion]))
    undeclared = [make_frame(seed, probe=Probe.CURVED) for seed in (210, 211)]
    two = make_instance(
        [np.hstack([view.pixels for view in undeclared])],
        maker=UNDECLARED,
        patient=Patient("DOE2SECRET^SYNTHETIC", "HOSPITAL-ID-2"),
    )
    _save(hospital, two, hospital.source / "DOE2SECRET" / "two.dcm")
    draw(hospital.source / "DOE2SECRET" / "two.json", np.hstack([view.lesion for view in undeclared]))
    hospital.table.write_text("\n".join(lines), encoding="utf-8")
    return hospital


def make_deep(folder: Path) -> None:
    """Write folders within folders, each with a file, until paths are longer than a system takes."""
    folder.mkdir()
    held = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 240, dir_fd=held)
        inner = os.open("d" * 240, os.O_RDONLY, dir_fd=held)
        os.close(held)
        held = inner
        file = os.open("f.dcm", os.O_WRONLY | os.O_CREAT, dir_fd=held)
        os.close(file)
    os.close(held)


def draw(path: Path, lesion: Mask) -> None:
    """Write a mask as Labelme does: the contour as a polygon, in corners of pixels."""
    contours, _ = cv2.findContours(lesion.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    shapes = [
        {"label": "lesion", "shape_type": "polygon", "points": (contour[:, 0] + 0.5).tolist()}
        for contour in contours
    ]
    height, width = lesion.shape
    document = {"shapes": shapes, "imagePath": "x.png", "imageHeight": height, "imageWidth": width}
    path.write_text(json.dumps(document))


def _instance(frames: list[SynthFrame], maker: Maker, patient: Patient) -> FileDataset:
    regions = [region(box_around(frames[0].sector))] if maker.declares_region and len(frames) == 1 else []
    return make_instance([frame.pixels for frame in frames], maker=maker, patient=patient, regions=regions)


def _save(hospital: Hospital, instance: FileDataset, path: Path) -> None:
    save(instance, path)
    uids = (instance.SOPInstanceUID, instance.StudyInstanceUID, instance.SeriesInstanceUID)
    hospital.secrets += [str(instance.PatientName), path.parent.name, instance.PatientID, *map(str, uids)]
    hospital.secrets += [instance.StudyDate, instance.PatientBirthDate, "2020-01-01", "1970-01-01"]


def _moved(box: Box, right: int) -> Box:
    return Box(box.x0 + right, box.y0, box.x1 + right, box.y1)
