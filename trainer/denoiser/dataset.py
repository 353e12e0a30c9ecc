"""`trainer denoise`: a data set once more, without its annotations (what tables 2, 4, 6 and 7 read)."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset as Header

from scanside.errors import InputError, SettingError
from scanside.image import Frame
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import cut
from trainer.data.hospital import Cohort, CohortSlide, read_dataset
from trainer.data.mmotu import (
    DENOISED,
    MmotuImage,
    MmotuLayout,
    compute_fingerprint,
    find_layout,
    is_denoised,
    name_image,
    read_frame,
    read_split,
)
from trainer.denoiser.remove import Remover, try_remove
from trainer.files.lock import lock_target
from trainer.files.write import write_file
from trainer.prepare.dataset import finish_dataset, write_slide
from trainer.terminal.progress import track


@dataclass(frozen=True)
class Summary:
    """What was done.

    Attributes:
        scans: how many there are.
        changed: in how many of them a pixel was replaced.
        share: of the pixels of all scans, replaced.
        left: how many were left as they are, since too much would have been replaced.
    """

    scans: int
    changed: int
    share: float
    left: int


def denoise_dataset(source: Path, target: Path, remover: Remover) -> Summary:
    """Write the data set at `source` to `target`, its annotations removed.

    Args:
        source: a folder of `trainer prepare hospital` or `trainer synth cohort`, or a copy of MMOTU.

    Raises:
        InputError: there is no such data set, it is damaged or without annotations already, or `target`
            exists or can't be written.
    """
    if target.exists():
        raise SettingError(f"{target} exists already. Choose another --out, or remove it.")
    if source.resolve() in target.resolve().parents:
        raise SettingError(f"{target} lies in the data set itself. Choose another --out.")
    cohort = read_dataset(source) if (source / "dataset.json").exists() else None
    if is_denoised(source) if cohort is None else cohort.is_denoised:
        raise InputError(  # the record of the first denoiser would be lost
            f"{source} is without annotations already. Give the data set that it was made of."
        )
    if cohort is not None:
        with _write_whole(target) as part:
            return _denoise_hospital(cohort, part, target.name, remover)
    read = compute_fingerprint(
        source
    )  # of every file: one that is missing is found before the work, not at its end
    with _write_whole(target) as part:
        return _denoise_mmotu(source, part, remover, read)


class _Counts:
    def __init__(self) -> None:
        self.scans = self.changed = self.left = self.replaced = self.pixels = 0

    def add(self, before: np.ndarray, after: np.ndarray, *, done: bool) -> None:
        replaced = int(np.count_nonzero(before != after))
        self.scans += 1
        self.changed += replaced > 0
        self.left += not done
        self.replaced += replaced
        self.pixels += before.size

    def summary(self) -> Summary:
        return Summary(self.scans, self.changed, self.replaced / max(1, self.pixels), self.left)


def _denoise_hospital(cohort: Cohort, target: Path, name: str, remover: Remover) -> Summary:
    counts = _Counts()
    slides: list[CohortSlide] = []
    for slide in track(cohort.slides, "removing annotations"):
        tissue = cohort.pixels(slide)
        cleaned, done = try_remove(remover, tissue, None)  # a prepared data set holds no colour
        counts.add(tissue, cleaned, done=done)
        image, mask = write_slide(target, slide.name, cleaned, cohort.lesion(slide))
        slides.append(replace(slide, image_sha256=image, mask_sha256=mask))
    about = cohort.about
    finish_dataset(
        target,
        cohort.patients,
        slides,
        kind=about["kind"],
        name=name,
        split=about["split"],
        preparation={**about["preparation"], "annotations": _describe_removal(remover, cohort.fingerprint)},
    )
    return counts.summary()


def _denoise_mmotu(source: Path, target: Path, remover: Remover, source_fingerprint: str) -> Summary:
    layout, counts = find_layout(source), _Counts()
    for entry in track(read_split(), "removing annotations"):
        frame, _ = read_frame(layout, entry, hashlib.sha256())
        with name_image(layout.image(entry)):
            tissue = cut(frame, find_regions(Header(), frame.size)[0], chroma=True)
        cleaned, done = try_remove(remover, tissue.pixels, tissue.chroma)
        counts.add(tissue.pixels, cleaned, done=done)
        box = tissue.origin.box
        pixels = frame.pixels.copy()
        inside, changed = pixels[box.y0 : box.y1, box.x0 : box.x1], cleaned != tissue.pixels
        inside[changed] = cleaned[changed][:, None]
        _write_image(MmotuLayout(target, figshare=False), layout, entry, Frame(pixels))
    for path in source.glob("*.txt"):  # the class lists
        shutil.copyfile(path, target / path.name)
    record = {"made_of": "MMOTU", **_describe_removal(remover, source_fingerprint), **vars(counts.summary())}
    write_file(target / DENOISED, (json.dumps(record, indent=2) + "\n").encode())
    return counts.summary()


def _write_image(layout: MmotuLayout, source: MmotuLayout, entry: MmotuImage, frame: Frame) -> None:
    """Write the image as PNG, since JPEG would change what was left untouched; its masks as they are."""
    stream = cv2.imencode(".png", cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR))[1]
    write_file(layout.root / "images" / f"{entry.image}.PNG", stream.tobytes())
    masks = [(source.mask(entry), layout.mask(entry))]
    if (coloured := source.coloured_mask(entry)) and coloured.exists():
        masks.append((coloured, layout.root / "annotations" / coloured.name))
    for there, here in masks:
        here.parent.mkdir(exist_ok=True)
        shutil.copyfile(there, here)


def _describe_removal(remover: Remover, fingerprint_of_source: str) -> dict[str, object]:
    return {"removed_with": dict(remover.about), "source_fingerprint": fingerprint_of_source}


@contextmanager
def _write_whole(target: Path) -> Iterator[Path]:
    """Yield a folder that becomes `target` at the end; what a killed run left there is dropped."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
        busy = f"another run writes {target}. Wait for its end, or choose another --out."
        with lock_target(part, target, busy):
            for left in part.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            try:
                yield part
                part.replace(target)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
    except OSError as error:
        raise InputError(
            f"{target} can't be written: {error.strerror}. Free space, or choose another."
        ) from error
