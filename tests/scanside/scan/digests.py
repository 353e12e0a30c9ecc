"""Print the digests of what preparation makes of files, as JSON: to compare kinds of processors.

    python -m tests.scanside.scan.digests FILES

Needs numpy, OpenCV and the codecs alone, so that it runs where nothing else can be installed.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.deidentify.pixels import blank_outside_tissue
from scanside.errors import NotScorable
from scanside.image import Frame, Size
from scanside.scan.instance import open_instance
from scanside.scan.prepare import cut, fill, find_scans, prepare_mask

SIZES = (Size(84, 136), Size(168, 272), Size(336, 544))


def digests(path: Path) -> list[str]:
    """Of each scan in the first frame: pixels, colour, each filled input, a mask; or why there is none."""
    try:
        frame, header = _opened(path)
        scans = [cut(frame, region, chroma=True) for region in find_scans(header, frame)]
        found = [_digest(frame.pixels), _digest(blank_outside_tissue(frame, header))]
    except NotScorable as reason:
        return [str(reason).replace(str(path), path.name)]
    for scan in scans:
        arrays = [scan.pixels, *([] if scan.chroma is None else [scan.chroma])]
        arrays += [fill(array, size) for array in tuple(arrays) for size in SIZES]
        bright = np.zeros(frame.size, bool)
        box = scan.origin.box
        bright[box.y0 : box.y1, box.x0 : box.x1] = scan.pixels > 60
        arrays += [prepare_mask(bright, scan.origin, size, above) for size in SIZES for above in (0.25, 0.5)]
        found += [str(tuple(box)), *map(_digest, arrays)]
    return found


def _opened(path: Path) -> tuple[Frame, Dataset]:
    if path.suffix == ".JPG":
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        return Frame(np.asarray(pixels, np.uint8)), Dataset()
    instance = open_instance(path)
    return instance.frame(0), instance.header


def _digest(array: NDArray[np.generic]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({Path(path).name: digests(Path(path)) for path in sys.argv[1:]}, indent=1))
