"""Whether scans whose structures align belong to one group: a check of mmotu_groups.csv that needs no eyes.

    python -m benchmarks.aligned_scans MMOTU_DIR

SIFT keypoints of the lesion and its surroundings, on grey with flow, text and calipers left out, are matched
in every pair of scans of one class, however far apart in number, and in neighbours of any class. A pair
aligns where one similarity transform (RANSAC) carries many keypoints of one scan onto those of the other.
Takes some minutes.
"""

import argparse
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from trainer.data.mmotu import MmotuImage, MmotuLayout, find_layout, read_split
from trainer.data.picture import decode_picture
from trainer.terminal.progress import track

HEIGHT = 300  # of a scan in which keypoints are sought, px
SURROUNDINGS = 30  # px around the lesion
TOLERANCE = 5  # px that an aligned keypoint may lie off
NEIGHBOURS = 6
FAR = 20
STEPS = (6, 8, 10, 15, 30)
Keypoints = tuple[NDArray[np.float32], NDArray[np.float32]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a copy of MMOTU")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    entries, layout = read_split(), find_layout(options.data)
    found = {entry.image: keypoints(layout, entry) for entry in track(entries, "keypoints")}
    pairs = [
        (a, b) for a, b in combinations(entries, 2) if a.label == b.label or b.image - a.image <= NEIGHBOURS
    ]
    aligned = {}
    for a, b in track(pairs, "aligning"):
        cv2.setRNGSeed(a.image * 10_000 + b.image)
        if count := count_aligned(found[a.image], found[b.image]):
            aligned[a, b] = count
    console = Console()
    columns = ("keypoints aligned", "pairs", "one lesion", "one examination", "far pairs", "one examination")
    table = Table(*columns, title=f"{len(pairs)} pairs")
    for least in STEPS:
        these = [pair for pair, count in aligned.items() if count >= least]
        far = [(a, b) for a, b in these if b.image - a.image > FAR]
        table.add_row(
            f"{least} or more",
            str(len(these)),
            _share([a.lesion == b.lesion for a, b in these]),
            _share([a.examination == b.examination for a, b in these]),
            str(len(far)),
            _share([a.examination == b.examination for a, b in far]),
        )
    console.print(table)
    apart = [
        f"{a.image}/{b.image} ({count})"
        for (a, b), count in aligned.items()
        if count >= STEPS[0] and a.examination != b.examination
    ]
    console.print("aligned, but in two examinations:", ", ".join(apart) or "none")


def keypoints(layout: MmotuLayout, entry: MmotuImage) -> Keypoints:
    """Places (N, 2), x and y in px of a scan HEIGHT high, and RootSIFT descriptors (N, 128)."""
    pixels = decode_picture(layout.image(entry).read_bytes(), cv2.IMREAD_COLOR)
    mask = decode_picture(layout.mask(entry).read_bytes(), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None and mask is not None
    width = round(pixels.shape[1] * HEIGHT / pixels.shape[0])
    pixels = cv2.resize(pixels, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    lesion = cv2.resize((mask > 0).astype(np.uint8), (width, HEIGHT), interpolation=cv2.INTER_NEAREST)
    grey = pixels.min(axis=2)  # flow, yellow text and calipers are dark in one of the colours
    coloured = (pixels.max(axis=2).astype(int) - grey > 60).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SURROUNDINGS + 1,) * 2)
    tissue = cv2.erode((cv2.blur(grey, (9, 9)) > 12).astype(np.uint8), np.ones((7, 7), np.uint8)) | lesion
    looked_at = cv2.dilate(lesion, disc) * tissue * (1 - cv2.dilate(coloured, np.ones((9, 9), np.uint8)))
    looked_at[:34] = looked_at[:, :14] = looked_at[:, -14:] = 0  # machine's text and bars
    sift = cv2.SIFT_create(nfeatures=400, contrastThreshold=0.015)
    places, descriptors = sift.detectAndCompute(cv2.GaussianBlur(grey, (0, 0), 1.2), looked_at * 255)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return np.array([place.pt for place in places], np.float32), root.astype(np.float32)


def count_aligned(first: Keypoints, second: Keypoints) -> int:
    """How many keypoints one similarity transform, of a scale from one half to 2, carries over."""
    if min(len(first[0]), len(second[0])) < 6:
        return 0
    alike = first[1] @ second[1].T
    best, rows = alike.argmax(axis=1), np.arange(len(alike))
    nearest = alike[rows, best]
    mutual = alike.argmax(axis=0)[best] == rows
    alike[rows, best] = -1
    clear = (1 - nearest) < 0.75 * (1 - alike.max(axis=1))
    chosen = mutual & clear
    if chosen.sum() < STEPS[0]:
        return 0
    matrix, inside = cv2.estimateAffinePartial2D(
        first[0][chosen],
        second[0][best[chosen]],
        method=cv2.RANSAC,
        ransacReprojThreshold=TOLERANCE,
        maxIters=200,
    )
    if matrix is None or not 0.5 < np.hypot(matrix[0, 0], matrix[1, 0]) < 2:
        return 0
    return int(inside.sum())


def _share(values: list[bool]) -> str:
    return f"{100 * np.mean(values):.1f} %" if values else "-"


if __name__ == "__main__":
    main()
