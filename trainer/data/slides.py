"""Slides as a network sees them, whatever data set they come from."""

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scanside.errors import InputError
from scanside.facts import ClinicalRecord, possible_inputs
from scanside.image import Box, Grey, Mask, Size
from scanside.scan.prepare import fill, prepare_mask
from scanside.scan.types import Crop
from trainer.data import mmotu
from trainer.data.hospital import Cohort, CohortPatient, read_dataset
from trainer.terminal.progress import track

CLINICAL_INPUTS = ("menopausal_status", "oncology_centre", "ca125")  # a network reads the first 0, 2 or 3
UNKNOWN = 0.5  # of a fact: halfway between its values
VALIDATION_FOLD = 0  # of the training part
_T = TypeVar("_T")


@dataclass(frozen=True)
class Slides:
    """One row per slide.

    Attributes:
        names: of the slides.
        patients: (N,) str; slides of one patient are never in two parts. Of MMOTU, which names none, each
            examination counts as one (trainer/data/groups.py); its official split parts them.
        labels: (N,) int64, index of the class.
        scans: (N, H, W) uint8, the network's input.
        masks: (N, H, W) bool, the lesion; nothing where `has_mask` is False.
        has_mask: (N,) bool.
        clinical: (N, 3) float32 in the order of CLINICAL_INPUTS: 0 or 1, of CA125 also in between; one half
            where unknown.
        fingerprint: of the source.
    """

    names: NDArray[np.str_]
    patients: NDArray[np.str_]
    labels: NDArray[np.int64]
    scans: NDArray[np.uint8]
    masks: Mask
    has_mask: NDArray[np.bool_]
    clinical: NDArray[np.float32]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Slides":
        """Return some of the rows."""
        arrays: dict[str, Any]
        arrays = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)

    @property
    def keys(self) -> NDArray[np.int64]:
        """(N,): a number for each name, from which its random views are drawn."""
        return np.array([zlib.crc32(name.encode()) for name in self.names], np.int64)


def read_mmotu_slides(
    root: Path,
    size: Size,
    part: str,
    images: int | None = None,
    mask_above: float = 0.5,
    split: mmotu.SplitName = "grouped",
    test_fold: int = 0,
) -> Slides:
    """Read one part of MMOTU: "train", "validation" or "test".

    Args:
        root: a copy of MMOTU.
        size: rows and columns of the network's input.
        images: use only so many, malignant and others in turn.
        mask_above: share of a pixel from which on a resized mask is lesion.
        split, test_fold: which scans make up the part, see `trainer.data.mmotu.choose_part`.
    """
    entries = [entry for entry in mmotu.read_split() if mmotu.choose_part(entry, split, test_fold) == part]
    if images is not None:
        entries = _alternate(entries, lambda entry: entry.label == mmotu.MALIGNANT)[:images]
    return make_mmotu_slides(mmotu.prepare_scans(root, entries, size, f"{part} images of MMOTU", mask_above))


def make_mmotu_slides(prepared: mmotu.PreparedScans) -> Slides:
    """Make slides of scans: each has a mask, none a clinical fact, an examination counts as a patient."""
    return Slides(
        names=np.array([str(entry.image) for entry in prepared.entries]),
        patients=np.array([str(entry.examination) for entry in prepared.entries]),
        labels=prepared.labels,
        scans=prepared.scans,
        masks=prepared.masks,
        has_mask=np.ones(len(prepared.entries), bool),
        clinical=np.full((len(prepared.entries), len(CLINICAL_INPUTS)), UNKNOWN, np.float32),
        fingerprint=prepared.fingerprint,
    )


def read_hospital_slides(
    root: Path, size: Size, part: str, patients: int | None = None, mask_above: float = 0.5
) -> Slides:
    """Read one part of a prepared data set: "train", "validation" (a fold of its training part) or "test".

    Args:
        root: a folder that `trainer prepare hospital` or `trainer synth cohort` wrote.
        patients: use only so many, malignant and benign in turn.
        mask_above: share of a pixel from which on a resized mask is lesion.
    """
    cohort = read_dataset(root)
    chosen = {patient.name: patient for patient in cohort.patients if _choose_part(patient) == part}
    kept = set(_alternate(list(chosen), lambda name: chosen[name].malignant)[:patients])
    slides = [slide for slide in cohort.slides if slide.patient in kept]
    scans = np.zeros((len(slides), *size), np.uint8)
    masks = np.zeros((len(slides), *size), bool)
    for row, slide in enumerate(track(slides, f"reading {part} slides")):
        tissue, lesion = cohort.pixels(slide), cohort.lesion(slide)
        scans[row], masks[row] = fill_slide(tissue, lesion, size, mask_above)
    return Slides(
        names=np.array([slide.name for slide in slides]),
        patients=np.array([slide.patient for slide in slides]),
        labels=np.array([int(slide.malignant) for slide in slides], np.int64),
        scans=scans,
        masks=masks,
        has_mask=np.array([slide.mask is not None for slide in slides]),
        clinical=np.array([encode_facts(chosen[slide.patient].record) for slide in slides], np.float32),
        fingerprint=cohort.fingerprint,
    )


def check_parts(cohort: Cohort) -> None:
    """Check that `cohort` can be trained, validated and tested on.

    Raises:
        InputError: one of the three parts has no slide.
    """
    part_of = {patient.name: _choose_part(patient) for patient in cohort.patients}
    counts = Counter(part_of[slide.patient] for slide in cohort.slides)
    if empty := [part for part in ("train", "validation", "test") if not counts[part]]:
        raise InputError(
            f"{cohort.root}: no slide for {' and for '.join(empty)}; patients: {len(cohort.patients)}. "
            "Prepare a data set of more patients."
        )


def fill_slide(tissue: Grey, lesion: Mask | None, size: Size, mask_above: float = 0.5) -> tuple[Grey, Mask]:
    """Expand a cut-out sector and its mask to a network's input as the edge does it.

    Returns:
        (H, W) uint8 and bool; the first is 255 times what `scanside.scan.prepare.fill` gives, exactly.
    """
    scan = np.rint(fill(tissue, size) * 255).astype(np.uint8)
    whole = Crop(Box(0, 0, tissue.shape[1], tissue.shape[0]), Size(*tissue.shape))
    return scan, np.zeros(size, bool) if lesion is None else prepare_mask(lesion, whole, size, mask_above)


def encode_facts(record: ClinicalRecord) -> NDArray[np.float32]:
    """Encode facts as the networks read them, (3,) float32; one that is unknown lies between its values."""
    _, rows = possible_inputs(record, CLINICAL_INPUTS)
    return np.asarray(rows.mean(axis=0), np.float32)


def _choose_part(patient: CohortPatient) -> str:
    return "validation" if patient.part == "train" and patient.fold == VALIDATION_FOLD else patient.part


def _alternate(items: Sequence[_T], is_malignant: Callable[[_T], bool]) -> list[_T]:
    """Order one malignant, one other, and so on, so that a small part of them holds both."""
    kinds = [i for i in items if is_malignant(i)], [i for i in items if not is_malignant(i)]
    turns = [item for pair in zip_longest(*kinds) for item in pair]
    return [item for item in turns if item is not None]
