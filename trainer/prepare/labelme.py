"""Labelme's JSON -> the lesion as a mask, in pixels of the frame that it was drawn on.

https://github.com/wkentaro/labelme; several shapes of one file are several lesions, and are united.
"""

import base64
import binascii
import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scanside.errors import InputError
from scanside.image import Grey, Mask, Size
from scanside.regular_file import read_regular

_MAX_BYTES = 128 * 2**20  # Labelme puts the image itself into the file
_MAX_COORDINATE = 1e5  # px; fixed-point arithmetic below stays far from its limits
_SUBPIXEL_BITS = 4
_PNG = b"\x89PNG\r\n\x1a\n"


def read_document(path: Path) -> dict[str, Any]:
    """Read the JSON object of one file.

    Raises:
        InputError: it can't be read, is too large or is not a Labelme file.
    """
    try:
        content = read_regular(path, _MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InputError(f"the mask is larger than {_MAX_BYTES >> 20} MiB")
        document = json.loads(content)
    except OSError as error:
        raise InputError(f"the mask can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError("the mask is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("shapes"), list):
        raise InputError("the mask is not a Labelme file")
    return document


def read_mask(path: Path, size: Size) -> Mask:
    """Read what was drawn on a frame of `size`: (H, W) bool, source pixels.

    Raises:
        InputError: no Labelme file, drawn on an image of another size, or a shape without an area. The
            message names neither file nor label: they may hold a patient's name.
    """
    document = read_document(path)
    stated = (document.get("imageHeight"), document.get("imageWidth"))
    if stated != tuple(size):
        numbers = all(isinstance(side, int) and abs(side) < 10**6 for side in stated)
        drawn_on = f"{stated[1]} x {stated[0]} px" if numbers else "an unknown size"
        raise InputError(f"the mask was drawn on {drawn_on}, the frame has {size.width} x {size.height} px")
    mask = np.zeros(size, np.uint8)
    for shape in document["shapes"]:
        _draw_shape(mask, shape)
    if not mask.any():
        raise InputError("the mask is empty")
    return np.asarray(mask, bool)


def _draw_shape(mask: Grey, shape: Any) -> None:
    if not isinstance(shape, dict):
        raise InputError("the mask holds a shape that is none")
    kind, points = shape.get("shape_type") or "polygon", _read_points(shape.get("points"))
    if kind == "polygon" and len(points) >= 3:
        _fill_polygon(mask, points)
    elif kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points
        _fill_polygon(mask, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    elif kind == "circle" and len(points) == 2:
        (cx, cy), edge = points
        radius = math.dist((cx, cy), edge)
        turn = [2 * math.pi * step / 180 for step in range(180)]
        _fill_polygon(mask, [(cx + radius * math.cos(a), cy + radius * math.sin(a)) for a in turn])
    elif kind == "mask" and len(points) == 2:
        _draw_brush(mask, points, shape.get("mask"))
    else:
        known = kind if kind in ("line", "linestrip", "point", "points", *_AREAS) else "an unknown shape"
        raise InputError(f"the mask holds {known} with {len(points)} points: that outlines no area")


_AREAS = ("polygon", "rectangle", "circle", "mask")


def _read_points(given: Any) -> list[tuple[float, float]]:
    try:
        points = [(float(x), float(y)) for x, y in given]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("the mask holds a shape whose points are no numbers") from error
    if not all(abs(value) <= _MAX_COORDINATE for point in points for value in point):  # not so for NaN either
        raise InputError("the mask holds a point far outside the image")
    return points


def _fill_polygon(mask: Grey, points: list[tuple[float, float]]) -> None:
    """Labelme counts from the corner of the first pixel, OpenCV from its centre."""
    corners = np.rint((np.array(points) - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(mask, [corners], 1, shift=_SUBPIXEL_BITS)


def _draw_brush(mask: Grey, points: list[tuple[float, float]], encoded: Any) -> None:
    """Draw a PNG in base64 that fills the box between the points, both ends included."""
    (x0, y0), (x1, y1) = ((int(x), int(y)) for x, y in points)
    box = (y1 - y0 + 1, x1 - x0 + 1)
    try:
        content = base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise InputError("the mask holds a brush that is not base64") from error
    stated = (int.from_bytes(content[20:24], "big"), int.from_bytes(content[16:20], "big"))
    inside = 0 <= x0 <= x1 < mask.shape[1] and 0 <= y0 <= y1 < mask.shape[0]
    if not (content.startswith(_PNG) and stated == box and inside):  # before anything is allocated
        raise InputError("the mask holds a brush that does not fit its box")
    brush = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if brush is None or brush.shape != box:
        raise InputError("the mask holds a brush that can't be decoded")
    mask[y0 : y1 + 1, x0 : x1 + 1] |= np.asarray(brush > 0, np.uint8)
