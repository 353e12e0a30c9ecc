"""Slides as a network sees them, whatever data set they come from."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from scanside.clinical import ClinicalRecord, possible_inputs
from scanside.scan.prepare import fill, prepare_mask
from scanside.scan.types import Box, Crop, Grey, Mask, Size
from trainer.data import mmotu
from trainer.data.hospital import read_dataset

CLINICAL_INPUTS = ("menopausal_status", "oncology_centre")


@dataclass(frozen=True)
class Slides:
    """One row per slide.

    Attributes:
        names: of the slides.
        patients: (N,) str; slides of one patient are never in two parts. Each MMOTU image counts as one.
        labels: (N,) int64, index of the class.
        scans: (N, H, W) uint8, the network's input.
        masks: (N, H, W) bool, the lesion; nothing where `has_mask` is False.
        has_mask: (N,) bool.
        clinical: (N, 2) float32 of 0, 1, and one half where unknown, in the order of CLINICAL_INPUTS.
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
        """Some of the rows."""
        arrays = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)

    @property
    def keys(self) -> NDArray[np.int64]:
        """(N,): a number for each name, from which its random views are drawn."""
        return np.array([zlib.crc32(name.encode()) for name in self.names], np.int64)


def mmotu_slides(root: Path, size: Size, part: str, images: int | None = None) -> Slides:
    """One part of the committed split of MMOTU: "train", "validation" or "test".

    Args:
        root: a copy of MMOTU.
        size: rows and columns of the network's input.
        images: use only so many, the malignant first, so that a small run sees both kinds.
    """
    entries = [entry for entry in mmotu.read_split() if entry.part == part]
    entries = sorted(entries, key=lambda e: e.label != mmotu.MALIGNANT)[:images]
    return of_mmotu(mmotu.prepare_scans(root, entries, size, f"{part} images of MMOTU"))


def of_mmotu(prepared: mmotu.PreparedScans) -> Slides:
    """Every image has a mask, nothing clinical is known, and no patient: each counts as one."""
    names = np.array([str(entry.image) for entry in prepared.entries])
    return Slides(
        names=names,
        patients=names,
        labels=prepared.labels,
        scans=prepared.scans,
        masks=prepared.masks,
        has_mask=np.ones(len(names), bool),
        clinical=np.full((len(names), len(CLINICAL_INPUTS)), 0.5, np.float32),
        fingerprint=prepared.fingerprint,
    )


def hospital_slides(
    root: Path, size: Size, part: str, validation_fold: int = 0, patients: int | None = None
) -> Slides:
    """One part of a prepared data set: "train", "validation" (a fold of its training part) or "test".

    Args:
        root: a folder that `trainer prepare hospital` or `trainer synth cohort` wrote.
        patients: use only so many, benign and malignant in turn.
    """
    cohort = read_dataset(root)
    chosen = {p.name: p for p in cohort.patients if _part(p.part, p.fold, validation_fold) == part}
    kept = set(_in_turn(list(chosen), lambda name: chosen[name].malignant)[:patients])
    slides = [slide for slide in cohort.slides if slide.patient in kept]
    scans = np.zeros((len(slides), *size), np.uint8)
    masks = np.zeros((len(slides), *size), bool)
    for row, slide in enumerate(track(slides, f"reading {part} slides", transient=True)):
        tissue, lesion = cohort.pixels(slide), cohort.lesion(slide)
        scans[row], masks[row] = filled(tissue, lesion, size)
    return Slides(
        names=np.array([slide.name for slide in slides]),
        patients=np.array([slide.patient for slide in slides]),
        labels=np.array([int(slide.malignant) for slide in slides], np.int64),
        scans=scans,
        masks=masks,
        has_mask=np.array([slide.mask is not None for slide in slides]),
        clinical=np.array([encoded(chosen[slide.patient].record) for slide in slides], np.float32),
        fingerprint=cohort.fingerprint,
    )


def filled(tissue: Grey, lesion: Mask | None, size: Size) -> tuple[Grey, Mask]:
    """A cut-out sector and its mask, expanded to a network's input as the edge does it.

    Returns:
        (H, W) uint8 and bool; the first is 255 times what `scanside.scan.prepare.fill` gives, exactly.
    """
    scan = np.rint(fill(tissue, size) * 255).astype(np.uint8)
    whole = Crop(Box(0, 0, tissue.shape[1], tissue.shape[0]), Size(*tissue.shape))
    return scan, np.zeros(size, bool) if lesion is None else prepare_mask(lesion, whole, size)


def encoded(record: ClinicalRecord) -> NDArray[np.float32]:
    """(2,) float32: as the networks read it; a fact that is unknown lies halfway between its values."""
    _, rows = possible_inputs(record, CLINICAL_INPUTS)
    return np.asarray(rows.mean(axis=0), np.float32)


def _part(part: str, fold: int, validation_fold: int) -> str:
    return "validation" if part == "train" and fold == validation_fold else part


def _in_turn(names: list[str], is_malignant: Callable[[str], bool]) -> list[str]:
    kinds = [[n for n in names if is_malignant(n)], [n for n in names if not is_malignant(n)]]
    both = min(map(len, kinds))
    turns = [name for pair in zip(*kinds, strict=False) for name in pair]
    return turns + kinds[0][both:] + kinds[1][both:]
