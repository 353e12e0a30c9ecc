"""The recorded exam: eight slides and a cine of one made-up patient, in the order and pace of practice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from edge.demo.instance import Study, declare_scan, declare_spectrum, image
from edge.demo.marks import colour_flow, label, measure, say_synthetic, spectrum
from scanside.phantom.sweep import Cyst, Pixels, View, draw


def _solid_parts(seed: int, number: int) -> tuple[tuple[float, float, float, float], ...]:
    rng = np.random.default_rng(seed)
    at = rng.normal(size=(number, 3))
    at = (at / np.linalg.norm(at, axis=1, keepdims=True)).round(1)
    radii = rng.uniform(34, 58, number).round()
    return tuple((float(x), float(y), float(z), float(r)) for (x, y, z), r in zip(at, radii, strict=True))


RIGHT = Cyst(seed=34, axes=(150, 108, 125), solid=_solid_parts(seed=23, number=12))
LEFT = Cyst(seed=8, axes=(120, 95, 100))
SPECTRUM = 5  # which of the slides is no scan
_SWEEP_PX = np.linspace(-75, 75, 16)  # how far past the middle each frame of the cine looks


@dataclass(frozen=True)
class Slide:
    """One image of the exam.

    Attributes:
        side: "L" or "R".
        pixels: (H, W, 3) uint8 RGB; (frames, H, W, 3) of the cine.
        pause_s: how long the examiner then looks, freezes and measures until the next one is stored.
    """

    name: str
    side: str
    pixels: Pixels
    pause_s: float


def slides() -> Iterator[Slide]:
    """Right ovary, its blood flow and a sweep through it; then the left one."""
    whole = draw(RIGHT, View())
    label(whole.pixels, "RT OVARY LONG")
    yield Slide("right-long", "R", whole.pixels, 5)
    measured = draw(RIGHT, View(past_px=15, middle=(300, 235)))
    measure(measured.pixels, measured.lesion, upright=True)
    yield Slide("right-long-measured", "R", measured.pixels, 9)
    across = draw(RIGHT, View(90, middle=(335, 250)))
    measure(across.pixels, across.lesion)
    yield Slide("right-trans-measured", "R", across.pixels, 7)
    flow = draw(RIGHT, View(45, 20))
    colour_flow(flow.pixels, flow.solid, seed=4)
    yield Slide("right-colour-doppler", "R", flow.pixels, 8)
    yield Slide("right-spectrum", "R", spectrum(5), 6)
    frames = [draw(RIGHT, View(past_px=float(past))).pixels for past in _SWEEP_PX]
    yield Slide("right-sweep-cine", "R", np.stack(frames), 10)
    whole = draw(LEFT, View())
    label(whole.pixels, "LT OVARY")
    yield Slide("left-long", "L", whole.pixels, 6)
    measured = draw(LEFT, View(past_px=20, middle=(350, 230)))
    measure(measured.pixels, measured.lesion, upright=True)
    yield Slide("left-long-measured", "L", measured.pixels, 7)
    yield Slide("left-trans", "L", draw(LEFT, View(90, middle=(290, 245))).pixels, 5)


def write_exam(folder: Path, count: int | None = None) -> list[tuple[Path, float]]:
    """Write the exam, or its first `count` slides, into `folder` as DICOM files of one study that ends now.

    Returns:
        Each file and the pause after it in seconds, in the order in which they were taken.
    """
    taken = list(islice(slides(), count))
    study = Study(datetime.now() - timedelta(seconds=sum(slide.pause_s for slide in taken)))
    after_s, files = 0.0, []
    for number, slide in enumerate(taken, 1):
        for frame in slide.pixels if slide.pixels.ndim == 4 else [slide.pixels]:
            say_synthetic(frame)
        instance = image(slide.pixels, study, number, after_s, slide.side)
        (declare_spectrum if number == SPECTRUM else declare_scan)(instance)
        path = folder / f"{number}-{slide.name}.dcm"
        instance.save_as(path, enforce_file_format=True)
        files.append((path, slide.pause_s))
        after_s += slide.pause_s
    return files
