"""What the probe looks through: tissue around the lesion, bladder, bowel, free fluid, the lesion itself."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Size
from scanside.phantom.echo import Medium
from scanside.phantom.lesion import ANECHOIC_DB, Points, SynthLesion
from scanside.phantom.probe import LINES, SAMPLES
from scanside.phantom.speckle import Plane, enlarge

_ROWS = SAMPLES // 2  # anatomy is drawn coarser than speckle
_SOFT = 0.55  # dB / (cm MHz)
_FAT_FOLD_DB = 9.0
_WALL_DB = -9.0
_SPECULAR_DB = 13.0  # a wall that faces the probe is a mirror, one along the beam fades


class Canvas:
    """Echo and attenuation under the pen; later strokes cover earlier ones."""

    def __init__(self, x: Plane, z: Plane, rng: np.random.Generator) -> None:
        self.x, self.z, self.rng = x, z, rng
        self.echo_db = _draw_tissue(rng)
        self.attenuation = np.full_like(x, _SOFT)

    @property
    def step_cm(self) -> tuple[float, Plane]:
        """Between samples along the beam; and across it, (rows, 1)."""
        along = float(np.hypot(self.x[1, 0] - self.x[0, 0], self.z[1, 0] - self.z[0, 0]))
        across = np.hypot(self.x[:, 1] - self.x[:, 0], self.z[:, 1] - self.z[:, 0])
        return along, across[:, None]

    def fill(self, where: NDArray[np.bool_], echo_db: Plane | float, attenuation: float) -> None:
        np.copyto(self.echo_db, np.float32(echo_db), where=where)
        self.attenuation[where] = attenuation

    def medium(self) -> Medium:
        size = (LINES, SAMPLES)
        echo, attenuation = (cv2.resize(plane, size) for plane in (self.echo_db, self.attenuation))
        return Medium(np.asarray(echo, np.float32), np.asarray(attenuation, np.float32))


def draw_bladder(canvas: Canvas, depth_cm: float) -> None:
    """Draw a large anechoic pool near the probe: a distractor, no lesion."""
    rng = canvas.rng
    side = rng.choice([-1, 1])
    x = canvas.x - side * rng.uniform(0.25, 0.5) * depth_cm
    z = canvas.z - rng.uniform(0.12, 0.3) * depth_cm
    tilt = rng.uniform(-0.5, 0.5)
    along, across = x * np.cos(tilt) + z * np.sin(tilt), z * np.cos(tilt) - x * np.sin(tilt)
    length, height = rng.uniform(0.15, 0.3) * depth_cm, rng.uniform(0.07, 0.13) * depth_cm
    pool = (along / length) ** 2 + (across / height) ** 2 + 0.25 * np.abs(along / length) ** 3
    canvas.fill(pool < 1.25, 1.0, _SOFT)
    canvas.fill(pool < 1, ANECHOIC_DB, 0.0)


def draw_bowel(canvas: Canvas, depth_cm: float) -> None:
    """Draw loops with gas: bright arcs towards the probe, a dirty shadow behind."""
    rng = canvas.rng
    for _ in range(rng.integers(1, 4)):
        x = canvas.x - rng.choice([-1, 1]) * rng.uniform(0.3, 0.7) * depth_cm
        z = canvas.z - rng.uniform(0.3, 0.95) * depth_cm
        radius = rng.uniform(0.6, 1.3)
        ring = np.hypot(x * rng.uniform(0.5, 1.0), z) / radius
        ring += 0.16 * _draw_noise(rng, (14, 12), ring.shape)
        canvas.fill((ring < 1.15) & (ring > 0.9), _draw_uneven(canvas, -8.0, 3.0), 0.7)
        canvas.fill(ring < 0.9, _draw_uneven(canvas, -3.0, 5.0), 0.8)
        gas = (ring < 0.9) & (ring > 0.5) & (z < -0.2 * radius)
        canvas.fill(gas, _draw_uneven(canvas, 7.0, 4.0), rng.uniform(1.5, 4.0))


def draw_lesion_plane(canvas: Canvas, lesion: SynthLesion, points: Points) -> Plane:
    """Draw the plane of `lesion` that `points` say.

    Args:
        points: (rows, LINES, 3) float32, cm from the lesion's centre, of each sample of the canvas.

    Returns:
        (rows, LINES) float32, distance from its outer wall in cm, negative inside.
    """
    distance = lesion.distance_cm(points)
    if lesion.free_fluid > 0:
        pocket = distance - lesion.free_fluid * (0.3 + 2 * _draw_noise(canvas.rng, (4, 4), distance.shape))
        canvas.fill((pocket < 0) & (distance > 0.1), ANECHOIC_DB, 0.0)
    inside = distance < 0
    rind = distance < -lesion.wall_cm
    canvas.fill(inside, _draw_sheet(canvas, distance), 0.9)
    solid = lesion.fluid_db > -12
    texture = 3.0 if solid else 1.0
    canvas.fill(
        rind,
        _draw_uneven(canvas, lesion.fluid_db, texture) + _draw_locules(lesion, points),
        0.7 if solid else 0.12,
    )
    for ball in lesion.balls:
        near = np.sqrt(((points - ball.centre) ** 2).sum(axis=2)) - ball.radius_cm
        near += 0.22 * ball.radius_cm * _draw_noise(canvas.rng, (18, 14), near.shape)
        canvas.fill((near < 0) & inside, _draw_uneven(canvas, ball.echo_db, 3.0), ball.attenuation)
    for septum in lesion.septa:
        unit = points / lesion.semi_axes_cm
        off = _measure_side(septum, unit) * np.float32(lesion.radius_cm)
        uneven = 1 + 0.4 * _draw_noise(canvas.rng, (12, 9), off.shape)
        canvas.fill((np.abs(off) < lesion.septum_cm / 2 * uneven) & inside, _draw_sheet(canvas, off), 0.6)
    return distance


def _draw_locules(lesion: SynthLesion, points: Points) -> Plane:
    """Draw locules, in dB: septa part the fluid in locules of different echo."""
    unit = points / lesion.semi_axes_cm
    parts = [np.sign(_measure_side(septum, unit)) for septum in lesion.septa]
    weight = lesion.locule_db / max(1, len(parts)) ** 0.5
    return np.asarray(weight * sum(parts, np.zeros(points.shape[:2], np.float32)), np.float32)


def _draw_sheet(canvas: Canvas, distance: Plane) -> Plane:
    """Draw the echo of a thin sheet with this distance function, in dB, by how squarely the beam meets it."""
    along = np.abs(cv2.Sobel(distance, -1, 0, 1)) / canvas.step_cm[0]
    across = np.abs(cv2.Sobel(distance, -1, 1, 0)) / canvas.step_cm[1]
    square = along**2 / (along**2 + across**2 + np.float32(1e-12))
    return np.asarray(_draw_uneven(canvas, _WALL_DB, 3.5) + np.float32(_SPECULAR_DB) * square, np.float32)


def _measure_side(septum: NDArray[np.float32], unit: Points) -> Plane:
    """Measure the signed distance from a bent sheet, in semi-axes."""
    bend = septum[4] * (unit * unit).sum(axis=2)
    return np.asarray(unit @ septum[:3] - septum[3] - bend, np.float32)


def _draw_tissue(rng: np.random.Generator) -> Plane:
    """Draw layers and patches, in dB, wider across the beam than along it, with bright folds of fat."""
    shape = (_ROWS, LINES)
    echo = -5 + 4.5 * _draw_noise(rng, (6, 4), shape) + 4 * _draw_noise(rng, (22, 8), shape)
    echo += 3.5 * _draw_noise(rng, (72, 20), shape)
    for rows, columns in ((9, 4), (18, 6), (30, 9)):
        fold = np.abs(_draw_noise(rng, (rows, columns), shape))
        here = np.clip(_draw_noise(rng, (8, 6), shape) + 0.3, 0, 1)
        echo += _FAT_FOLD_DB * np.exp(-((fold / np.float32(0.12)) ** 2)) * here
    return np.asarray(echo, np.float32)


def _draw_uneven(canvas: Canvas, echo_db: float, spread_db: float) -> Plane:
    """Draw `echo_db` with fine unevenness, in dB."""
    noise = _draw_noise(canvas.rng, (48, 28), canvas.x.shape)
    return np.asarray(np.float32(echo_db) + np.float32(spread_db) * noise, np.float32)


def _draw_noise(rng: np.random.Generator, cells: tuple[int, int], shape: tuple[int, int]) -> Plane:
    """Draw smooth noise of standard deviation about 1, `cells` cells to the plane."""
    coarse = rng.standard_normal(cells, np.float32)
    return enlarge(coarse, Size(*shape))
