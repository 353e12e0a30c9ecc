"""Write a patient's slides, the truth about them, and a record that says they are all there."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset as Header

from scanside.errors import InputError, NoTissue
from scanside.image import Box, Frame, Grey, Size
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import cut
from scanside.scan.types import Crop
from trainer.data.hospital import CohortSlide
from trainer.files.write import write_file
from trainer.prepare.dataset import write_slide
from trainer.synth.patients import SynthPatient, name_patient, name_slide
from trainer.synth.recipe import CohortRecipe
from trainer.synth.slide import SynthSlide, render_slide

ANNOTATION_COLUMNS = ("slide", "clean", "annotation")
TRUTH_COLUMNS = ("slide", "patient", "hospital", "suspicion", "kind", "annotated")


@dataclass(frozen=True)
class Drawn:
    """What is known of one slide once its files are written.

    Attributes:
        box, source: where it was cut from, as in Crop.
        reason: why no sector was found, and so no file written; else empty.
    """

    name: str
    patient: str
    kind: str
    probe: str
    annotated: bool
    box: tuple[int, ...] = ()
    source: tuple[int, ...] = ()
    image_sha256: str = ""
    mask_sha256: str = ""
    found_by: str = ""
    flags: tuple[str, ...] = ()
    reason: str = ""

    def slide(self, malignant: bool) -> CohortSlide:
        return CohortSlide(
            self.name,
            self.patient,
            malignant,
            Crop(Box(*self.box), Size(*self.source)),
            self.image_sha256,
            self.mask_sha256,
            self.found_by,
            tuple(self.flags),
            maker=f"synthetic {self.probe} probe",
        )

    def annotation_row(self) -> dict[str, str]:
        annotation = f"annotations/{self.name}.png" if self.annotated else ""
        clean = "clean" if self.annotated else "images"
        return {"slide": self.name, "clean": f"{clean}/{self.name}.png", "annotation": annotation}

    def truth_row(self, patient: SynthPatient) -> dict[str, object]:
        return {
            "slide": self.name,
            "patient": self.patient,
            "hospital": patient.hospital,
            "suspicion": f"{patient.suspicion:.4f}",
            "kind": self.kind,
            "annotated": int(self.annotated),
        }


def choose_record_path(root: Path, recipe: CohortRecipe, patient: SynthPatient) -> Path:
    """Return the path of the file that says that all slides of `patient` are written."""
    return root / "records" / f"{name_patient(recipe.seed, patient.number)}.json"


def write_patient(root: Path, recipe: CohortRecipe, patient: SynthPatient) -> int:
    """Write all slides of a patient, last the record; returns how many."""
    cv2.setNumThreads(1)  # the processes share out the cores already
    drawn = [asdict(_write_slide(root, recipe, patient, number)) for number in range(patient.slides)]
    write_file(choose_record_path(root, recipe, patient), json.dumps(drawn).encode())
    return len(drawn)


def read_drawn(root: Path, recipe: CohortRecipe, patient: SynthPatient) -> list[Drawn]:
    """Read what `write_patient` recorded.

    Raises:
        InputError: the record is missing or was changed.
    """
    path = choose_record_path(root, recipe, patient)
    try:
        return [Drawn(**row) for row in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} can't be read: {error}. Delete it; it is then made again.") from error


def _write_slide(root: Path, recipe: CohortRecipe, patient: SynthPatient, number: int) -> Drawn:
    seen = render_slide(recipe, patient, number)
    name = name_slide(recipe.seed, patient.number, number)
    about = (name, name_patient(recipe.seed, patient.number), seen.kind, seen.probe, seen.annotated)
    frame = Frame(seen.pixels)
    try:
        tissue = cut(frame, find_regions(Header(), frame.size)[0])
    except NoTissue as error:
        return Drawn(*about, reason=str(error))
    box = tissue.origin.box
    mask = seen.lesion[box.y0 : box.y1, box.x0 : box.x1] if seen.masked else None
    if seen.annotated:
        _write_truth(root, name, seen, tissue.pixels, box)
    digests = write_slide(root, name, tissue.pixels, mask)
    flags = tuple(sorted(flag.value for flag in tissue.flags))
    return Drawn(*about, box, frame.size, *digests, tissue.found_by.value, flags)


def _write_truth(root: Path, name: str, seen: SynthSlide, annotated: Grey, box: Box) -> None:
    """Write the slide without its annotations, cut just as the annotated one, and where they are."""
    inner = np.s_[box.y0 : box.y1, box.x0 : box.x1]
    drawn = seen.drawn[inner] & (annotated > 0)
    clean = np.where(drawn, seen.clean[inner][:, :, 0], annotated)
    for folder, picture in (("clean", clean), ("annotations", drawn.astype(np.uint8) * np.uint8(255))):
        write_file(root / folder / f"{name}.png", cv2.imencode(".png", picture)[1].tobytes())
