"""One DICOM file -> its slides in the dataset: the work of one process, and the record that it leaves.

What is said of a file inside the dataset is said without its name, header or any library's message, since
each may hold a patient's name. The full message is kept apart (`LeftOut.detail`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from scanside.deidentify.header import device_of
from scanside.deidentify.key import Key
from scanside.errors import InputError, NotScorable, Unreadable
from scanside.scan.cine import frames_to_score
from scanside.scan.decoding.instance import Instance, open_instance
from scanside.scan.prepare import cut, find_scans
from scanside.scan.types import Mask, Tissue
from trainer.data.hospital import Slide, read_slide
from trainer.prepare.dataset import pseudonym, slide_row, write_slide
from trainer.prepare.labelme import read_mask
from trainer.prepare.masks import UNNUMBERED


@dataclass(frozen=True)
class Job:
    """One file to prepare.

    Attributes:
        number: 1-based, in the sorted list of all files.
        record: name of its record, a pseudonym of path, size and time.
        masks: by frame number.
        root: the dataset.
    """

    number: int
    path: Path
    record: str
    masks: Mapping[int, Path]
    root: Path
    cine_frames: int
    key: Key


@dataclass(frozen=True)
class LeftOut:
    """A file, frame, mask or folder that the dataset lacks.

    Attributes:
        what: "file", "frame", "mask" or "folder".
        frame: 1-based; 0 for a whole file.
        reason: says nothing of a patient.
        detail: the full message, for the owner of the files alone.
    """

    what: str
    frame: int
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Prepared:
    """What became of one file.

    Attributes:
        patient: pseudonym; empty where the file could not be read that far.
        slides: with `malignant` still False; the clinical table says it later.
    """

    patient: str = ""
    slides: tuple[Slide, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def to_json(self) -> str:
        slides = [{name: str(value) for name, value in slide_row(slide).items()} for slide in self.slides]
        left_out = [asdict(left) | {"detail": ""} for left in self.left_out]
        return json.dumps({"patient": self.patient, "slides": slides, "left_out": left_out})

    @staticmethod
    def from_json(text: str) -> "Prepared":
        """Raises ValueError, KeyError or TypeError: that is no record."""
        record = json.loads(text)
        left_out = tuple(LeftOut(**left) for left in record["left_out"])
        return Prepared(str(record["patient"]), tuple(map(read_slide, record["slides"])), left_out)


def prepare_file(job: Job) -> Prepared:
    """Write the slides of one file; what can't be used is left out, with the reason."""
    try:
        instance = open_instance(job.path)
        patient_id = str(instance.header.get("PatientID") or "").strip(" \0")
        uid = str(instance.header.get("SOPInstanceUID") or "").strip(" \0")
        if not (patient_id and uid):
            missing = "PatientID" if uid else "SOPInstanceUID"
            return Prepared(left_out=(LeftOut("file", 0, f"no {missing} in the header"),))
        patient = job.key.pseudonym(patient_id)
        return _prepare_frames(job, instance, patient, uid)
    except NotScorable as error:
        return Prepared(left_out=(LeftOut("file", 0, _public(error), str(error)),))
    except MemoryError:
        return Prepared(left_out=(LeftOut("file", 0, "needs more memory than there is"),))


def _prepare_frames(job: Job, instance: Instance, patient: str, uid: str) -> Prepared:
    slides: list[Slide] = []
    left_out: list[LeftOut] = []
    masks = dict(job.masks)
    if UNNUMBERED in masks:
        if instance.frame_count == 1:
            masks.setdefault(1, masks[UNNUMBERED])
        else:
            left_out.append(LeftOut("mask", 0, "the mask does not say which frame of a cine it is drawn on"))
        del masks[UNNUMBERED]
    for number in sorted(n for n in masks if not 1 <= n <= instance.frame_count):
        left_out.append(LeftOut("mask", number, "the mask is of a frame that the cine does not have"))
        del masks[number]
    for number in sorted({*frames_to_score(instance.frame_count, job.cine_frames), *masks}):
        try:
            frame = instance.frame(number - 1)
            regions = find_scans(instance.header, frame)
        except NotScorable as error:
            left_out.append(LeftOut("frame", number, _public(error), str(error)))
            continue
        drawn = None
        if number in masks:
            try:
                drawn = read_mask(masks[number], frame.size)
            except InputError as error:
                left_out.append(LeftOut("mask", number, str(error)))
        used = False
        for view, region in enumerate(regions):
            try:
                tissue = cut(frame, region)
            except NotScorable as error:
                left_out.append(LeftOut("frame", number, _public(error), str(error)))
                continue
            lesion = None if drawn is None else _moved(drawn, tissue)
            used |= lesion is not None
            parts = (uid, str(number), *([str(view)] if view else []))
            name = pseudonym(job.key.secret, "S", *parts, digits=12)
            slides.append(_write(job, instance, tissue, lesion, name, patient, number))
        if drawn is not None and not used:
            left_out.append(LeftOut("mask", number, "the mask was drawn outside the scan"))
    return Prepared(patient, tuple(slides), tuple(left_out))


def _moved(drawn: Mask, tissue: Tissue) -> Mask | None:
    """The mask, cut as its scan was; None where nothing was drawn on this one of several views."""
    box = tissue.origin.box
    lesion = drawn[box.y0 : box.y1, box.x0 : box.x1]
    return lesion if lesion.any() else None


def _write(
    job: Job, instance: Instance, tissue: Tissue, lesion: Mask | None, name: str, patient: str, number: int
) -> Slide:
    image_sha256, mask_sha256 = write_slide(job.root, name, tissue.pixels, lesion)
    return Slide(
        name,
        patient,
        False,
        tissue.origin,
        image_sha256,
        mask_sha256,
        tissue.found_by.value,
        tuple(sorted(flag.value for flag in tissue.flags | instance.flags)),
        _plain(device_of(instance.header)),
        number,
    )


def _plain(text: str) -> str:
    """What a maker's name is written with, and no more of it than one has."""
    return " ".join(re.sub(r"[^A-Za-z0-9 ._()/-]", " ", text).split()).lstrip("-")[:64]


def _public(error: NotScorable) -> str:
    """The reason without what stands in the file; what is said of missing tissue cites nothing of it."""
    return "no DICOM image, damaged, or no decoder for it" if isinstance(error, Unreadable) else str(error)
