"""An ovarian lesion in three dimensions: its slides are planes through it. Terms of IOTA (Timmerman 2000).

Everything here depends on `suspicion` and chance, never on the label: what a picture tells of the label it
tells through suspicion.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanside.phantom.speckle import Plane

Points = NDArray[np.float32]

ANECHOIC_DB = -46.0


@dataclass(frozen=True)
class Kind:
    """A group of lesions.

    Attributes:
        fluid_db: lowest and highest echo of what fills it.
        slope, bias: its log odds are bias + slope * suspicion.
        septa, solid: mean number of septa; chance of one solid part (at common suspicion).
        plug: holds an echogenic, shadowing plug, as teratomas do.
    """

    name: str
    fluid_db: tuple[float, float]
    slope: float
    bias: float
    septa: float = 0.0
    solid: float = 0.1
    plug: bool = False


KINDS = (
    Kind("simple cyst", (ANECHOIC_DB, -34), -0.5, 0.5),
    Kind("chocolate cyst", (-15, -9), -0.5, 0.3),
    Kind("teratoma", (-20, -5), -0.5, 0.3, solid=0.2, plug=True),
    Kind("serous cystadenoma", (ANECHOIC_DB, -30), 0.1, 0.2, septa=1.5, solid=0.15),
    Kind("mucinous cystadenoma", (-36, -18), 0.2, -0.4, septa=4.0, solid=0.15),
    Kind("solid tumour", (-10, -3), 0.3, -1.0, solid=1.0),
    Kind("cyst with solid parts", (-42, -16), 0.6, -1.2, septa=2.0, solid=1.0),
)


@dataclass(frozen=True)
class Ball:
    """A papilla, a solid part, a plug or a grain of calcium: centre (3,) and radius, in cm."""

    centre: NDArray[np.float32]
    radius_cm: float
    echo_db: float
    attenuation: float


@dataclass(frozen=True)
class SynthLesion:
    """One lesion, about its own centre.

    Attributes:
        semi_axes_cm: (3,) of the ellipsoid.
        ripples: (N, 5): wave vector on the unit sphere, phase and amplitude of the wall's unevenness.
        septa: (M, 5): normal, offset (both in semi-axes) and bend.
        septum_cm, wall_cm: thickness.
        locule_db: how much the echo of locules differs.
        balls: what lies in it, later ones on top.
        free_fluid: cm of ascites around it.
    """

    kind: str
    semi_axes_cm: NDArray[np.float32]
    ripples: NDArray[np.float32]
    septa: NDArray[np.float32]
    septum_cm: float
    wall_cm: float
    fluid_db: float
    locule_db: float
    balls: tuple[Ball, ...]
    free_fluid: float

    @property
    def radius_cm(self) -> float:
        return float(self.semi_axes_cm.mean())

    def distance_cm(self, points: Points) -> Plane:
        """Measure about the distance from the outer wall, (H, W, 3) cm -> (H, W) float32; negative inside."""
        unit = points / self.semi_axes_cm
        length = np.sqrt((unit * unit).sum(axis=2)) + np.float32(1e-6)
        direction = unit / length[:, :, None]
        edge = np.ones_like(length)
        for ripple in self.ripples:
            edge += ripple[4] * np.sin(direction @ ripple[:3] + ripple[3])
        return np.asarray((length - edge) * np.float32(self.radius_cm), np.float32)


def draw_lesion(suspicion: float, rng: np.random.Generator) -> SynthLesion:
    """Draw a lesion as malignant as `suspicion` says: 0 a common benign one, 2 a common malignant."""
    odds = np.exp([kind.bias + kind.slope * suspicion for kind in KINDS])
    kind = KINDS[rng.choice(len(KINDS), p=odds / odds.sum())]
    look = suspicion + rng.normal(0, 0.5, 7)  # no single sign is reliable
    radius = rng.uniform(1.6, 4.2)
    axes = (radius * rng.uniform(0.75, 1.2, 3)).astype(np.float32)
    count = rng.poisson(kind.septa * (1 + 0.4 * max(look[0], 0)))
    septa = np.column_stack(
        [_draw_directions(count, rng), rng.normal(0, 0.45, count), rng.normal(0, 0.35, count)]
    )
    waves = _draw_directions(8, rng) * rng.uniform(1.5, 9.0, (8, 1))
    rough = 0.010 + 0.035 * _compute_sigmoid(1.5 * (look[1] - 1.3))
    ripples = np.column_stack([waves, rng.uniform(0, 6.3, 8), rough * rng.uniform(0.4, 1.4, 8)])
    return SynthLesion(
        kind.name,
        axes,
        ripples.astype(np.float32),
        septa.astype(np.float32),
        septum_cm=0.05 + 0.17 * _compute_sigmoid(1.5 * (look[2] - 1.3)),
        wall_cm=0.07 + 0.17 * _compute_sigmoid(1.5 * (look[3] - 1.3)),
        fluid_db=rng.uniform(*kind.fluid_db),
        locule_db=rng.uniform(0, 9) if kind.septa else 0.0,
        balls=tuple(_draw_balls(kind, axes, look, rng)),
        free_fluid=float(max(0.0, rng.normal(0.25 * (look[4] - 2.2), 0.15))),
    )


def _draw_balls(
    kind: Kind, axes: NDArray[np.float32], look: NDArray[np.float64], rng: np.random.Generator
) -> list[Ball]:
    radius = float(axes.mean())
    balls = []
    solid = min(kind.solid + (1 - kind.solid) * _compute_sigmoid(1.6 * (look[5] - 1.9)), 1.0)
    if kind.name != "solid tumour" and rng.random() < solid:
        share = rng.uniform(0.25, 0.4) + 0.35 * _compute_sigmoid(look[5] - 1.3)
        at = _draw_directions(1, rng)[0] * (1.05 - share)
        balls.append(Ball((at * axes).astype(np.float32), share * radius, rng.uniform(-7, 1), 0.75))
        for _ in range(rng.poisson(1.5)):  # lobes: solid parts are no balls
            lobe = at + _draw_directions(1, rng)[0] * share * 0.7
            size = share * radius * rng.uniform(0.35, 0.7)
            balls.append(Ball((lobe * axes).astype(np.float32), size, rng.uniform(-7, 1), 0.75))
    for _ in range(min(rng.poisson(np.exp(0.9 * look[6] - 1.6)), 9)):
        at = _draw_directions(1, rng)[0] * rng.uniform(0.82, 0.95)
        balls.append(Ball((at * axes).astype(np.float32), rng.uniform(0.15, 0.45), rng.uniform(-4, 3), 0.6))
    if kind.plug:
        at = _draw_directions(1, rng)[0] * rng.uniform(0.3, 0.65)
        balls.append(
            Ball((at * axes).astype(np.float32), radius * rng.uniform(0.25, 0.5), rng.uniform(4, 9), 1.6)
        )
    if kind.name == "solid tumour":  # necrosis
        for _ in range(rng.poisson(0.6 + 0.8 * _compute_sigmoid(look[5] - 1))):
            at = _draw_directions(1, rng)[0] * rng.uniform(0, 0.6)
            balls.append(Ball((at * axes).astype(np.float32), radius * rng.uniform(0.1, 0.25), -30.0, 0.1))
    for _ in range(rng.poisson(0.5)):
        at = _draw_directions(1, rng)[0] * rng.uniform(0.7, 0.95)
        balls.append(Ball((at * axes).astype(np.float32), rng.uniform(0.06, 0.14), 14.0, 9.0))
    return balls


def _draw_directions(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    vectors = rng.normal(size=(count, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _compute_sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))
