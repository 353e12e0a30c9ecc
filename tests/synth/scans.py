"""B-mode-like frames of which everything is known: sector, lesion, text. No patient's, made from a seed."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask, Size

Plane = NDArray[np.float32]

FRAME_SIZE = Size(480, 640)
LABELS = ("Rt. Ovary", "Lt. Ovary", "LL Ovary", "Fluid")
CYAN, YELLOW, WHITE, GREY = (0, 220, 220), (230, 220, 40), (255, 255, 255), (170, 170, 170)


class Probe(str, Enum):
    """The shapes in which probes show tissue."""

    CURVED = "curved"
    LINEAR = "linear"
    TRAPEZOID = "trapezoid"
    ENDOCAVITY = "endocavity"


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
    probes = list(Probe)
    drawn_probe, drawn_malignant = probes[rng.integers(len(probes))], bool(rng.integers(2))
    probe = probe or drawn_probe
    malignant = drawn_malignant if malignant is None else malignant
    sector = _sector(probe, size, rng)
    lesion, inside = _lesion(sector, malignant, rng)
    tissue = speckle(size, rng) * tissue_layers(size, rng)
    tissue = np.where(lesion, tissue * inside, tissue) * sector
    pixels = np.repeat(np.clip(255 * tissue, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    if colour:
        _colour_box(pixels, sector, rng)
    text = _annotate(pixels, sector, lesion, rng) if annotated else np.zeros(size, bool)
    return SynthFrame(pixels, sector, lesion, text, probe, malignant)


def _sector(probe: Probe, size: Size, rng: np.random.Generator) -> Mask:
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    top, bottom = height * rng.uniform(0.07, 0.12), height * rng.uniform(0.88, 0.95)
    across = np.abs(x - width * rng.uniform(0.47, 0.53))
    if probe is Probe.LINEAR:
        return (across < 0.3 * width) & (y > top) & (y < bottom)
    if probe is Probe.TRAPEZOID:
        half = width * (0.2 + 0.14 * (y - top) / (bottom - top))
        return np.asarray((across < half) & (y > top) & (y < bottom), bool)
    degrees, curvature = (33, 0.5) if probe is Probe.CURVED else (58, 0.14)
    angle = np.deg2rad(degrees * rng.uniform(0.94, 1.06))
    # The apex lies above the picture; the probe's face is an arc around it.
    outer = (bottom - top) / (1 - curvature * np.cos(angle))
    outer = min(outer, 0.43 * width / np.sin(angle))
    inner = curvature * outer
    down = y - (top - inner * np.cos(angle))
    radius = np.hypot(across, down)
    return np.asarray((radius > inner) & (radius < outer) & (across < np.tan(angle) * down), bool)


def _lesion(sector: Mask, malignant: bool, rng: np.random.Generator) -> tuple[Mask, Plane]:
    """An ellipse near the sector's middle, and the brightness of what it holds relative to tissue."""
    height, width = sector.shape
    rows, columns = np.nonzero(sector)
    cy, cx = np.median(rows) + height * rng.uniform(-0.06, 0.06), np.median(columns)
    cx += width * rng.uniform(-0.05, 0.05)
    ry, rx = height * rng.uniform(0.1, 0.17), height * rng.uniform(0.12, 0.21)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = np.arctan2((y - cy) / ry, (x - cx) / rx)
    edge = np.ones_like(y)
    if malignant:
        for lobes in (3, 5, 8):
            edge += rng.uniform(0.03, 0.07) * np.sin(lobes * angle + rng.uniform(0, 6.3))
    distance = np.hypot((y - cy) / ry, (x - cx) / rx) / edge
    inside = np.full_like(y, 0.15)
    for _ in range(rng.integers(3, 6) if malignant else 0):  # solid, papillary parts on the wall
        at, size = rng.uniform(0, 6.3), rng.uniform(0.18, 0.3)
        solid = np.hypot((y - cy) / ry - 0.7 * np.sin(at), (x - cx) / rx - 0.7 * np.cos(at)) < size
        inside[solid] = rng.uniform(0.45, 0.7)
    return np.asarray((distance < 1) & sector, bool), inside


def speckle(size: Size, rng: np.random.Generator) -> Plane:
    """Log-compressed Rayleigh noise about 1; its grain is a fixed share of the frame, as on a screen."""
    grain = size.height / 480
    parts = rng.normal(size=(2, 240, round(240 * size.width / size.height))).astype(np.float32)
    parts = [cv2.GaussianBlur(part, (0, 0), sigmaX=1.1, sigmaY=0.7) for part in parts]
    envelope = np.log1p(4 * np.hypot(*parts))
    fine = cv2.resize(envelope / envelope.mean(), (size.width, size.height), interpolation=cv2.INTER_LINEAR)
    noise = rng.normal(0, 0.04 / max(grain, 1), size).astype(np.float32)
    return np.asarray(fine + noise, np.float32)


def tissue_layers(size: Size, rng: np.random.Generator) -> Plane:
    """Layers of brighter and darker tissue, weaker with depth; about 0.4."""
    coarse = rng.uniform(0.32, 0.55, (6, 5)).astype(np.float32)
    layers = cv2.resize(coarse, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    depth = np.linspace(1.1, 0.8, size.height, dtype=np.float32)[:, None]
    return np.asarray(layers * depth, np.float32)


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
