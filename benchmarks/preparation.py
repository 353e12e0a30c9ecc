"""How well and how fast the sector is found, on synthetic screens of which everything is known.

    python -m benchmarks.preparation --count 400

The peer is the plain way: a fixed threshold on the whole frame and its largest contour, filled. Both see the
same screens in the same run. With two views each sector counts; the peer's one contour is held against both.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from scanside.errors import NoTissue
from scanside.image import Box, Frame, Grey, Mask, Size
from scanside.scan.prepare import cut, fill, separate, to_grey
from scanside.scan.resize import resize
from scanside.scan.sector.views import find_sectors
from scanside.scan.types import Region, RegionSource
from tests.synth import consoles

INPUT = Size(336, 544)
INPUTS = (INPUT, Size(168, 272))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="screens (400)")
    parser.add_argument("--first", type=int, default=70_000, help="seed of the first (70000)")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    screens = range(args.first, args.first + args.count)
    ours, plain, leaks, shapes = [], [], {"ours": [], "plain": []}, []
    for seed in screens:
        made = consoles.make_console(seed)
        grey = to_grey(made.pixels)
        found, peer = _sectors(find_sectors, grey), _sectors(plain_sectors, grey)
        ours += _ious(found, made.sectors)
        plain += _ious(peer, made.sectors)
        shapes += [made.shape.value] * len(made.sectors)
        leaks["ours"].append(_left_in_input(made))
        leaks["plain"].append(int((np.any(peer, axis=0) & made.identity).sum()) if peer else 0)
    table = Table("", "median", "5th percentile", title=f"IoU of the sectors of {args.count} screens")
    for shape in sorted(set(shapes)):
        here = [iou for iou, of in zip(ours, shapes, strict=True) if of == shape]
        table.add_row(shape, f"{np.median(here):.3f}", f"{np.percentile(here, 5):.3f}")
    for name, ious in (("all", ours), ("all, plain contour", plain)):
        table.add_row(name, f"{np.median(ious):.3f}", f"{np.percentile(ious, 5):.3f}")
    console = Console()
    console.print(table)
    for name, pixels in leaks.items():
        frames = sum(count > 0 for count in pixels)
        console.print(f"{name}: identity text left in {frames} of {args.count}, {sum(pixels)} px")
    _speed(console)


def plain_sectors(grey: Grey) -> tuple[Mask, ...]:
    """The largest contour of what is brighter than 10."""
    contours, _ = cv2.findContours((grey > 10).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(contours, key=cv2.contourArea)
    return (cv2.drawContours(np.zeros_like(grey), [largest], -1, 1, cv2.FILLED) > 0,)


def _sectors(find: Callable[[Grey], tuple[Mask, ...]], grey: Grey) -> tuple[Mask, ...]:
    try:
        return find(grey)
    except NoTissue:
        return ()


def _ious(found: tuple[Mask, ...], truth: tuple[Mask, ...]) -> list[float]:
    """Of each true sector with what overlaps it best."""
    return [
        max((float((mask & true).sum() / (mask | true).sum()) for mask in found), default=0.0)
        for true in truth
    ]


def _left_in_input(made: consoles.Console) -> int:
    """Pixels of identity text that are not black in what a network's input is filled from."""
    frame = Frame(made.pixels)
    whole = Region(Box(0, 0, frame.size.width, frame.size.height), RegionSource.CONTOUR)
    left = 0
    try:
        for region in separate(frame, whole):
            tissue = cut(frame, region)
            box = tissue.origin.box
            left += int((made.identity[box.y0 : box.y1, box.x0 : box.x1] & (tissue.pixels > 0)).sum())
    except NoTissue:
        pass
    return left


def _speed(console: Console) -> None:
    made = consoles.make_console(7, views=1, size=Size(768, 1024))
    frame = Frame(np.asarray(to_grey(made.pixels)))
    region = Region(Box(0, 0, 1024, 768), RegionSource.CONTOUR)
    table = Table("ms for a frame of 1024 x 768, one core", "p50")
    scan = np.random.default_rng(0).integers(0, 256, (700, 900), np.uint8)
    steps: dict[str, Callable[[], object]] = {
        "contour": lambda: find_sectors(frame.pixels),
        "contour, cut and fill": lambda: fill(cut(frame, region).pixels, INPUT),
        "plain contour": lambda: plain_sectors(frame.pixels),
        **{
            f"shrink 700 x 900 to {size.height} x {size.width}": partial(resize, scan, size)
            for size in INPUTS
        },
        **{
            f"the same with INTER_AREA, {size.height} x {size.width}": partial(_area, scan, size)
            for size in INPUTS
        },
    }
    for name, step in steps.items():
        times = []
        for _ in range(60):
            start = time.process_time()  # of the processor: other work beside counts little
            step()
            times.append(time.process_time() - start)
        table.add_row(name, f"{1e3 * np.median(times):.1f}")
    console.print(table)


def _area(scan: Grey, size: Size) -> object:
    """OpenCV's averaging, which is not equal on every processor."""
    return cv2.resize(scan, (size.width, size.height), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
