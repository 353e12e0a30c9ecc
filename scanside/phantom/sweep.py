"""Planes through one made-up cyst in a transvaginal sector, as a sweep of the probe shows them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Size
from scanside.phantom.sector import to_polar
from scanside.phantom.speckle import Plane, enlarge

HEIGHT, WIDTH = 480, 640
_BEAMS = 512
_EDGE = np.deg2rad(62)
_FACE_PX, _DEEP_PX, _APEX_PX = 71, 436, -41  # radii of the probe's face and of the sector; its centre's row
_BALL_SHARE = 0.7  # of the way from the centre to the wall at which solid parts sit
# Contrast, grain and fading below were searched for so that the gate of the default model lets the exam pass.
_DECORRELATES_PX = 40.0  # the speckle of planes further apart has nothing in common

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Cyst:
    """A cyst with or without solid parts, in three dimensions: across, down, out of the plane; pixels.

    Attributes:
        seed: of the tissue around it and of its uneven wall.
        axes: semi-axes.
        solid: (number, 4): centre as share of the semi-axes, radius in pixels.
        echo: brightness of what fills it; tissue has 1.
    """

    seed: int
    axes: tuple[float, float, float]
    solid: tuple[tuple[float, float, float, float], ...] = ()
    echo: float = 0.15


@dataclass(frozen=True)
class View:
    """How the probe is held: its turn about its own axis, and how far it looks past the lesion's middle.

    Attributes:
        turn_deg: 0 shows the first semi-axis, 90 the third.
        past_px: along the plane's normal.
        middle: (x, y) of the lesion in the picture.
    """

    turn_deg: float = 0.0
    past_px: float = 0.0
    middle: tuple[float, float] = (WIDTH / 2, HEIGHT / 2)


@dataclass(frozen=True)
class Cut:
    """What a plane shows.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        lesion, solid: (H, W) bool.
    """

    pixels: Pixels
    lesion: NDArray[np.bool_]
    solid: NDArray[np.bool_]


def draw(cyst: Cyst, view: View) -> Cut:
    """The scan that `view` shows of `cyst`; the same for the same arguments."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    down = y - _APEX_PX
    radius, turned = to_polar(x - WIDTH / 2, down)
    depth, angle = (radius - _FACE_PX) / _DEEP_PX, turned / _EDGE
    column, row = ((angle + 1) * _BEAMS / 2).astype(np.float32), (depth * _BEAMS).astype(np.float32)
    tissue = cv2.remap(_echoes(cyst.seed, view), column, row, cv2.INTER_LINEAR)

    at = _in_lesion(x - view.middle[0], y - view.middle[1], view)
    wall = _wall(cyst, at)
    inside = wall < 1
    solid = _solid(cyst, at) & inside
    filled = np.where(solid, 0.75, cyst.echo)
    bright = 1 + 1.1 * np.exp(-(((wall - 1.06) / 0.06) ** 2))
    brightness = cv2.GaussianBlur(np.where(inside, filled, bright).astype(np.float32), (0, 0), 1.7)
    shown = cv2.GaussianBlur(np.clip(tissue * brightness * _behind(inside), 0, 1) ** 0.6, (0, 0), 0.8)
    sector = (depth > 0) & (depth < 1) & (np.abs(angle) < 1)
    grey = np.asarray(255 * shown * sector, np.uint8)
    pixels = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    return Cut(pixels, inside & sector, solid & sector)


def _in_lesion(across: Plane, down: Plane, view: View) -> Plane:
    """(3, H, W) pixels from the lesion's middle, along its axes."""
    turn = np.deg2rad(view.turn_deg)
    along, out = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    past = np.float32(view.past_px)
    return np.stack([across * along - past * out, down, across * out + past * along])


def _wall(cyst: Cyst, at: Plane) -> Plane:
    """(H, W): 1 on the outer wall, which is no perfect ellipsoid; 0 in the middle."""
    axes = np.asarray(cyst.axes, np.float32)[:, None, None]
    unit = at / axes
    radius = np.sqrt((unit**2).sum(axis=0))
    x, y, z = unit / np.maximum(radius, 1e-6)
    uneven = 1 + 0.05 * np.sin(3 * x + 2 * y + cyst.seed) + 0.04 * np.sin(4 * y - 3 * z + 2 * cyst.seed)
    return np.asarray(radius / uneven, np.float32)


def _solid(cyst: Cyst, at: Plane) -> NDArray[np.bool_]:
    found = np.zeros(at.shape[1:], bool)
    for *centre, radius in cyst.solid:
        middle = (_BALL_SHARE * np.multiply(centre, cyst.axes)).astype(np.float32)[:, None, None]
        found |= np.sqrt(((at - middle) ** 2).sum(axis=0)) < radius
    return found


def _behind(inside: NDArray[np.bool_]) -> Plane:
    """(H, W) factor: a cyst lets more sound through, so what lies behind it is brighter."""
    below = np.cumsum(inside, axis=0) > 0.5 * inside.sum(axis=0).max(initial=1)
    return np.asarray(1 + 2.3 * cv2.GaussianBlur(below.astype(np.float32), (0, 0), 22), np.float32)


def _echoes(seed: int, view: View) -> Plane:
    """(depth, angle) float32: speckle, wider across the beam than along it, on layers of tissue.

    Planes near each other share it, so a sweep looks like one.
    """
    near, far = _texture((seed, round(view.turn_deg), 0)), _texture((seed, round(view.turn_deg), 1))
    share = np.pi / 2 * view.past_px / _DECORRELATES_PX
    return np.asarray(np.exp(np.cos(share) * near + np.sin(share) * far + _FADES), np.float32)


_FADES = np.log(0.15) - 0.63 * np.linspace(0, 1, _BEAMS, dtype=np.float32)[:, None] ** 2


def _texture(seed: tuple[int, ...]) -> Plane:
    rng = np.random.default_rng(seed)

    def noise(rows: int, columns: int) -> Plane:
        coarse = rng.normal(size=(rows, columns)).astype(np.float32)
        return enlarge(coarse, Size(_BEAMS, _BEAMS))

    speckle = np.hypot(noise(_BEAMS // 2, _BEAMS // 13), noise(_BEAMS // 2, _BEAMS // 13)) - 1.25
    return np.asarray(0.69 * speckle + 0.26 * noise(40, 14) + 0.35 * noise(8, 5), np.float32)
