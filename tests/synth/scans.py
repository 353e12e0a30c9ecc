"""B-mode-like frames of which everything is known: sector, lesion, text. No patient's, made from a seed."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask, Size
from scanside.phantom.frame import Probe as Probe
from scanside.phantom.frame import draw_frame

FRAME_SIZE = Size(480, 640)
LABELS = ("Rt. Ovary", "Lt. Ovary", "LL Ovary", "Fluid")
CYAN, YELLOW, WHITE, GREY = (0, 220, 220), (230, 220, 40), (255, 255, 255), (170, 170, 170)


@dataclass(frozen=True)
class SynthFrame:
    """One frame and its truth.

    Attributes:
        pixels: (H, W, 3) uint8, RGB.
        sector: (H, W) bool: where tissue is drawn.
        lesion: (H, W) bool, inside the sector.
        text: (H, W) bool: strokes of text, rulers and calipers, in the sector and outside.
        malignant: whether the lesion was drawn with solid parts and a ragged edge.
    """

    pixels: NDArray[np.uint8]
    sector: Mask
    lesion: Mask
    text: Mask
    probe: Probe
    malignant: bool

    @property
    def size(self) -> Size:
        return Size(*self.sector.shape)


def make_frame(
    seed: int,
    size: Size = FRAME_SIZE,
    *,
    probe: Probe | None = None,
    malignant: bool | None = None,
    annotated: bool = True,
    colour: bool = False,
) -> SynthFrame:
    """Draw one frame; what is not given follows from the seed.

    Args:
        seed: the same seed and arguments give the same frame.
        annotated: burn in text, calipers, a depth ruler and a grey bar.
        colour: draw a box of colour flow.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_frame(size, rng, probe, malignant)
    pixels = np.repeat(np.clip(255 * drawn.light, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    if colour:
        _colour_box(pixels, drawn.sector, rng)
    text = _annotate(pixels, drawn.sector, drawn.lesion, rng) if annotated else np.zeros(size, bool)
    return SynthFrame(pixels, drawn.sector, drawn.lesion, text, drawn.probe, drawn.malignant)


def _colour_box(pixels: NDArray[np.uint8], sector: Mask, rng: np.random.Generator) -> None:
    height, width = sector.shape
    flow = cv2.resize(rng.normal(size=(8, 8)).astype(np.float32), (width, height))
    y, x = np.mgrid[0:height, 0:width]
    box = (abs(y - 0.5 * height) < 0.18 * height) & (abs(x - 0.5 * width) < 0.15 * width) & sector
    pixels[box & (flow > 0.3)] = (220, 40, 20)
    pixels[box & (flow < -0.3)] = (20, 60, 220)


def _annotate(pixels: NDArray[np.uint8], sector: Mask, lesion: Mask, rng: np.random.Generator) -> Mask:
    """Burn in what machines and examiners write; returns where."""
    height, width = sector.shape
    before = pixels.copy()
    scale, margin = height / 960, height // 48
    # The grey bar and the ruler stand beside the sector, as on real screens, and never touch it.
    bar = np.linspace(255, 0, height // 3).astype(np.uint8)[:, None, None]
    pixels[height // 4 : height // 4 + len(bar), margin // 2 : margin // 2 + max(4, width // 80)] = bar
    for tick in range(height // 8, height, height // 12):
        cv2.line(pixels, (width - margin, tick), (width - margin // 2, tick), GREY, 1)
    write = _writer(pixels, scale)
    write("SYNTHETIC^CASE  1970-01-01", (margin, 3 * margin // 2))
    write("MI 1.1 TIs 0.3", (width - 13 * margin, 3 * margin // 2))
    write("Gn 50  DR 66  FR 31 Hz", (margin, height - margin // 2))
    colour = (CYAN, YELLOW, WHITE)[rng.choice(3, p=(0.3, 0.36, 0.34))]
    rows, columns = np.nonzero(lesion)
    left, right = columns.argmin(), columns.argmax()
    ends = [(int(columns[i]), int(rows[i])) for i in (left, right)]
    for end in ends:
        cv2.drawMarker(pixels, end, colour, cv2.MARKER_CROSS, max(6, height // 48), max(1, height // 320))
    for share in np.linspace(0.05, 0.95, 16):
        (x0, y0), (x1, y1) = ends
        dot = (round(x0 + share * (x1 - x0)), round(y0 + share * (y1 - y0)))
        cv2.circle(pixels, dot, max(1, height // 480), colour, -1)
    if rng.uniform() < 0.6:
        write(LABELS[rng.integers(len(LABELS))], (ends[0][0], int(rows.min()) - margin // 2), colour)
    return np.asarray((pixels != before).any(axis=2), bool)


def _writer(pixels: NDArray[np.uint8], scale: float) -> Callable[..., None]:
    def write(text: str, at: tuple[int, int], colour: tuple[int, int, int] = WHITE) -> None:
        cv2.putText(pixels, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, max(1, round(2 * scale)))

    return write
