"""What preparation makes of each image of MMOTU, as digests: whether two trainings saw the same pictures.

    python -m trainer.data.prepared_record MMOTU

writes mmotu_prepared.csv again. Do so, and train again, when the preparation changes.
"""

import csv
import hashlib
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from scanside.image import Size
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import cut, fill, prepare_mask
from trainer.data.mmotu import MmotuImage, MmotuLayout, find_layout, name_image, read_frame, read_split
from trainer.terminal.progress import track

RECORD = "mmotu_prepared.csv"
SIZES = (Size(168, 272), Size(336, 544))  # of the default model, and of the thesis


def digest_scan(layout: MmotuLayout, entry: MmotuImage) -> str:
    """Digest one scan: 16 digits of the SHA-256 of its box, grey, chroma, and its inputs and masks of SIZES.

    Raises:
        InputError: a file is missing or damaged.
    """
    frame, lesion = read_frame(layout, entry, hashlib.sha256())
    with name_image(layout.image(entry)):
        tissue = cut(frame, find_regions(Dataset(), frame.size)[0], chroma=True)
    digest = hashlib.sha256(repr(tuple(tissue.origin.box)).encode())
    planes = [tissue.pixels] if tissue.chroma is None else [tissue.pixels, tissue.chroma]
    for array in planes:
        digest.update(np.ascontiguousarray(array).data)
    for size in SIZES:
        for array in planes:
            digest.update(np.rint(fill(array, size) * 255).astype(np.uint8).data)
        digest.update(np.ascontiguousarray(prepare_mask(lesion, tissue.origin, size)).data)
    return digest.hexdigest()[:16]


def read_record() -> dict[int, str]:
    """Read the committed digest of each image, by its number."""
    with files(__package__).joinpath(RECORD).open() as file:
        return {int(row["image"]): row["digest"] for row in csv.DictReader(file)}


def compute_prepared_fingerprint() -> str:
    """Compute the SHA-256 over the committed digests of all images, the name of the prepared set."""
    return hashlib.sha256("".join(digest for _, digest in sorted(read_record().items())).encode()).hexdigest()


def write_record(root: Path, path: Path) -> None:
    """Prepare all images of the copy at `root` and write their digests to `path`.

    Raises:
        InputError: a file is missing or damaged.
    """
    layout = find_layout(root)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("image", "digest"))
        for entry in track(sorted(read_split(), key=lambda entry: entry.image), "preparing MMOTU"):
            writer.writerow((entry.image, digest_scan(layout, entry)))


if __name__ == "__main__":
    write_record(Path(sys.argv[1]), Path(__file__).with_name(RECORD))
    print(compute_prepared_fingerprint())
