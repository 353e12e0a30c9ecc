"""A trained denoiser applied to scans as data sets keep them: the sector at source resolution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from scanside.errors import UnlikeTraining
from scanside.image import Box, Grey, Size
from scanside.scan.prepare import fill
from scanside.scan.resize import resize, resize_mask
from scanside.scan.types import Crop, RegionSource, Scan
from trainer.denoiser import whole
from trainer.denoiser.ready import ReadyDenoiser, is_bundle, open_denoiser
from trainer.denoiser.whole import WholeCheckpoint
from trainer.models.checkpoint_file import read_form

_SIZE = Size(336, 544)  # the thesis's input: at it the edge's denoiser looks for annotations in a data set
_MADE_BY = "trainer run denoiser` or `trainer run edge-denoiser"
_COVERED = 0.25  # share of a source pixel that the enlarged mask has to cover


@dataclass(frozen=True)
class Remover:
    """Takes annotations out of a scan.

    Attributes:
        remove: tissue (H, W) uint8 and its chroma, the same or None -> the tissue without annotations, the
            same size. Raises UnlikeTraining where too much would be replaced.
        about: what the data set has to tell of it.
    """

    remove: Callable[[Grey, Grey | None], Grey]
    about: Mapping[str, Any]


def open_remover(path: Path) -> Remover:
    """Open the denoiser of whole scans, or the edge's, in the checkpoint or bundle at `path`.

    Raises:
        InputError: there is none.
    """
    if path.is_file() and not is_bundle(path) and read_form(path, _MADE_BY) == whole.FORMAT:
        checkpoint = whole.load(path)
        network = checkpoint.network()
        about = {"denoiser": "whole output, clipped", **checkpoint.about}
        return Remover(lambda tissue, _: _remove_whole(checkpoint, network, tissue), about)
    ready = open_denoiser(path)
    kept = ("threshold", "min_pixels", "max_share", "trained_on", "fingerprint")
    about = {
        "denoiser": "only pixels taken for annotation",
        **{key: ready.document[key] for key in kept},
        "size": list(_SIZE),
    }
    return Remover(lambda tissue, chroma: _remove_masked(ready, tissue, chroma), about)


def _remove_whole(checkpoint: WholeCheckpoint, network: torch.nn.Module, tissue: Grey) -> Grey:
    """Remove at the size that the network learnt on, and enlarge; black outside stays black."""
    scan = np.rint(fill(tissue, checkpoint.size) * 255).astype(np.uint8)
    cleaned = whole.clean_scans(network, scan[None])[0]
    back = resize(np.rint(cleaned * 255).astype(np.uint8), Size(*tissue.shape))
    return np.asarray(np.where(_find_outside(tissue), 0, back), np.uint8)


def _find_outside(tissue: Grey) -> np.ndarray:
    """Find black that reaches the border, (H, W) bool; a black lumen within the tissue is not part of it."""
    framed = cv2.copyMakeBorder((tissue == 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    labels = cv2.connectedComponents(framed, connectivity=4)[1]
    return np.asarray(labels[1:-1, 1:-1] == labels[0, 0], bool)


def _remove_masked(ready: ReadyDenoiser, tissue: Grey, chroma: Grey | None) -> Grey:
    """Remove as beside the scanner: at source resolution, where annotations are found, and nowhere else."""
    size = Size(*tissue.shape)
    scan = Scan(
        fill(tissue, _SIZE),
        Crop(Box(0, 0, size.width, size.height), size),
        RegionSource.CONTOUR,
        chroma=None if chroma is None else fill(chroma, _SIZE),
    )
    denoised = ready.denoiser.remove(scan)
    if not denoised.mask.any():
        return tissue
    mask = resize_mask(denoised.mask, size, _COVERED)
    clean = resize(np.rint(denoised.scan.pixels * 255).astype(np.uint8), size)
    return np.asarray(np.where(mask & (tissue > 0), clean, tissue), np.uint8)


def try_remove(remover: Remover, tissue: Grey, chroma: Grey | None) -> tuple[Grey, bool]:
    """Return the tissue without annotations; as it was, and False, where too much would be replaced."""
    try:
        return remover.remove(tissue, chroma), True
    except UnlikeTraining:
        return tissue, False
