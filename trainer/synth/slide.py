"""One slide: a plane through a patient's lesion, as a probe shows it and an examiner marks it."""

from dataclasses import dataclass
from math import exp

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask
from scanside.phantom.anatomy import Canvas, draw_bladder, draw_bowel, draw_lesion_plane
from scanside.phantom.echo import Console, compress_echo, compute_envelope
from scanside.phantom.lesion import Points, SynthLesion, draw_lesion
from scanside.phantom.probe import SAMPLES, ConvexProbe, lay_out_sector
from scanside.phantom.speckle import Plane
from trainer.annotations.thesis import draw_as_thesis
from trainer.synth.patients import SynthPatient
from trainer.synth.recipe import SIZES, CohortRecipe

_ANNOTATED_LOG_ODDS = 0.0  # of a benign slide: every second one
_BLADDER_SHARE, _BOWEL_SHARE = 0.35, 0.6
_LARGEST_ENDOCAVITY_CM = 3.2  # a larger lesion is seen through the abdomen
_OFF_CENTRE = 0.45  # of a plane, in lesion radii, at most
_MAX_BANNER_SCALE = 0.5
_STROKES = (2, 0.7)  # of calipers; the thesis's, 3 and 1, would be coarser than any machine's


@dataclass(frozen=True)
class SynthSlide:
    """A frame and its truth.

    Attributes:
        pixels: (H, W, 3) uint8, RGB, with annotations if there are any.
        clean: (H, W, 3) uint8, the same without them.
        drawn: (H, W) bool, where they are.
        lesion: (H, W) bool, inside the sector.
        sector: (H, W) bool.
        kind: of lesion.
        masked: whether an examiner drew the mask.
        probe: "endocavity" or "curved".
    """

    pixels: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    drawn: Mask
    lesion: Mask
    sector: Mask
    kind: str
    masked: bool
    probe: str

    @property
    def annotated(self) -> bool:
        return self.pixels is not self.clean


def render_slide(recipe: CohortRecipe, patient: SynthPatient, number: int) -> SynthSlide:
    """Render slide `number` (from 0) of `patient`; recipe, patient and number alone decide it."""
    rng, which, annotated = begin_slide(recipe, patient, number)
    lesion = draw_lesion(patient.suspicion, np.random.default_rng((recipe.seed, patient.number, 0, which)))
    masked = bool(rng.random() < recipe.masked)
    probe = _choose_probe(lesion, rng)
    x, z = probe.points(SAMPLES // 2)
    canvas = Canvas(x, z, rng)
    if rng.random() < _BLADDER_SHARE:
        draw_bladder(canvas, probe.depth_cm)
    if rng.random() < _BOWEL_SHARE:
        draw_bowel(canvas, probe.depth_cm)
    distance = draw_lesion_plane(canvas, lesion, _choose_plane(lesion, probe, x, z, rng))
    console = Console(
        gain_db=rng.uniform(30, 40),
        range_db=rng.uniform(54, 64),
        noise_db=rng.uniform(-68, -52),
        compensated=0.5 + rng.normal(0, 0.03),
        contrast=rng.uniform(1.1, 1.6),
        smoothing=rng.uniform(0.3, 0.9),
    )
    grey = compress_echo(compute_envelope(canvas.medium(), probe, console, rng), console)
    screen = lay_out_sector(probe, SIZES[recipe.size])
    shown = screen.convert(grey).astype(np.uint8)
    clean = np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB), np.uint8)
    fine = np.asarray(cv2.resize(distance, grey.shape[::-1]), np.float32)
    seen = (screen.convert(fine) < 0) & screen.sector
    _write_banner(clean)
    pixels, drawn = clean, np.zeros(clean.shape[:2], bool)
    if annotated:
        pixels, drawn = draw_as_thesis(clean, seen, rng, *_STROKES)
    name = "endocavity" if probe.radius_cm < 2 else "curved"
    return SynthSlide(pixels, clean, drawn, seen, screen.sector, lesion.kind, masked, name)


def begin_slide(
    recipe: CohortRecipe, patient: SynthPatient, number: int
) -> tuple[np.random.Generator, int, bool]:
    """Draw what is drawn before any pixel: which lesion the slide shows, whether it is annotated.

    Returns:
        The generator that draws the rest, the lesion's number, and whether there are annotations.
    """
    rng = np.random.default_rng((recipe.seed, patient.number, number + 1))
    which = int(rng.integers(patient.lesions))
    log_odds = _ANNOTATED_LOG_ODDS + recipe.annotation_effect * patient.malignant
    return rng, which, bool(rng.random() < 1 / (1 + exp(-log_odds)))


def _choose_probe(lesion: SynthLesion, rng: np.random.Generator) -> ConvexProbe:
    radius = lesion.radius_cm
    if radius < _LARGEST_ENDOCAVITY_CM:
        depth = max(5.0, radius * rng.uniform(2.8, 4.5))
        return ConvexProbe(
            rng.uniform(0.9, 1.2), np.deg2rad(rng.uniform(55, 75)), depth, rng.uniform(5, 7), 1.4
        )
    depth = max(9.0, radius * rng.uniform(3.0, 4.0))
    return ConvexProbe(rng.uniform(4.5, 6.0), np.deg2rad(rng.uniform(30, 36)), depth, rng.uniform(3, 4), 2.0)


def _choose_plane(
    lesion: SynthLesion, probe: ConvexProbe, x: Plane, z: Plane, rng: np.random.Generator
) -> Points:
    """Choose the image plane, (rows, LINES, 3) cm, turned at random, near the lesion's centre."""
    radius = lesion.radius_cm
    turn, upper = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.diag(upper))
    down = min(max(radius * rng.uniform(1.1, 1.5) + 0.5, 0.4 * probe.depth_cm), probe.depth_cm - 0.9 * radius)
    across = rng.normal(0, 0.25) * radius
    out = np.clip(rng.normal(0, 0.25), -_OFF_CENTRE, _OFF_CENTRE) * radius
    points = np.dstack([x - across, z - down, np.full_like(x, out)])
    return np.asarray(points @ turn.astype(np.float32), np.float32)


def _write_banner(pixels: NDArray[np.uint8]) -> None:
    """Write into the frame, outside the sector, that it is synthetic."""
    height = pixels.shape[0]
    at = (height // 60, height // 24)
    cv2.putText(pixels, "SYNTHETIC", at, cv2.FONT_HERSHEY_SIMPLEX, height / 1200, (170, 170, 170), 1)
