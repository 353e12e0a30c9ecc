"""Scans of MMOTU to make pairs on, with what is known of the annotations that they carry already."""

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scanside.image import Mask, Size
from trainer.data.mmotu import SOURCE, MmotuImage, find_layout, name_image, read_frame, read_split
from trainer.denoiser.labels import list_pixel_labelled, read_labels, read_pixel_mask
from trainer.denoiser.pairs import ScanPair, Source, find_whole_sector, make_pair
from trainer.denoiser.suspects import find_suspects
from trainer.terminal.progress import track

_WHITE_WITHIN = {"text", "cursor", "arrow", "other"}  # kinds that may be white and lie anywhere


@dataclass(frozen=True)
class Sources:
    """Real scans.

    Attributes:
        fingerprint: SHA-256 over the files.
    """

    scans: tuple[Source, ...]
    fingerprint: str


def describe_training(scans: int, scale: str) -> str:
    """Describe what a denoiser learnt on, for people; a run that is not "full" is good for nothing."""
    warning = "" if scale == "full" else f"; {scale} run, good for nothing"
    return f"{scans} scans of {SOURCE} onto which annotations were drawn{warning}"


def read_part(root: Path, part: str, scans: int | None = None, *, every: bool = False) -> Sources:
    """Read the scans of one part of MMOTU to make pairs on: labelled ones, no near-duplicates.

    Args:
        root: a copy of MMOTU.
        part: "train", "validation" or "test".
        scans: use only so many.
        every: take the others, too: enough to learn from, but no figure rests on them.
    """
    labels = [label for label in read_labels() if not label.unsure]
    entries = [entry for entry in read_split() if entry.part == part]
    if not every:
        looked_at = {label.image for label in labels}
        entries = [entry for entry in entries if entry.image in looked_at and not entry.near_duplicate]
    plain = {label.image for label in labels if not _WHITE_WITHIN & label.kinds}
    ink = {image: read_pixel_mask(image) for image in list_pixel_labelled()}
    return read_sources(root, entries[:scans], ink, plain, f"{part} scans")


def read_sources(
    root: Path,
    entries: Iterable[MmotuImage],
    ink: Mapping[int, Mask],
    plain_within: Container[int],
    what: str,
) -> Sources:
    """Read `entries` of the copy of MMOTU at `root`.

    Args:
        ink: by image, the annotations that a person outlined, (H, W) bool; passed over where the image has
            another size, since it is not the one that was looked at.
        plain_within: images in which, by a person's judgement, nothing white is drawn but at the sides.
        what: named by the progress bar.

    Raises:
        InputError: a file is missing or damaged.
    """
    layout, digest, scans = find_layout(root), hashlib.sha256(), []
    for entry in track(list(entries), f"reading {what}"):
        frame, lesion = read_frame(layout, entry, digest)
        outlined = ink.get(entry.image)
        outlined = outlined if outlined is not None and outlined.shape == frame.size else None
        doubt = np.zeros(frame.size, bool)
        with name_image(layout.image(entry)):
            sector = find_whole_sector(frame.pixels)[1]
        if outlined is not None:  # text that runs over the sector's edge was labelled, and is blackened today
            outlined = outlined & sector
        else:
            doubt = find_suspects(frame.pixels, sector, white_within=entry.image not in plain_within)
        scans.append(Source(str(entry.image), frame.pixels, lesion, sector, outlined, doubt))
    return Sources(tuple(scans), digest.hexdigest())


def make_pairs(
    sources: Sources,
    sizes: Iterable[Size],
    seed: int,
    preset: str = "broad",
    undrawn: float = 0.0,
    flow: bool = False,
    what: str = "pairs",
) -> list[ScanPair]:
    """Make one pair of each scan at each of `sizes`, annotated afresh each time.

    Args:
        undrawn: share of the pairs onto which no annotation is drawn.
        flow: draw colours of flow onto both scans of each pair.
    """
    wanted = [(source, turn, size) for turn, size in enumerate(sizes) for source in sources.scans]
    pairs = []
    for source, turn, size in track(wanted, f"drawing {what}"):
        rng = np.random.default_rng((seed, turn, int(source.name)))
        draw = rng.random() >= undrawn
        pairs.append(make_pair(source, size, rng, preset, draw=draw, flow=flow))
    return pairs
