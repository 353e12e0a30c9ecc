"""A clean scan in, the scan with annotations and where they are out."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.errors import SettingError
from scanside.image import Grey, Mask
from trainer.annotations.arrows import draw_arrows
from trainer.annotations.bars import draw_depth_ticks, draw_scale_bar
from trainer.annotations.body_marks import draw_body_mark
from trainer.annotations.calipers import draw_calipers
from trainer.annotations.cursors import draw_cursor
from trainer.annotations.doppler_box import draw_doppler_box
from trainer.annotations.edge_text import draw_edge_text
from trainer.annotations.focus_marks import draw_focus_marks
from trainer.annotations.labels import draw_labels
from trainer.annotations.layer import Layer
from trainer.annotations.look import Look, draw_look
from trainer.annotations.marks import draw_crosses
from trainer.annotations.result_box import draw_result_box, draw_settings
from trainer.annotations.scene import Scene, look_at_scan
from trainer.annotations.thesis import draw_as_thesis
from trainer.annotations.traces import draw_trace

Draw = Callable[[Layer, Scene, Look, np.random.Generator], None]
# How often each kind is on a scan, and what draws it. Later ones lie over earlier ones.
KINDS: dict[str, tuple[float, Draw]] = {
    "depth ticks": (0.3, draw_depth_ticks),
    "scale bar": (0.12, draw_scale_bar),
    "Doppler box": (0.1, draw_doppler_box),
    "focus mark": (0.2, draw_focus_marks),
    "trace": (0.06, draw_trace),
    "caliper": (0.55, draw_calipers),
    "cross": (0.08, draw_crosses),
    "arrow": (0.08, draw_arrows),
    "text": (0.4, draw_labels),
    "edge text": (0.15, draw_edge_text),
    "settings": (0.18, draw_settings),
    "result box": (0.1, draw_result_box),
    "body mark": (0.06, draw_body_mark),
    "cursor": (0.15, draw_cursor),
}
PRESETS = ("broad", "thesis", *KINDS)


@dataclass(frozen=True)
class Annotated:
    """A scan with annotations.

    Attributes:
        pixels: (H, W, 3) uint8, RGB.
        mask: (H, W) bool: the drawn pixels with their soft edges and shades, from the drawing itself.
        cover: (H, W) uint8, 0 to 255: how much of each pixel ink covers; less where it shines through.
        kinds: what was drawn, in order.
    """

    pixels: NDArray[np.uint8]
    mask: Mask
    cover: Grey
    kinds: tuple[str, ...]


def annotate(
    pixels: NDArray[np.uint8],
    lesion: Mask | None,
    sector: Mask,
    rng: np.random.Generator,
    preset: str = "broad",
    also: str | None = None,
) -> Annotated:
    """Draw annotations onto a clean scan; the same generator state draws the same.

    Args:
        pixels: (H, W, 3) uint8, RGB.
        lesion: (H, W) bool; None or empty: a place drawn at random stands in for it.
        sector: (H, W) bool, tissue.
        rng: decides everything.
        preset: "broad", all that is seen on real scans, at least one kind; "thesis", what the thesis draws;
            the name of one of KINDS: that alone.
        also: one of KINDS that "broad" draws in any case.

    Raises:
        SettingError: no such preset.
    """
    if preset not in PRESETS:
        raise SettingError(f"the preset '{preset}' is unknown: choose {', '.join(PRESETS)}.")
    if preset == "thesis":
        marked = lesion if lesion is not None and lesion.any() else _filled(look_at_scan(None, sector, rng))
        drawn, where = draw_as_thesis(pixels, marked, rng)
        return Annotated(drawn, where, where.astype(np.uint8) * np.uint8(255), ("thesis",))
    scene, look, layer = look_at_scan(lesion, sector, rng), draw_look(rng), Layer(pixels)
    chosen = [preset] if preset in KINDS else _choose_kinds(rng, also)
    for name in chosen:
        KINDS[name][1](layer, scene, look, rng)
    return Annotated(layer.pixels, layer.mask, layer.cover, tuple(chosen))


def _choose_kinds(rng: np.random.Generator, also: str | None) -> list[str]:
    """Draw the names of kinds in the order of KINDS, at least one."""
    names = list(KINDS)
    chosen = [name for name in names if rng.random() < KINDS[name][0] or name == also]
    return chosen or [names[rng.integers(len(names))]]


def recompress(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Pass (H, W, 3) uint8 RGB through a JPEG of `quality`, 1 to 100, and back, as a stored screen is."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, stream = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    bgr = np.asarray(cv2.imdecode(stream, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _filled(scene: Scene) -> Mask:
    lesion = np.zeros(scene.sector.shape, np.uint8)
    cv2.fillPoly(lesion, [scene.edge.round().astype(np.int32)], 1)
    return lesion > 0
