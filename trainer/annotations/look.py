"""How one machine draws: colours, strokes and font, the same for all that stands on a screen."""

from dataclasses import dataclass, replace

import numpy as np

from trainer.annotations.layer import Colour, Ink
from trainer.annotations.lettering import Face, draw_face

# As seen in real scans, with how often: nearly all of MMOTU's are the first, a light yellow.
_COLOURS: dict[Colour, float] = {
    (255, 255, 174): 0.3,
    (232, 243, 88): 0.18,
    (255, 255, 0): 0.08,
    (125, 190, 135): 0.04,
    (255, 255, 255): 0.16,
    (200, 205, 200): 0.04,
    (0, 255, 255): 0.08,
    (90, 240, 60): 0.07,
    (255, 180, 40): 0.05,
    (255, 220, 140): 0.03,
    (120, 170, 255): 0.03,
    (255, 90, 200): 0.02,
}
_JITTER = 14  # of a colour, standard deviation


@dataclass(frozen=True)
class Look:
    """What a machine's annotations have in common.

    Attributes:
        ink: of markers and text.
        face: the font.
        letter_px: height of a capital at unit size.
        stroke_px: width of a marker's stroke at unit size.
    """

    ink: Ink
    face: Face
    letter_px: float
    stroke_px: float

    def in_colour(self, colour: Colour) -> Ink:
        return replace(self.ink, colour=colour)


def draw_look(rng: np.random.Generator) -> Look:
    colours = list(_COLOURS)
    shares = np.array(list(_COLOURS.values()))
    chosen = np.array(colours[rng.choice(len(colours), p=shares / shares.sum())])
    red, green, blue = np.clip(chosen + rng.normal(0, _JITTER, 3), 0, 255).astype(int)
    ink = Ink(
        colour=(int(red), int(green), int(blue)),
        shade=("shadow", "outline", "none")[rng.choice(3, p=(0.55, 0.25, 0.2))],
        blur_px=float(rng.uniform(0.35, 0.8)) if rng.random() < 0.35 else 0.0,
        opacity=float(rng.uniform(0.75, 1)) if rng.random() < 0.2 else 1.0,
    )
    return Look(ink, draw_face(rng), float(rng.uniform(8, 18)), float(rng.uniform(1, 2.6)))
