"""What an examiner and a machine leave on a scan: calipers, words, colour; and a screen that is no scan."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.phantom.sweep import HEIGHT, WIDTH, Pixels

_YELLOW, _WHITE, _GREY = (255, 255, 0), (235, 235, 235), (200, 200, 200)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BASELINE = 300  # row of a spectrum's zero
_BEAT_PX = 118


def say_synthetic(pixels: Pixels) -> None:
    """Every picture says in itself that it shows nobody."""
    cv2.putText(pixels, "SYNTHETIC", (8, HEIGHT - 10), _FONT, 0.45, _GREY, 1, cv2.LINE_AA)


def label(pixels: Pixels, words: str) -> None:
    """Words as an examiner types them onto the scan."""
    cv2.putText(pixels, words, (WIDTH // 2 - 60, HEIGHT - 60), _FONT, 0.55, _YELLOW, 1, cv2.LINE_AA)


def measure(pixels: Pixels, lesion: NDArray[np.bool_], upright: bool = False) -> None:
    """Calipers across `lesion`, and a second pair down it: what the denoiser is there for."""
    x, y, width, height = cv2.boundingRect(lesion.astype(np.uint8))
    _caliper(pixels, (x, y + height // 2), (x + width, y + height // 2))
    if upright:
        _caliper(pixels, (x + width // 2, y), (x + width // 2, y + height))


def _caliper(pixels: Pixels, begin: tuple[int, int], end: tuple[int, int]) -> None:
    for at in (begin, end):
        cv2.drawMarker(pixels, at, _YELLOW, cv2.MARKER_CROSS, 13, 1)
    for x, y in np.linspace(begin, end, 22)[1:-1]:
        cv2.circle(pixels, (round(x), round(y)), 1, _YELLOW, -1)


def colour_flow(pixels: Pixels, around: NDArray[np.bool_], seed: int) -> None:
    """Colour Doppler in a box about `around`: red to the probe, blue away from it."""
    rng = np.random.default_rng(seed)
    x, y, width, height = cv2.boundingRect(around.astype(np.uint8))
    waves = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), 6)
    flow = waves / waves.std()
    vessels = cv2.dilate(around.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    for where, colour in ((flow > 1.3, (225, 60, 20)), (flow < -1.3, (30, 80, 225))):
        shown = vessels & where
        pixels[shown] = 0.25 * pixels[shown] + 0.75 * np.array(colour)
    cv2.rectangle(pixels, (x - 18, y - 18), (x + width + 18, y + height + 18), _GREY, 1)


def spectrum(seed: int) -> Pixels:
    """(H, W, 3) uint8 RGB: a pulsed Doppler spectrum that fills the screen: no scan."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    time = (np.arange(WIDTH) % _BEAT_PX) / _BEAT_PX
    envelope = 70 + 130 * np.exp(-(((time - 0.18) / 0.1) ** 2)) + 35 * np.exp(-((time - 0.45) ** 2) / 0.02)
    above = _BASELINE - np.arange(HEIGHT, dtype=np.float32)[:, None]
    level = np.clip(above / envelope, 0, 1) ** 0.5 * (above < envelope) * (above > 3)
    noise = cv2.GaussianBlur(rng.rayleigh(0.8, (HEIGHT, WIDTH)), (0, 0), sigmaX=2, sigmaY=0.7)
    pixels[:] = np.clip(190 * level * noise + rng.rayleigh(2, (HEIGHT, WIDTH)), 0, 255)[:, :, None]
    cv2.line(pixels, (0, _BASELINE), (WIDTH, _BASELINE), _GREY, 1)
    for number, words in enumerate(("RT OVARIAN A.", "PI 0.82", "RI 0.54", "PSV 21.4 cm/s")):
        cv2.putText(pixels, words, (WIDTH - 150, 40 + 22 * number), _FONT, 0.45, _WHITE, 1, cv2.LINE_AA)
    return pixels
