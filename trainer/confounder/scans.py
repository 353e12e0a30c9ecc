"""Scans of two classes with and without drawn annotations, as stored and with the annotations removed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset as Header

from scanside.assess.denoise import Denoiser
from scanside.errors import NoTissue, UnlikeTraining
from scanside.image import Frame, Mask, Size
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import prepare, to_grey
from scanside.scan.sector.contour import find_sector
from scanside.scan.types import Scan
from trainer.annotations.annotate import annotate, recompress
from trainer.data.mmotu import MmotuImage, find_layout, name_image, read_frame
from trainer.terminal.progress import track

_JPEG_QUALITY = 90  # every scan is encoded again, annotated or not: otherwise JPEG would tell which is which


@dataclass(frozen=True)
class TwoClasses:
    """Scans of one part of MMOTU, each with and without drawn annotations.

    Attributes:
        second: (N,) bool, of the second class.
        stored: (2, N, H, W) uint8: without and with drawn annotations.
        removed: (2, N, H, W) uint8, the same after a denoiser; empty without one.
        left: how many of the 2 N the denoiser did not touch, for more seemed annotated than it was ever
            measured on.
    """

    second: NDArray[np.bool_]
    stored: NDArray[np.uint8]
    removed: NDArray[np.uint8]
    left: int

    def shown(self, annotated: NDArray[np.bool_], *, denoised: bool) -> NDArray[np.uint8]:
        """Return each scan, (N, H, W) uint8, with drawn annotations where `annotated`, (N,) bool, is true."""
        both = self.removed if denoised else self.stored
        return np.asarray(np.where(annotated[:, None, None], both[1], both[0]), np.uint8)


def read_two_classes(
    root: Path,
    entries: Sequence[MmotuImage],
    second: int,
    size: Size,
    denoiser: Denoiser | None,
    preset: str,
    seed: int,
    what: str,
) -> tuple[TwoClasses, str]:
    """Read `entries` from the copy of MMOTU at `root`, draw, remove.

    Args:
        second: label of the second class.
        preset: of trainer.annotations.
        what: named by the progress bar.

    Returns:
        The scans, and the SHA-256 over their files.
    """
    layout, digest, left = find_layout(root), hashlib.sha256(), 0
    stored = np.zeros((2, len(entries), *size), np.uint8)
    removed = np.zeros_like(stored) if denoiser else np.zeros((2, 0, *size), np.uint8)
    for row, entry in enumerate(track(entries, f"drawing {what}")):
        frame, lesion = read_frame(layout, entry, digest)
        drawn = annotate(
            frame.pixels, lesion, _find_sector(frame), np.random.default_rng((seed, entry.image)), preset
        )
        for turn, pixels in enumerate((frame.pixels, drawn.pixels)):
            with name_image(layout.image(entry)):
                scan = _prepare_scan(Frame(recompress(pixels, _JPEG_QUALITY)), size)
            stored[turn, row] = np.rint(255 * scan.pixels)
            if denoiser:
                try:
                    scan = denoiser.remove(scan).scan
                except UnlikeTraining:
                    left += 1
                removed[turn, row] = np.rint(255 * scan.pixels)
    labels = np.array([entry.label == second for entry in entries], bool)
    return TwoClasses(labels, stored, removed, left), digest.hexdigest()


def _prepare_scan(frame: Frame, size: Size) -> Scan:
    return prepare(frame, find_regions(Header(), frame.size)[0], size, chroma=True)


def _find_sector(frame: Frame) -> Mask:
    try:
        return find_sector(to_grey(frame.pixels))
    except NoTissue:
        return np.ones(frame.size, bool)


def draw_annotated(second: NDArray[np.bool_], correlation: float, seed: int) -> NDArray[np.bool_]:
    """Draw which scans are annotated, (N,) bool: half of them in all.

    Args:
        second: (N,) bool, of the second class.
        correlation: of annotation and class, -1 to 1: the share of annotated scans is (1 + correlation) / 2
            in the second class and (1 - correlation) / 2 in the first. A stronger one changes further scans
            of the same draw.
    """
    share = np.where(second, 0.5 + correlation / 2, 0.5 - correlation / 2)
    return np.asarray(np.random.default_rng(seed).random(len(second)) < share, bool)
