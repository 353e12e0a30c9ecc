"""Labelme's shapes fill the pixels that they enclose; hostile files end in an error of ours."""

import base64
import json
import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanside.errors import InputError
from scanside.image import Mask, Size
from trainer.prepare.labelme import read_mask

SIZE = Size(60, 80)


def written(path: Path, *shapes: object, height: object = 60, width: object = 80) -> Path:
    path.write_text(json.dumps({"shapes": shapes, "imageHeight": height, "imageWidth": width}))
    return path


def shape(kind: str, points: object, **more: object) -> dict[str, object]:
    return {"label": "lesion", "shape_type": kind, "points": points, **more}


def png(mask: Mask) -> str:
    return base64.b64encode(cv2.imencode(".png", mask.astype(np.uint8) * 255)[1].tobytes()).decode()


def iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_rectangle_polygon_and_circle(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    true = np.zeros(SIZE, bool)
    true[10:30, 20:50] = True
    box = shape("rectangle", [[50, 30], [20, 10]])
    corners = shape("polygon", [[20, 10], [50, 10], [50, 30], [20, 30]])
    for drawn in (box, corners):
        assert iou(read_mask(written(path, drawn), SIZE), true) > 0.9
    rows, columns = np.mgrid[:60, :80] + 0.5
    disc = np.hypot(rows - 30, columns - 40) < 15
    found = read_mask(written(path, shape("circle", [[40, 30], [40, 45]])), SIZE)
    assert iou(found, disc) > 0.9
    both = read_mask(written(path, box, shape("circle", [[60, 45], [60, 52]])), SIZE)
    assert both.sum() > 1.15 * true.sum() and both[45, 60] and both[20, 30]  # several lesions, united


def test_brush(tmp_path: Path) -> None:
    brush = np.random.default_rng(0).random((21, 11)) > 0.5
    drawn = shape("mask", [[5, 10], [15, 30]], mask=png(brush))
    found = read_mask(written(tmp_path / "m.json", drawn), SIZE)
    assert np.array_equal(found[10:31, 5:16], brush) and found.sum() == brush.sum()


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (shape("line", [[0, 0], [5, 5]]), "line with 2 points"),
        (shape("polygon", [[0, 0], [5, 5]]), "polygon with 2 points"),
        (shape("JANE^DOE", [[0, 0]]), "an unknown shape with 1 points"),
        (shape("polygon", [[0, 0], [5, math.nan], [1, 1]]), "far outside"),
        (shape("polygon", [[0, 0], [5, 1e300], [1, 1]]), "far outside"),
        (shape("polygon", "abc"), "no numbers"),
        (shape("polygon", None), "no numbers"),
        (shape("circle", [[-500, -500], [-501, -501]]), "empty"),
        (shape("mask", [[5, 10], [15, 30]], mask=png(np.ones((9, 9), bool))), "does not fit"),
        (shape("mask", [[75, 10], [85, 30]], mask=png(np.ones((21, 11), bool))), "does not fit"),
        (shape("mask", [[5, 10], [15, 30]], mask="?"), "not base64"),
        (shape("mask", [[5, 10], [15, 30]]), "not base64"),
        (7, "a shape that is none"),
    ],
)
def test_a_shape_without_an_area_is_refused(tmp_path: Path, drawn: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_mask(written(tmp_path / "m.json", drawn), SIZE)
    assert "JANE" not in str(caught.value)


@pytest.mark.parametrize(
    ("height", "width"), [(80, 60), (None, None), ("JANE", 80), (10**400, 80), (60.5, 80)]
)
def test_another_size_is_refused(tmp_path: Path, height: object, width: object) -> None:
    path = written(tmp_path / "m.json", shape("rectangle", [[1, 1], [9, 9]]), height=height, width=width)
    with pytest.raises(InputError, match="was drawn on") as caught:
        read_mask(path, SIZE)
    assert "JANE" not in str(caught.value)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(LEAVES, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=8)
SHAPES = st.fixed_dictionaries(
    {"shape_type": st.sampled_from(["polygon", "rectangle", "circle", "mask"]) | VALUES, "points": VALUES},
    optional={"mask": VALUES},
)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SHAPES | VALUES))
def test_any_json_gives_a_mask_or_an_error_of_ours(tmp_path: Path, shapes: list[object]) -> None:
    path = written(tmp_path / "m.json", *shapes)
    try:
        assert read_mask(path, SIZE).any()
    except InputError as error:
        assert str(error).startswith("the mask")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="not a regular file"):
        read_mask(tmp_path / "pipe.json", SIZE)
