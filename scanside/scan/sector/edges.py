"""A sector's edges: the few straight lines and arcs that most of its outline agrees on.

Text that touches the tissue, a shadow or a cyst at the edge bend the outline, but no line or arc goes along
with them. So the outline's points vote for edges (RANSAC, Fischler and Bolles, CACM 1981, with fixed instead
of random candidates: the same outline gives the same edges).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask, Size

Values = NDArray[np.float32]
Points = NDArray[np.float32]  # (N, 2): x, y

_TOLERANCE_PX = 1.0  # a point this near votes for an edge
_OUTSIDE_COSTS = 1.5  # votes that a point beyond an edge takes away
_MIN_VOTES = 0.05  # share of the outline's points that an edge needs
_FEW_VOTES = 0.03  # share of the points: a fit to fractions of a pixel may cost as many
_MIN_FACE = 0.08  # and of those that no other edge explains, for a probe's face
_FACE_DEPTH = 0.32  # of the outline's height: what reaches deeper is a cyst below the probe
_APEX_PX = 3.0  # from a face's centre, up to which sides run towards it
_ON_A_LINE = 1e-9  # of the product of the points' variances along x and y
_MAX_EDGES = 7  # two sides, two arcs, and where the screen cuts them
_SIDE_POINTS = 120  # that vote, as seen from one side
_SPANS = (12, 6, 4, 3)  # candidates go through points this part of one side of the outline apart
_STARTS = 16  # candidates a side and span


@dataclass(frozen=True)
class Edges:
    """K lines and arcs.

    Attributes:
        x, y: (K,) an arc's centre, or a line's unit normal.
        r: (K,) an arc's radius, or a line's distance from the origin along its normal.
        line: (K,) bool.
        sign: (K,) 1 where the tissue lies within the arc or short of the line, -1 where beyond it.
    """

    x: Values
    y: Values
    r: Values
    line: NDArray[np.bool_]
    sign: Values

    def outside(self, points: Points) -> Values:
        """How far outside of each edge the points lie: (K, N), pixels; negative inside."""
        px, py = points[:, 0], points[:, 1]
        x, y, r, sign = (values[:, None] for values in (self.x, self.y, self.r, self.sign))
        line, arc = self.line, ~self.line
        along = np.empty((len(self.r), len(points)), np.float32)
        along[line] = x[line] * px + y[line] * py
        along[arc] = np.sqrt((px - x[arc]) ** 2 + (py - y[arc]) ** 2)  # several times as fast as hypot
        return np.asarray(sign * (along - r), np.float32)

    def take(self, index: NDArray[np.intp] | list[int]) -> "Edges":
        return Edges(self.x[index], self.y[index], self.r[index], self.line[index], self.sign[index])

    def join(self, other: "Edges") -> "Edges":
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("x", "y", "r", "line", "sign"))
        return Edges(*(np.concatenate(pair) for pair in pairs))


def find_edges(sides: list[Points], inner: Points) -> Edges:
    """The edges of one sector.

    Args:
        sides: the outline as seen from above, below, left and right, each in order.
        inner: (1, 2) a point well inside.
    """
    lines, arcs = _candidates(sides, inner)
    convex = lines.join(arcs.take(np.flatnonzero(arcs.sign > 0)))
    points = np.concatenate([_thinned(side) for side in sides])
    chosen = _vote(convex, points, _MAX_EDGES, _MIN_VOTES)
    # What no edge explains is looked at whole: a face may be short.
    bays = [side[(chosen.outside(side) <= -_TOLERANCE_PX).all(axis=0)] for side in sides]
    _, arcs = _candidates(bays, inner)
    hollow = arcs.take(np.flatnonzero(arcs.sign < 0))
    hollow = hollow.take(np.flatnonzero(_are_faces(hollow, chosen) & _are_shallow(hollow, points)))
    return _refined(chosen.join(_vote(hollow, np.concatenate(bays), 1, _MIN_FACE)), np.concatenate(sides))


def _thinned(side: Points) -> Points:
    step = -(-len(side) // _SIDE_POINTS) or 1
    return side[step // 2 :: step]


def _candidates(sides: list[Points], inner: Points) -> tuple[Edges, Edges]:
    ends = []
    for side in sides:
        for part in _SPANS:
            step = len(side) // part
            first = np.unique(np.linspace(0, len(side) - 1 - step, _STARTS).astype(int))
            if step >= 4 and first[0] >= 0:
                ends.append(np.stack([side[first], side[first + step // 2], side[first + step]]))
    if not ends:
        empty = np.zeros(0, np.float32)
        nothing = Edges(empty, empty, empty, empty.astype(bool), empty)
        return nothing, nothing
    a, b, c = np.concatenate(ends, axis=1)
    return _oriented(_lines(a, c), inner), _oriented(_arcs(a, b, c), inner)


def _oriented(edges: Edges, inner: Points) -> Edges:
    away = edges.outside(inner)[:, 0] > 0
    return Edges(edges.x, edges.y, edges.r, edges.line, np.where(away, -1, 1).astype(np.float32))


def _lines(a: Points, b: Points) -> Edges:
    (dx, dy), length = (b - a).T, np.linalg.norm(b - a, axis=1)
    far = length > 0
    x, y = dy[far] / length[far], -dx[far] / length[far]
    r = x * a[far, 0] + y * a[far, 1]
    return Edges(x, y, r, np.ones(len(r), bool), np.ones(len(r), np.float32))


def _arcs(a: Points, b: Points, c: Points) -> Edges:
    """Through three points each; those with a bend of less than a pixel are lines, and left out."""
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    cross = 2 * (ux * vy - uy * vx)
    bent = abs(cross) > 2 * np.sqrt(vx**2 + vy**2)  # cross / |v| / 2 is the height of b over the chord
    ux, uy, vx, vy, cross = (values[bent] for values in (ux, uy, vx, vy, cross))
    u2, v2 = ux**2 + uy**2, vx**2 + vy**2
    x, y = (vy * u2 - uy * v2) / cross, (ux * v2 - vx * u2) / cross
    ones = np.ones(len(x), np.float32)
    return Edges(a[bent, 0] + x, a[bent, 1] + y, np.sqrt(x**2 + y**2), ones < 0, ones)


def _vote(edges: Edges, points: Points, most: int, share: float) -> Edges:
    """The edges with the most votes, one after the other; points that one explains vote no more."""
    outside = edges.outside(points)
    weight = _weights(outside)
    left = np.ones(len(points), bool)
    chosen: list[int] = []
    while len(chosen) < most and len(edges.r):
        votes = weight @ left.astype(np.float32)
        best = int(votes.argmax())
        if votes[best] < share * len(points):
            break
        chosen.append(best)
        left &= outside[best] <= -_TOLERANCE_PX
    return edges.take(chosen)


def _weights(outside: Values) -> Values:
    """What each point's vote for each edge is worth."""
    near, beyond = abs(outside) < _TOLERANCE_PX, outside >= _TOLERANCE_PX
    return np.asarray(near - np.float32(_OUTSIDE_COSTS) * beyond, np.float32)


def _are_faces(arcs: Edges, chosen: Edges) -> NDArray[np.bool_]:
    """Which hollow arcs are a probe's face and no cyst at the edge.

    A face shares its centre with the far arc, or the sector's sides run towards its centre.
    """
    centres = np.stack([arcs.x, arcs.y], axis=1)
    sides = chosen.line[:, None] & (abs(chosen.outside(centres)) < _APEX_PX + 0.1 * arcs.r)
    apart = np.sqrt((chosen.x[:, None] - arcs.x) ** 2 + (chosen.y[:, None] - arcs.y) ** 2)
    far = ~chosen.line[:, None] & (apart < 0.1 * chosen.r[:, None])
    return np.asarray(far.any(axis=0) | (sides.sum(axis=0) >= 2), bool)


def _are_shallow(arcs: Edges, points: Points) -> NDArray[np.bool_]:
    """Which hollow arcs reach no further into the outline, from above or below, than a probe's face does."""
    if not len(arcs.r):
        return np.zeros(0, bool)
    top, bottom = points[:, 1].min(), points[:, 1].max()
    reach = np.minimum(arcs.y + arcs.r - top, bottom - (arcs.y - arcs.r))
    return np.asarray(reach < _FACE_DEPTH * (bottom - top), bool)


def _refined(edges: Edges, points: Points) -> Edges:
    """Lines moved by the mean distance of their points, arcs fitted to them: to fractions of a pixel.

    An edge that loses votes by it stays as it was.
    """
    outside = edges.outside(points)
    near = abs(outside) < _TOLERANCE_PX
    shift = (outside * near).sum(axis=1) / np.maximum(near.sum(axis=1), 1)
    x, y, r = edges.x.copy(), edges.y.copy(), edges.r + edges.sign * shift
    for arc in np.flatnonzero(~edges.line):
        own = points[abs(outside[arc]) < 2 * _TOLERANCE_PX].astype(np.float64)
        if (circle := _circle(own[:, 0], own[:, 1])) is not None:
            x[arc], y[arc], r[arc] = circle
    fitted = Edges(x, y, r, edges.line, edges.sign)
    votes = [_weights(values).sum(axis=1) for values in (outside, fitted.outside(points))]
    better = votes[1] > votes[0] - _FEW_VOTES * len(points)
    x, y, r = (np.where(better, *pair) for pair in ((x, edges.x), (y, edges.y), (r, edges.r)))
    return Edges(x, y, r, edges.line, edges.sign)


def _circle(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """Centre and radius of the circle through points, by least squares; None where they lie on a line.

    The normal equations are written out: LAPACK rounds differently from one processor to the next.
    """
    middle_x, middle_y = float(x.mean()), float(y.mean())
    px, py = x - middle_x, y - middle_y
    square = px**2 + py**2
    xx, xy, yy = float((px * px).sum()), float((px * py).sum()), float((py * py).sum())
    xs, ys = float((px * square).sum()), float((py * square).sum())
    determinant = xx * yy - xy * xy
    if determinant <= _ON_A_LINE * xx * yy:
        return None
    a, b = (yy * xs - xy * ys) / determinant / 2, (xx * ys - xy * xs) / determinant / 2
    return middle_x + a, middle_y + b, float(np.sqrt(square.mean() + a * a + b * b))


def fill_edges(edges: Edges, size: Size, scale: float) -> Mask:
    """What lies inside all edges.

    Args:
        edges: in pixels of a picture `scale` times the size of the mask.

    Returns:
        (height, width) bool.
    """
    rows = ((np.arange(size.height) + 0.5) * scale - 0.5).astype(np.float32)
    low, high = np.full(size.height, -1e6), np.full(size.height, 1e6)
    holes = []
    for x, y, r, line, sign in zip(edges.x, edges.y, edges.r, edges.line, edges.sign, strict=True):
        if line:
            with np.errstate(divide="ignore", invalid="ignore"):
                at = (r - y * rows) / x
            if sign * x > 0:
                high = np.minimum(high, at)
            elif sign * x < 0:
                low = np.maximum(low, at)
            else:
                high[sign * (y * rows - r) > 0] = -1e6
            continue
        half = np.sqrt(np.maximum(r**2 - (rows - y) ** 2, 0))
        if sign > 0:
            low, high = np.maximum(low, x - half), np.minimum(high, np.where(half > 0, x + half, -1e6))
        else:
            holes.append((x - half, x + half))
    columns = np.arange(size.width, dtype=np.int16)
    first, last = (_column(v, size.width, scale) for v in (low, high))
    mask = (columns >= first[:, None]) & (columns <= last[:, None])
    for left, right in holes:
        a, b = (_column(v, size.width, scale)[:, None] for v in (left, right))
        mask &= (columns <= a) | (columns >= b)
    return np.asarray(mask, bool)


def _column(x: NDArray[np.float64], width: int, scale: float) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.rint((x + 0.5) / scale - 0.5), -1, width), np.int16)
