"""One DICOM file -> its slides in the dataset: the work of one process, and the record that it leaves.

The dataset describes a file without its name, header or any library's message, since
each may hold a patient's name. The full message is kept apart (`LeftOut.detail`).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from scanside.deidentify.burned_in import TextRule, TextSeen, WhenText, clean_text
from scanside.deidentify.header import device_of
from scanside.deidentify.identity import Identity, identity_of
from scanside.deidentify.key import Key
from scanside.deidentify.text import default_text_finder
from scanside.dicom.instance import Instance
from scanside.errors import InputError, NotScorable, Unreadable
from scanside.image import Frame, Mask, Size
from scanside.scan.cine import frames_to_score
from scanside.scan.instance import open_instance
from scanside.scan.prepare import cut, find_scans
from scanside.scan.types import Tissue
from trainer.data.hospital import CohortSlide, read_slide
from trainer.prepare.dataset import make_pseudonym, make_slide_row, write_slide
from trainer.prepare.labelme import read_mask
from trainer.prepare.masks import UNNUMBERED
from trainer.prepare.read_text import find_reader


@dataclass(frozen=True)
class FileJob:
    """One file to prepare.

    Attributes:
        number: 1-based, in the sorted list of all files.
        record: name of its record, a pseudonym of path, size and time.
        masks: by frame number.
        root: the dataset.
        when_text: what becomes of a slide with text on its tissue.
    """

    number: int
    path: Path
    record: str
    masks: Mapping[int, Path]
    root: Path
    cine_frames: int
    key: Key
    when_text: WhenText = WhenText.BLANK


@dataclass(frozen=True)
class LeftOutFrame:
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
class PreparedFile:
    """What became of one file.

    Attributes:
        patient: pseudonym; empty where the file could not be read that far.
        slides: with `malignant` still False; the clinical table says it later.
    """

    patient: str = ""
    slides: tuple[CohortSlide, ...] = ()
    left_out: tuple[LeftOutFrame, ...] = ()

    def to_json(self) -> str:
        slides = [
            {name: str(value) for name, value in make_slide_row(slide).items()} for slide in self.slides
        ]
        left_out = [asdict(left) | {"detail": ""} for left in self.left_out]
        return json.dumps({"patient": self.patient, "slides": slides, "left_out": left_out})

    @staticmethod
    def from_json(text: str) -> "PreparedFile":
        """Raises ValueError, KeyError or TypeError: that is not a record."""
        record = json.loads(text)
        left_out = tuple(LeftOutFrame(**left) for left in record["left_out"])
        return PreparedFile(str(record["patient"]), tuple(map(read_slide, record["slides"])), left_out)


def prepare_file(job: FileJob) -> PreparedFile:
    """Write the slides of one file; what can't be used is left out, with the reason."""
    try:
        instance = open_instance(job.path)
        patient_id = str(instance.header.get("PatientID") or "").strip(" \0")
        uid = str(instance.header.get("SOPInstanceUID") or "").strip(" \0")
        if not (patient_id and uid):
            missing = "PatientID" if uid else "SOPInstanceUID"
            return PreparedFile(left_out=(LeftOutFrame("file", 0, f"no {missing} in the header"),))
        patient = job.key.pseudonym(patient_id)
        return _prepare_frames(job, instance, patient, uid)
    except NotScorable as error:
        return PreparedFile(left_out=(LeftOutFrame("file", 0, _make_public(error), str(error)),))
    except MemoryError:
        return PreparedFile(left_out=(LeftOutFrame("file", 0, "needs more memory than there is"),))


def _prepare_frames(job: FileJob, instance: Instance, patient: str, uid: str) -> PreparedFile:
    left_out: list[LeftOutFrame] = []
    masks = dict(job.masks)
    if UNNUMBERED in masks:
        if instance.frame_count == 1:
            masks.setdefault(1, masks[UNNUMBERED])
        else:
            left_out.append(
                LeftOutFrame("mask", 0, "the mask does not say which frame of a cine it is drawn on")
            )
        del masks[UNNUMBERED]
    for number in sorted(n for n in masks if not 1 <= n <= instance.frame_count):
        left_out.append(LeftOutFrame("mask", number, "the mask is of a frame that the cine does not have"))
        del masks[number]
    identity = identity_of(instance.header)
    views: list[_View] = []
    for number in sorted({*frames_to_score(instance.frame_count, job.cine_frames), *masks}):
        try:
            frame = instance.frame(number - 1)
            regions = find_scans(instance.header, frame)
        except NotScorable as error:
            left_out.append(LeftOutFrame("frame", number, _make_public(error), str(error)))
            continue
        drawn = None
        if number in masks:
            try:
                drawn = read_mask(masks[number], frame.size)
            except InputError as error:
                left_out.append(LeftOutFrame("mask", number, str(error)))
        used = False
        for view, region in enumerate(regions):
            try:
                tissue = cut(frame, region)
                text = _look_for_text(frame, tissue, identity, job.when_text)
            except NotScorable as error:
                left_out.append(LeftOutFrame("frame", number, _make_public(error), str(error)))
                continue
            lesion = None if drawn is None else _move_mask(drawn, tissue)
            used |= lesion is not None
            parts = (uid, str(number), *([str(view)] if view else []))
            name = make_pseudonym(job.key.secret, "S", *parts, digits=12)
            views.append(_View(name, number, tissue, lesion, text))
        if drawn is not None and not used:
            left_out.append(LeftOutFrame("mask", number, "the mask was drawn outside the scan"))
    slides = [_write_view(job, instance, view, patient) for view in _black_out_text(views)]
    return PreparedFile(patient, tuple(slides), tuple(left_out))


@dataclass(frozen=True)
class _View:
    """A slide before it is written.

    Attributes:
        lesion: where one is drawn, cut as the tissue.
        text: what was found on the tissue.
        notes: what a reader of the slide has to know of the text.
    """

    name: str
    number: int
    tissue: Tissue
    lesion: Mask | None
    text: TextSeen
    notes: tuple[str, ...] = ()


def _look_for_text(frame: Frame, tissue: Tissue, identity: Identity, when_text: WhenText) -> TextSeen:
    """Raises TextOnTissue as scanside.deidentify.burned_in.clean_text."""
    box = tissue.origin.box
    inside = frame.pixels[box.y0 : box.y1, box.x0 : box.x1].copy()  # in colour, where there is any
    inside[tissue.pixels == 0] = 0
    rule = TextRule(default_text_finder(1), find_reader(), when_text)
    return clean_text(inside[None], identity, rule)


def _black_out_text(views: Sequence[_View]) -> Iterator[_View]:
    """Black out in all frames what is text in one: text stands still while tissue moves."""
    blanked: dict[Size, Mask] = {}
    for view in views:
        box, source = view.tissue.origin.box, view.tissue.origin.source
        whole = blanked.setdefault(source, np.zeros(source, bool))
        whole[box.y0 : box.y1, box.x0 : box.x1] |= view.text.blanked
    for view in views:
        box, source = view.tissue.origin.box, view.tissue.origin.source
        black = blanked[source][box.y0 : box.y1, box.x0 : box.x1]
        if black.any():
            pixels = np.where(black, np.uint8(0), view.tissue.pixels)
            yield replace(view, tissue=replace(view.tissue, pixels=pixels), notes=("text blacked out",))
        elif view.text.is_left:
            named = "text that may name the patient kept"
            yield replace(view, notes=(named if view.text.names_patient else "text kept",))
        else:
            yield view


def _move_mask(drawn: Mask, tissue: Tissue) -> Mask | None:
    """Move the mask, cut as its scan was; None where nothing was drawn on this one of several views."""
    box = tissue.origin.box
    lesion = drawn[box.y0 : box.y1, box.x0 : box.x1]
    return lesion if lesion.any() else None


def _write_view(job: FileJob, instance: Instance, view: _View, patient: str) -> CohortSlide:
    tissue = view.tissue
    image_sha256, mask_sha256 = write_slide(job.root, view.name, tissue.pixels, view.lesion)
    return CohortSlide(
        view.name,
        patient,
        False,
        tissue.origin,
        image_sha256,
        mask_sha256,
        tissue.found_by.value,
        (*sorted(flag.value for flag in tissue.flags | instance.flags), *view.notes),
        _normalise_maker(device_of(instance.header)),
        view.number,
    )


def _normalise_maker(text: str) -> str:
    """What a maker's name is written with, and no more of it than one has."""
    return " ".join(re.sub(r"[^A-Za-z0-9 ._()/-]", " ", text).split()).lstrip("-")[:64]


def _make_public(error: NotScorable) -> str:
    """Take what stands in the file out of the reason; the reason for missing tissue cites nothing of it."""
    return "no DICOM image, damaged, or no decoder for it" if isinstance(error, Unreadable) else str(error)
