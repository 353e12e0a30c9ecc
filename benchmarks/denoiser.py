"""What is left under annotations: the edge's denoiser beside OpenCV's inpainting, on held-out real scans.

    SCANSIDE_DATA=DIR python -m benchmarks.denoiser --denoiser BUNDLE

Annotations are drawn onto labelled scans of MMOTU's test part, before these are encoded as JPEG. PSNR is that
of the squared error pooled over the true annotation pixels, the same pixels for every row, in one run. OpenCV
gets the radius, and the width by which its mask grows, that suit it best on the first of these very pairs.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from export.to_onnx import denoiser_to_onnx
from scanside.assess.denoise import Denoiser
from scanside.errors import UnlikeTraining
from scanside.image import Box, Mask, Size
from scanside.model.bundle import DEFAULT_BUNDLE, DENOISER, NETWORK, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.scan.types import Crop, RegionSource, Scan
from trainer.annotations.annotate import KINDS
from trainer.data.mmotu import read_split
from trainer.denoiser import checkpoint, whole
from trainer.denoiser.figures import WHERE, Detection, Restoration, measure_detection, measure_restoration
from trainer.denoiser.labels import read_labels
from trainer.denoiser.pairs import ScanPair, stack_pairs
from trainer.denoiser.ready import is_bundle, open_denoiser
from trainer.denoiser.sources import Sources, make_pairs, read_part, read_sources
from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate, estimate_proportion
from trainer.statistics.figures import make_ratio_figure

Scans = NDArray[np.float32]
Sums = TypeVar("Sums", Restoration, Detection)

INSIDE = WHERE.index("inside")
SEED = 77  # of what is drawn; no training uses it
METHODS = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}
SETTINGS = tuple(product((2, 3, 5), (0, 1, 2)))  # radius, width by which the mask grows; px
TUNED_ON = 24  # pairs
BY_KIND = 12  # scans
FLOW_CHROMA = 60  # max - min of R, G, B, of 255: colours of flow; tinted tissue has less
WARM_UP, TURNS = 5, 40


def main() -> None:
    args = _arguments()
    if "SCANSIDE_DATA" not in os.environ:
        sys.exit("Set SCANSIDE_DATA to the folder that holds mmotu/.")
    root = Path(os.environ["SCANSIDE_DATA"]) / "mmotu"
    console, denoiser = Console(width=130), open_denoiser(args.denoiser).denoiser
    sources = read_part(root, "test", args.count)
    for size in args.size:
        pairs = stack_pairs(make_pairs(sources, [size] * args.turns, SEED))
        _quality(pairs, len(sources.scans), size, denoiser, args.thesis, console)
    _by_kind(sources, args.size[0], denoiser, console)
    _flow(sources, args.size[0], denoiser, console)
    _false_alarms(root, denoiser, args.size[0], console)
    _cost(args.denoiser, console)


def _quality(
    pairs: ScanPair, count: int, size: Size, denoiser: Denoiser, thesis: Path | None, console: Console
) -> None:
    title = f"{len(pairs.scan)} pairs of {count} held-out scans, {size.height} x {size.width} px"

    def judged(clean: Scans) -> Restoration:
        return by_scan(measure_restoration(clean, pairs), count)

    scans = np.asarray(pairs.scan / np.float32(255), np.float32)
    masks, painted, refused = remove(pairs, denoiser)
    edge = judged(painted)
    columns = ("under annotations", "PSNR, dB", "95 % interval", "edge denoiser ahead by, dB", "settings")
    table = Table(*columns, title=title)
    _row(table, "input, untouched", judged(scans), edge)
    for whose, given in (("true mask", pairs.mask), ("detector's mask", masks)):
        for name, method in METHODS.items():
            radius, grown = min(SETTINGS, key=lambda s, g=given, m=method: _error(pairs, g, m, *s))
            clean = inpaint(pairs.scan, given, method, radius, grown)
            settings = f"radius {radius} px, mask grown by {grown} px"
            _row(table, f"OpenCV, {name}, {whose}", judged(clean), edge, settings)
    if thesis is not None:
        clean = whole.clean_scans(whole.load(thesis).network(), pairs.scan)
        _row(table, "the thesis's, whole output", judged(clean), edge, thesis.parent.name)
    _row(table, "edge denoiser", edge, None, f"threshold {denoiser.limits.threshold:.2f}")
    console.print(table, f"Refused, since too much seemed annotated: {refused} of {len(pairs.scan)}.")
    grey = remove(replace(pairs, chroma=np.zeros_like(pairs.chroma)), denoiser)[0]
    columns = ("detector, by pixel", "F1", "precision", "recall", "tissue replaced wrongly")
    table = Table(*columns, title=title)
    for name, mask in (("scans in colour", masks), ("the same as grey scans", grey)):
        sums = by_scan(measure_detection(mask, pairs), count)
        table.add_row(name, *map(_shown, (sums.f1, sums.precision, sums.recall, sums.replaced_tissue)))
    console.print(table)


def remove(pairs: ScanPair, denoiser: Denoiser) -> tuple[Mask, Scans, int]:
    """What the edge does with each scan of (N, H, W) pairs.

    Returns:
        (N, H, W) bool, what was replaced; (N, H, W) float32, the scans; how many were refused and are as
        they were.
    """
    masks, refused = np.zeros(pairs.mask.shape, bool), 0
    scans, chroma = (np.asarray(p / np.float32(255), np.float32) for p in (pairs.scan, pairs.chroma))
    size = Size(*scans.shape[1:])
    origin = Crop(Box(0, 0, size.width, size.height), size)
    for row, colour in enumerate(chroma):
        try:
            denoised = denoiser.remove(Scan(scans[row], origin, RegionSource.CONTOUR, chroma=colour))
        except UnlikeTraining:
            refused += 1
        else:
            masks[row], scans[row] = denoised.mask, denoised.scan.pixels
    return masks, scans, refused


def by_scan(sums: Sums, count: int) -> Sums:
    """Add up the pairs of each of `count` scans, drawn in turns: an interval is over scans, not pairs."""
    added = {name: pairs.reshape(*pairs.shape[:-1], -1, count).sum(-2) for name, pairs in vars(sums).items()}
    return type(sums)(**added)


def inpaint(scans: NDArray[np.uint8], masks: Mask, method: int, radius: int, grown: int) -> Scans:
    """(N, H, W) uint8 and bool -> (N, H, W) float32 in [0, 1]; only what lies in the grown mask changes."""
    kernel = np.ones((2 * grown + 1,) * 2, np.uint8)
    clean = np.empty(scans.shape, np.float32)
    for row, (scan, mask) in enumerate(zip(scans, masks, strict=True)):
        clean[row] = cv2.inpaint(scan, cv2.dilate(mask.astype(np.uint8), kernel), radius, method)
    return clean / np.float32(255)


def _error(pairs: ScanPair, masks: Mask, method: int, radius: int, grown: int) -> float:
    """Mean squared error under the annotations of the first pairs."""
    few = slice(TUNED_ON)
    clean = inpaint(pairs.scan[few], masks[few], method, radius, grown)
    wrong = clean - pairs.clean[few] / np.float32(255)
    return float((wrong[pairs.mask[few] & pairs.restorable[few]] ** 2).mean())


def _row(table: Table, name: str, result: Restoration, edge: Restoration | None, settings: str = "") -> None:
    psnr, ahead = result.psnr("inside"), ""
    if edge is not None:  # over the same drawn scans, so what makes a scan hard for both cancels
        ratio = estimate(make_ratio_figure(result.error[INSIDE], edge.error[INSIDE]))
        value, low, high = (10 * np.log10(share) for share in (ratio.value, ratio.low, ratio.high))
        ahead = f"{value:+.2f} ({low:+.2f} to {high:+.2f})"
    table.add_row(name, f"{psnr.value:.2f}", f"{psnr.low:.2f} to {psnr.high:.2f}", ahead, settings)


def _shown(figure: Estimate) -> str:
    return f"{figure.value:.4f} ({figure.reason or f'{figure.low:.4f} to {figure.high:.4f}'})"


def _by_kind(sources: Sources, size: Size, denoiser: Denoiser, console: Console) -> None:
    """One kind at a time, on scans whose own annotations are left out of what is known."""
    scans = tuple(scan for scan in sources.scans if scan.ink is None)[:BY_KIND]
    table = Table(
        "kind alone", "recall", "untouched, dB", "Navier-Stokes, true mask, dB", "edge denoiser, dB"
    )
    table.title = f"{len(scans)} pairs of each kind, {size.height} x {size.width} px"
    for kind in KINDS:
        pairs = stack_pairs(make_pairs(replace(sources, scans=scans), [size], SEED, kind, what=kind))
        masks, painted, _ = remove(pairs, denoiser)
        peer = inpaint(pairs.scan, pairs.mask, cv2.INPAINT_NS, 3, 0)
        ways = (pairs.scan / np.float32(255), peer, painted)
        psnr = (f"{measure_restoration(way, pairs).psnr('inside').value:.2f}" for way in ways)
        table.add_row(kind, f"{measure_detection(masks, pairs).recall.value:.3f}", *psnr)
    console.print(table)


def _flow(sources: Sources, size: Size, denoiser: Denoiser, console: Console) -> None:
    """Doppler's colours are tissue: drawn flow of which nothing should be taken."""
    pairs = stack_pairs(make_pairs(sources, [size], SEED, undrawn=1.0, flow=True, what="pairs with flow"))
    coloured = pairs.known & ~pairs.mask & (pairs.chroma > FLOW_CHROMA)
    taken = remove(pairs, denoiser)[0] & coloured
    share = estimate(
        make_ratio_figure(*(where.sum(axis=(1, 2), dtype=np.float64) for where in (taken, coloured)))
    )
    console.print(f"Of pixels with Doppler's colours taken for annotation: {_shown(share)}")


def _false_alarms(root: Path, denoiser: Denoiser, size: Size, console: Console) -> None:
    """On scans of which a person says that nothing at all is burned in."""
    clean = {label.image for label in read_labels() if label.clean and not label.unsure}
    table = Table("scans labelled clean by eye", "with a false alarm", "95 % interval", "share replaced")
    for name, parts in (
        ("held out: validation, test", ("validation", "test")),
        ("training part", ("train",)),
    ):
        entries = [entry for entry in read_split() if entry.image in clean and entry.part in parts]
        sources = read_sources(root, entries, {}, clean, "clean scans")
        if entries:
            pairs = stack_pairs(make_pairs(sources, [size], SEED, undrawn=1.0, what="clean pairs"))
            masks = remove(pairs, denoiser)[0]
            alarms = estimate_proportion(int(masks.any(axis=(1, 2)).sum()), len(masks))
            count = f"{round(alarms.value * alarms.n)} of {alarms.n}"
            table.add_row(name, count, f"{alarms.low:.3f} to {alarms.high:.3f}", f"{masks.mean():.5f}")
    console.print(table)


def _cost(path: Path, console: Console) -> None:
    """Both networks by turns on one core, so that whatever else the machine does slows both alike."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    size = bundle.manifest.input_size
    runners = {
        "multitask network": OnnxRuntime(bundle.files[NETWORK], threads=1),
        "edge denoiser": OnnxRuntime(_graph(path), threads=1),
    }
    plane = np.random.default_rng(SEED).random((1, 1, *size), dtype=np.float32)
    inputs = {"multitask network": {"scan": plane}, "edge denoiser": {"scan": plane, "chroma": plane}}
    times: dict[str, list[float]] = {name: [] for name in runners}
    for name, runner in (WARM_UP + TURNS) * list(runners.items()):
        start = time.process_time()
        runner.run(inputs[name])
        times[name].append(time.process_time() - start)
    medians = {name: float(np.median(spent[WARM_UP:])) for name, spent in times.items()}
    table = Table(f"one core, {size.height} x {size.width} px", "CPU ms, median", "ratio")
    for name, median in medians.items():
        table.add_row(name, f"{1e3 * median:.1f}", f"{median / medians['multitask network']:.2f}")
    console.print(table)


def _graph(path: Path) -> bytes:
    if is_bundle(path):
        return load_bundle(path, allow_test_only=True).files[DENOISER]
    return denoiser_to_onnx(checkpoint.load(path).network())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    option = parser.add_argument
    option(
        "--denoiser", type=Path, required=True, help="checkpoint of an edge denoiser, or a bundle with one"
    )
    option("--thesis", type=Path, help="checkpoint of a denoiser of whole scans, of `trainer run denoiser`")
    option("--size", type=_size, nargs="+", default=[Size(168, 272), Size(336, 544)], help="168x272 336x544")
    option("--count", type=int, help="scans (all that are labelled)")
    option("--turns", type=int, default=1, help="pairs of each scan (1)")
    return parser.parse_args()


def _size(text: str) -> Size:
    height, _, width = text.partition("x")
    return Size(int(height), int(width))


if __name__ == "__main__":
    main()
