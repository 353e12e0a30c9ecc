"""Screens that are no B-mode scan: Doppler spectra, M-mode, pages, graphs. No patient's, made from a seed."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Size
from tests.synth.scans import GREY, WHITE, make_frame

Pixels = NDArray[np.uint8]

SCREEN = Size(600, 800)
_LINES = ("Lt. Ovary L", "Lt. Ovary W", "Rt. Ovary Vol", "Uterus AP", "Endometrium", "Follicle 1", "PI", "RI")


def spectrum(seed: int, size: Size = SCREEN) -> Pixels:
    """A pulsed Doppler spectrum: beats above a baseline on black; with or without a small scan over it."""
    rng = np.random.default_rng(seed)
    pixels, top = _screen(rng, size, seed)
    height, width = size.height - top - 20, size.width - 60
    baseline = round(height * rng.uniform(0.6, 0.85))
    time = np.linspace(0, rng.uniform(3, 8), width)
    beat = (time + rng.uniform()) % 1
    velocity = (0.25 + 0.75 * np.exp(-((beat - 0.2) ** 2) / 0.01) + 0.35 * np.exp(-3 * beat)) / 1.6
    envelope = velocity * baseline * rng.uniform(0.7, 0.95) + rng.normal(0, 2, width)
    above = baseline - np.arange(height)[:, None]
    inside = (above > 2) & (above < envelope)
    level = 60 + 130 * np.clip(above / np.maximum(envelope, 1), 0, 1)  # brightest below the envelope
    noise = rng.rayleigh(0.5, (height, width))
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.5, sigmaY=0.6)
    band = np.where(inside, level * noise, rng.rayleigh(2.0, (height, width)))
    grey = np.clip(band, 0, 255).astype(np.uint8)
    grey[baseline - 1 : baseline + 1] = rng.integers(90, 220)
    pixels[top : top + height, 20 : 20 + width] = grey[:, :, None]
    for tick in range(0, height, height // 6):
        cv2.line(pixels, (width + 24, top + tick), (width + 32, top + tick), WHITE, 1)
    return pixels


def m_mode(seed: int, size: Size = SCREEN) -> Pixels:
    """Motion over time along one line: layers that run, and wave, from left to right."""
    rng = np.random.default_rng(seed)
    pixels, top = _screen(rng, size, seed)
    height, width = size.height - top - 20, size.width - 60
    layers = cv2.GaussianBlur(rng.rayleigh(1.0, (height, 1)).astype(np.float32), (1, 9), 0, sigmaY=1.5)
    layers *= np.linspace(1.2, 0.7, height, dtype=np.float32)[:, None]
    depth = np.arange(height, dtype=np.float32)[:, None]
    moving = np.exp(-(((depth / height - rng.uniform(0.4, 0.7)) / 0.15) ** 2))
    beats = np.sin(np.linspace(0, rng.uniform(20, 60), width, dtype=np.float32))[None]
    y = depth + moving * beats * rng.uniform(6, 18)
    x = np.zeros((height, width), np.float32)
    trace = cv2.remap(layers, x, y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    trace = 90 * trace + rng.normal(0, 6, trace.shape)
    pixels[top : top + height, 20 : 20 + width] = np.clip(trace, 0, 255).astype(np.uint8)[:, :, None]
    return pixels


def report(seed: int, size: Size = SCREEN) -> Pixels:
    """A worksheet: lines of measurements on a black, grey, blue or white page, in boxes or without."""
    rng = np.random.default_rng(seed)
    page = ((0, 0, 0), (52, 54, 58), (24, 34, 70), (240, 240, 236))[seed % 4]
    ink = (20, 20, 20) if page[0] > 128 else WHITE
    pixels = np.full((*size, 3), page, np.uint8)
    write = _writer(pixels, ink)
    write("SYNTHETIC^CASE   OB/GYN Report   1970-01-01", 30, 40, 0.7)
    for line in range(14):
        y = 90 + 34 * line
        if rng.uniform() < 0.4:
            shade = tuple(int(min(255, value + 22)) for value in page)
            cv2.rectangle(pixels, (24, y - 22), (size.width - 24, y + 8), shade, -1)
        write(_LINES[rng.integers(len(_LINES))], 34, y, 0.55)
        for column in range(4):
            write(f"{rng.uniform(0.5, 9):.2f} cm", 260 + 130 * column, y, 0.55)
    return pixels


def graph(seed: int, size: Size = SCREEN) -> Pixels:
    """A growth curve: axes, a grid and curves."""
    rng = np.random.default_rng(seed)
    pixels = np.full((*size, 3), ((0, 0, 0), (235, 235, 235))[seed % 2], np.uint8)
    ink = (40, 40, 40) if seed % 2 else GREY
    for share in np.linspace(0.1, 0.9, 9):
        x, y = round(share * size.width), round(share * size.height)
        cv2.line(pixels, (x, size.height // 10), (x, size.height * 9 // 10), ink, 1)
        cv2.line(pixels, (size.width // 10, y), (size.width * 9 // 10, y), ink, 1)
    across = np.arange(size.width // 10, size.width * 9 // 10)
    for slope in rng.uniform(0.3, 0.8, 3):
        down = size.height * (0.9 - slope * (across / size.width) ** 1.2)
        curve = np.stack([across, down], axis=1).astype(np.int32)
        cv2.polylines(pixels, [curve], False, (220, 60, 40), 2)
    _writer(pixels, ink)("Growth   SYNTHETIC^CASE", 60, 36, 0.7)
    return pixels


NO_SCANS: dict[str, Callable[[int], Pixels]] = {
    "spectrum": spectrum,
    "m_mode": m_mode,
    "report": report,
    "graph": graph,
}


def _screen(rng: np.random.Generator, size: Size, seed: int) -> tuple[Pixels, int]:
    """A black screen with, every other time, a scan in its upper part; and where the rest begins."""
    pixels = np.zeros((*size, 3), np.uint8)
    write = _writer(pixels, WHITE)
    write("SYNTHETIC^CASE  1970-01-01", 20, 24, 0.6)
    if seed % 2:
        return pixels, 40
    top = round(size.height * rng.uniform(0.4, 0.55))
    scan = make_frame(seed, Size(top - 40, size.width), annotated=False).pixels
    pixels[34 : 34 + len(scan)] = scan
    return pixels, top + 10


def _writer(pixels: Pixels, ink: tuple[int, int, int]) -> Callable[[str, int, int, float], None]:
    def write(text: str, x: int, y: int, scale: float) -> None:
        cv2.putText(pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)

    return write
