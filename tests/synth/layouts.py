"""Screens as twenty kinds of machines lay them out: what stands around the scan, and where a name is written.

They stand for makers whose real files are not at hand; none copies a maker's screen. No patient's: every
name says so.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Box, Mask, Size
from scanside.phantom.sector import Shape, make_sector
from scanside.phantom.speckle import draw_even_speckle, draw_layers
from tests.synth.consoles import IDENTITY

Colour = tuple[int, int, int]
Pixels = NDArray[np.uint8]

SCREEN = Size(600, 800)
WHITE, GREY, YELLOW, GREEN = (235, 235, 235), (150, 150, 150), (220, 210, 60), (80, 220, 140)


@dataclass(frozen=True)
class Layout:
    """One kind of screen. Shares are of its height or width.

    Attributes:
        title: height of the title; 0 for none.
        fill: colour of the title's bar at its top and bottom; None for text on black.
        left, right: widths of panels; with `panel`, their colour, else text on black.
        foot: height of what stands at the bottom: a filled bar, with `foot_fill`, or text on black.
        trace: an ECG trace above the foot.
        bar: side at which a grey bar stands, and whether a colour bar stands below it.
        scale: sides with a depth scale.
        mark: corner with a body mark, "" for none.
        thumbnails: how many small pictures stand in the foot.
        near: pixels between the title and the scan.
        background: grey value behind everything.
        shape: of the sector.
    """

    title: float = 0.08
    fill: tuple[Colour, Colour] | None = None
    left: float = 0.12
    right: float = 0.08
    panel: Colour | None = None
    foot: float = 0.06
    foot_fill: Colour | None = None
    trace: bool = False
    bar: str = "left"
    colour_bar: bool = False
    scale: str = "right"
    mark: str = ""
    thumbnails: int = 0
    near: int = 8
    background: int = 0
    shape: Shape = Shape.CURVED


TEAL, NAVY, STEEL, SLATE = (0, 26, 32), (36, 58, 96), (70, 78, 92), (40, 42, 46)
LAYOUTS: dict[str, Layout] = {
    "bar over all, scale at the right": Layout(fill=(TEAL, TEAL), trace=True, colour_bar=True, near=10),
    "bar that fades, panel of text": Layout(fill=(NAVY, (22, 34, 60)), title=0.1, shape=Shape.ENDOCAVITY),
    "bar right on a linear probe's face": Layout(fill=(STEEL, STEEL), near=0, shape=Shape.LINEAR),
    "two lines on black": Layout(title=0.11, near=5, mark="bottom left"),
    "two lines right above the face": Layout(title=0.11, near=3, shape=Shape.LINEAR, bar="right"),
    "light bar": Layout(fill=((200, 204, 210), (170, 176, 184)), bar="right", scale="left"),
    "grey screen": Layout(background=26, fill=(SLATE, SLATE), foot_fill=SLATE),
    "grey panels at both sides": Layout(panel=(58, 60, 64), fill=(SLATE, SLATE), left=0.16, right=0.14),
    "keys at the left": Layout(panel=(34, 40, 52), left=0.18, right=0.04, title=0.06),
    "keys below": Layout(foot=0.12, foot_fill=(52, 56, 66), shape=Shape.PHASED),
    "small pictures below": Layout(foot=0.14, thumbnails=5, fill=(SLATE, SLATE), shape=Shape.TRAPEZOID),
    "no title, text at the left": Layout(title=0.0, left=0.2, right=0.03, near=2),
    "text below only": Layout(title=0.0, foot=0.14, shape=Shape.ENDOCAVITY_DOWN),
    "trace over the foot": Layout(trace=True, foot=0.1, shape=Shape.PHASED, scale="left right"),
    "bars of greys and colours at the right": Layout(bar="right", colour_bar=True, scale="left", near=4),
    "body mark beside the scan": Layout(mark="bottom right", fill=(NAVY, NAVY), shape=Shape.VIRTUAL_CONVEX),
    "dark bar": Layout(fill=((12, 12, 12), (12, 12, 12)), near=2, shape=Shape.LINEAR),
    "bar and dark foot": Layout(fill=((18, 20, 30), (44, 50, 70)), foot_fill=(14, 14, 18), foot=0.08),
    "wide panel of measurements": Layout(left=0.02, right=0.24, panel=(20, 24, 34), scale="left"),
    "steered, text at all sides": Layout(title=0.09, left=0.14, right=0.14, near=6, shape=Shape.STEERED),
}


@dataclass(frozen=True)
class Screen:
    """One screen and its truth.

    Attributes:
        pixels: (H, W, 3) uint8, RGB.
        sector: (H, W) bool.
        identity: (H, W) bool: strokes of names, ids and dates, outside the sector.
    """

    pixels: Pixels
    sector: Mask
    identity: Mask


def make_layout(name: str, seed: int, size: Size = SCREEN, quality: int | None = None) -> Screen:
    """Draw one screen of a layout.

    Args:
        name: key of LAYOUTS.
        quality: of a JPEG between; None for the pixels as drawn.
    """
    layout, rng = LAYOUTS[name], np.random.default_rng(seed)
    height, width = size
    area = Box(
        round(layout.left * width) + 12,
        round(layout.title * height) + layout.near,
        round((1 - layout.right) * width) - 12,
        round((1 - layout.foot) * height) - (height // 9 if layout.trace else 6),
    )
    sector = make_sector(layout.shape, size, area, rng).mask
    pixels = np.full((*size, 3), layout.background, np.uint8)
    identity = np.zeros(size, bool)
    _draw_title(pixels, identity, layout)
    _draw_panels(pixels, identity, layout, area)
    _draw_foot(pixels, identity, layout, rng)
    _draw_bars(pixels, layout, area)
    light = draw_even_speckle(size, rng) * draw_layers(size, rng) * np.float32(rng.uniform(0.7, 1.1))
    tissue = np.clip(255 * light, 0, 255).astype(np.uint8)
    pixels = np.where(sector[..., None], tissue[..., None], pixels)
    if quality is not None:
        encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return Screen(np.ascontiguousarray(pixels), sector, identity & ~sector)


def _write(pixels: Pixels, strokes: Mask | None, text: str, at: tuple[int, int], ink: Colour = WHITE) -> None:
    scale = max(0.38, len(pixels) / 1250)
    drawn = np.zeros(pixels.shape[:2], np.uint8)
    cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1, cv2.LINE_AA)
    share = drawn[..., None] / np.float32(255)
    pixels[:] = np.rint(pixels * (1 - share) + np.float32(ink) * share)
    if strokes is not None:
        strokes |= drawn > 127


def _draw_title(pixels: Pixels, identity: Mask, layout: Layout) -> None:
    height, width = pixels.shape[:2]
    rows = round(layout.title * height)
    if not rows:
        return
    if layout.fill is not None:
        above, below = (np.float32(colour) for colour in layout.fill)
        share = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
        pixels[:rows] = np.rint(above * (1 - share) + below * share)[:, None]
    dark = WHITE if layout.fill is None or layout.fill[0][0] < 128 else (15, 15, 20)
    upper, lower = rows // 2 - 3, rows - 5
    _write(pixels, identity, IDENTITY[0], (width // 40, upper), dark)
    _write(pixels, identity, IDENTITY[1], (width * 2 // 5, upper), dark)
    _write(pixels, identity, IDENTITY[2], (width * 2 // 5, lower), dark)
    _write(pixels, identity, IDENTITY[3], (width // 40, lower), dark)
    _write(pixels, None, "MI 0.9  TIS 0.4", (width * 3 // 4, upper), dark)


def _draw_panels(pixels: Pixels, identity: Mask, layout: Layout, area: Box) -> None:
    height, width = pixels.shape[:2]
    top, bottom = round(layout.title * height), round((1 - layout.foot) * height)
    left, right = round(layout.left * width), round((1 - layout.right) * width)
    if layout.panel is not None:
        pixels[top:bottom, :left] = pixels[top:bottom, right:] = layout.panel
    if layout.left > 0.1:
        for line, text in enumerate(("C5-1", "28 Hz", "2D 60 %", "P Low", "HGen", IDENTITY[1][:6])):
            named = identity if text.startswith("ID") else None
            _write(pixels, named, text, (4, top + 30 + line * height // 28), GREY)
    if layout.right > 0.1:
        for line, text in enumerate(("D1 31 mm", "D2 22 mm", "Vol 9 ml")):
            _write(pixels, None, text, (right + 4, top + 60 + line * height // 24), YELLOW)
    corner = {"bottom left": (area.x0 + 30, area.y1 - 30), "bottom right": (area.x1 - 30, area.y1 - 30)}
    if layout.mark:
        cv2.ellipse(pixels, corner[layout.mark], (24, 16), 0, 0, 360, GREY, 1)
        cv2.line(
            pixels, corner[layout.mark], (corner[layout.mark][0] + 9, corner[layout.mark][1] - 9), YELLOW, 2
        )


def _draw_foot(pixels: Pixels, identity: Mask, layout: Layout, rng: np.random.Generator) -> None:
    height, width = pixels.shape[:2]
    rows = round(layout.foot * height)
    if layout.foot_fill is not None:
        pixels[height - rows :] = layout.foot_fill
    for number in range(layout.thumbnails):
        side = rows - 8
        patch = cv2.blur(rng.rayleigh(60, (side, side * 4 // 3, 3)).clip(0, 255).astype(np.uint8), (3, 3))
        at = width // 3 + number * (patch.shape[1] + 8)
        shown = patch[:, : max(0, width - at)]
        pixels[height - rows + 4 : height - 4, at : at + shown.shape[1]] = shown
    _write(pixels, identity, IDENTITY[4], (width // 40, height - rows // 2 + 4))
    _write(pixels, identity, IDENTITY[2], (width // 2, height - rows // 2 + 4))
    if layout.trace:
        time = np.arange(width * 2 // 3)
        beat = np.exp(-(((time % 90) - 45) ** 2) / 6) - 0.2 * np.exp(-(((time % 90) - 60) ** 2) / 60)
        down = height - rows - height // 30 - beat * height / 16
        cv2.polylines(pixels, [np.stack([time, down], axis=1).astype(np.int32)], False, GREEN, 1)


def _draw_bars(pixels: Pixels, layout: Layout, area: Box) -> None:
    height, width = pixels.shape[:2]
    at = area.x0 - 10 if layout.bar == "left" else min(width - 14, area.x1 + 6)
    ramp = np.linspace(255, 0, height // 5).astype(np.uint8)[:, None, None]
    pixels[area.y0 + 4 : area.y0 + 4 + len(ramp), at : at + 8] = ramp
    if layout.colour_bar:
        colours = cv2.applyColorMap(ramp[:, 0], cv2.COLORMAP_JET)
        top = area.y0 + 12 + len(ramp)
        pixels[top : top + len(ramp), at : at + 8] = colours
        _write(pixels, None, "PWR", (max(0, at - 12), top + len(ramp) + 14))
    for side in layout.scale.split():
        across = area.x0 - 16 if side == "left" else min(width - 6, area.x1 + 20)
        for tick in range(area.y0, area.y1, max(8, height // 20)):
            cv2.line(pixels, (across - 3, tick), (across + 3, tick), GREY, 1)
