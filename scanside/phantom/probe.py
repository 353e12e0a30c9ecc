"""Convex probes: where each sample of each scan line lies in the body, and where on the screen."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask, Size
from scanside.phantom.sector import to_polar
from scanside.phantom.speckle import Plane

SAMPLES, LINES = 512, 224  # along and across the beam
_TOP, _BOTTOM, _SIDE = 0.08, 0.04, 0.03  # margins of the sector, shares of the frame


@dataclass(frozen=True)
class ConvexProbe:
    """A probe and how deep it looks.

    Attributes:
        radius_cm: of the face, an arc.
        half_angle: radians to either side.
        depth_cm: from the face.
        frequency_mhz: centre of the pulse.
        aperture_cm: with depth it decides how wide the beam is.
    """

    radius_cm: float
    half_angle: float
    depth_cm: float
    frequency_mhz: float
    aperture_cm: float

    @property
    def depths_cm(self) -> Plane:
        """(SAMPLES, 1) float32, distance of each sample from the face."""
        step = self.depth_cm / SAMPLES
        return ((np.arange(SAMPLES, dtype=np.float32) + 0.5) * step)[:, None]

    def points(self, rows: int) -> tuple[Plane, Plane]:
        """Compute x to the right and z down, cm from the face's middle, on a (rows, LINES) grid."""
        along = self.radius_cm + (np.arange(rows, dtype=np.float32) + 0.5) * (self.depth_cm / rows)
        angle = np.linspace(-self.half_angle, self.half_angle, LINES, dtype=np.float32)
        return along[:, None] * np.sin(angle), along[:, None] * np.cos(angle) - self.radius_cm


@dataclass(frozen=True)
class Screen:
    """Scan conversion: scan lines laid out as a sector.

    Attributes:
        place: (H, W, 2) float32, line and sample that each pixel shows.
        sector: (H, W) bool, the pixels that the probe sees.
        px_per_cm: scale.
    """

    place: NDArray[np.float32]
    sector: Mask
    px_per_cm: float

    def convert(self, samples: Plane) -> Plane:
        """Convert (SAMPLES, LINES) -> (H, W), linear; 0 outside the sector."""
        # OpenCV reads both coordinates from a map of two planes; its stub wants a second map all the same.
        shown = cv2.remap(samples, self.place, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
        return np.where(self.sector, shown, 0)


def lay_out_sector(probe: ConvexProbe, size: Size) -> Screen:
    """Lay out the sector as large as a frame of `size` takes, in its middle."""
    outer = probe.radius_cm + probe.depth_cm
    corner = probe.radius_cm * (
        1 - np.cos(probe.half_angle)
    )  # the face's ends lie this much above its middle
    half_width = outer * np.sin(min(probe.half_angle, np.pi / 2))
    scale = min(
        size.height * (1 - _TOP - _BOTTOM) / (probe.depth_cm + corner),
        size.width * (1 - 2 * _SIDE) / (2 * half_width),
    )
    x = (np.arange(size.width, dtype=np.float32) - (size.width - 1) / 2) / np.float32(scale)
    z = (np.arange(size.height, dtype=np.float32) - size.height * _TOP) / np.float32(scale) - np.float32(
        corner
    )
    down = (z + np.float32(probe.radius_cm))[:, None]
    radius, angle = to_polar(x, down)
    sample = (radius - probe.radius_cm) * np.float32(SAMPLES / probe.depth_cm) - 0.5
    line = (angle / np.float32(2 * probe.half_angle) + 0.5) * (LINES - 1)
    sector = (sample >= 0) & (sample <= SAMPLES - 1) & (line >= 0) & (line <= LINES - 1)
    return Screen(np.dstack([line, sample]).astype(np.float32), sector, float(scale))
