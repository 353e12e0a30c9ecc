"""Speckle, and noise that varies slowly: what every synthetic scan is made of."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Size

Plane = NDArray[np.float32]


def draw_speckle(
    size: Size, grain_px: tuple[float, float], compression: float, rng: np.random.Generator
) -> Plane:
    """Draw the log-compressed envelope of many scatterers, Rayleigh noise before compression.

    Args:
        grain_px: how far a grain reaches across and along the beam, standard deviation in pixels.
        compression: gain before the logarithm; the more, the flatter.

    Returns:
        (H, W) float32, at least 0.
    """
    parts = rng.normal(size=(2, *size)).astype(np.float32)
    across, along = grain_px
    real, imaginary = (cv2.GaussianBlur(part, (0, 0), sigmaX=across, sigmaY=along) for part in parts)
    return np.asarray(np.log1p(compression * np.hypot(real, imaginary)), np.float32)


def enlarge(cells: Plane, size: Size) -> Plane:
    """Spread a coarse plane over `size` smoothly: (rows, columns) -> (H, W) float32."""
    return np.asarray(cv2.resize(cells, (size.width, size.height), interpolation=cv2.INTER_CUBIC), np.float32)


def draw_even_speckle(size: Size, rng: np.random.Generator) -> Plane:
    """Draw speckle about 1 whose grain is a fixed share of the frame, as on a screen: (H, W) float32."""
    coarse = Size(240, round(240 * size.width / size.height))
    envelope = draw_speckle(coarse, (1.1, 0.7), 4, rng)
    fine = cv2.resize(envelope / envelope.mean(), (size.width, size.height), interpolation=cv2.INTER_LINEAR)
    noise = rng.normal(0, 0.04 / max(size.height / 480, 1), size).astype(np.float32)
    return np.asarray(fine + noise, np.float32)


def draw_layers(size: Size, rng: np.random.Generator) -> Plane:
    """Draw layers of brighter and darker tissue, weaker with depth; (H, W) float32 about 0.4."""
    layers = enlarge(rng.uniform(0.32, 0.55, (6, 5)).astype(np.float32), size)
    depth = np.linspace(1.1, 0.8, size.height, dtype=np.float32)[:, None]
    return np.asarray(layers * depth, np.float32)
