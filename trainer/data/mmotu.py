"""MMOTU's 2D set (OTU_2d; Zhao et al., arXiv:2207.06799): 1,469 transvaginal scans, masks, 8 classes."""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset as Header

from scanside.assess.denoise import Denoiser
from scanside.errors import InputError, NoTissue, UnlikeTraining
from scanside.image import Frame, Mask, Size
from scanside.regular_file import read_regular
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import prepare, prepare_mask
from trainer.data.picture import decode_picture
from trainer.terminal.progress import track

CLASSES = (
    "chocolate cyst",
    "serous cystadenoma",
    "teratoma",
    "theca cell tumor",
    "simple cyst",
    "normal ovary",
    "mucinous cystadenoma",
    "high-grade serous cystadenocarcinoma",
)
MALIGNANT = 7
FOLDS = 5
SplitName = Literal["grouped", "official"]
DENOISED = "denoised.json"  # beside the images of a copy that `trainer denoise` wrote: what was done to them
SOURCE = "MMOTU OTU_2d (Zhao et al., arXiv:2207.06799, Beijing Shijitan Hospital)"


@dataclass(frozen=True)
class MmotuImage:
    """One image, its place in the official split (mmotu_split.csv) and its groups (mmotu_groups.csv).

    Attributes:
        image: number of the image, 1 to 1469.
        label: index into CLASSES.
        part: "train" (the official training set), "validation" or "test" (halves of the official val).
        official_fold: 0 to 4 within "train"; -1 elsewhere. These folds part lesions. The bundle of version
            0.1.0 was trained on them, and they serve nothing else.
        near_duplicate: an image outside "train" that has a near-duplicate inside. Far more show a lesion that
            is also in "train": `find_leaking` names them.
        lesion, examination: numbers that scans of one lesion, and of one examination, share.
        fold: 0 to 4; examinations lie whole in one.
    """

    image: int
    label: int
    part: str
    official_fold: int
    near_duplicate: bool
    lesion: int
    examination: int
    fold: int


@dataclass(frozen=True)
class PreparedScans:
    """Images as the network sees them.

    Attributes:
        entries: which images, in order.
        scans: (N, H, W) uint8.
        masks: (N, H, W) bool, the lesion.
        fingerprint: SHA-256 over the source files.
        removed: (N,) float64, the share of the scan that a denoiser took for annotations and replaced; 0
            without one, NaN where it was too much to be believed: the edge scores no such scan, and here it
            stays as it was.
    """

    entries: tuple[MmotuImage, ...]
    scans: NDArray[np.uint8]
    masks: Mask
    fingerprint: str
    removed: NDArray[np.float64]

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.array([entry.label for entry in self.entries], np.int64)


def read_split() -> tuple[MmotuImage, ...]:
    """Read all 1,469 images. trainer/data/split.py and folds.py say how parts and folds were made."""
    groups = {row["image"]: row for row in _read_rows("mmotu_groups.csv")}
    return tuple(
        MmotuImage(
            image=int(row["image"]),
            label=int(row["label"]),
            part=row["part"],
            official_fold=int(row["official_fold"]),
            near_duplicate=row["near_duplicate"] == "1",
            lesion=int(groups[row["image"]]["lesion"]),
            examination=int(groups[row["image"]]["examination"]),
            fold=int(groups[row["image"]]["fold"]),
        )
        for row in _read_rows("mmotu_split.csv")
    )


def read_labels() -> dict[int, int]:
    """Read the index of the class of each image."""
    return {int(row["image"]): int(row["label"]) for row in _read_rows("mmotu_split.csv")}


def find_leaking(entries: Iterable[MmotuImage]) -> frozenset[int]:
    """Find the images outside the official training set whose lesion is also inside it."""
    entries = tuple(entries)
    inside = {entry.lesion for entry in entries if entry.part == "train"}
    return frozenset(e.image for e in entries if e.part != "train" and e.lesion in inside)


def choose_part(entry: MmotuImage, split: SplitName, test_fold: int = 0) -> str:
    """Choose the part that `entry` has in an experiment: "train", "validation" or "test".

    Args:
        split: "grouped" keeps examinations together: `test_fold` is the test part, the fold after it the
            validation part, the other three train. "official" is that of the data set's authors, with
            its val set halved; it leaks.
    """
    if split == "official":
        return entry.part
    return {test_fold: "test", (test_fold + 1) % FOLDS: "validation"}.get(entry.fold, "train")


def _read_rows(name: str) -> Iterator[dict[str, str]]:
    with files(__package__).joinpath(name).open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def find_image(root: Path, image: int) -> Path:
    """Find the path of one image of the copy at `root`, in the first of the two layouts."""
    return root / "images" / f"{image}.JPG"


@dataclass(frozen=True)
class MmotuLayout:
    """Where a copy keeps its files.

    Attributes:
        root: the folder that holds images/ and annotations/; or train/ and test/, as figshare has it.
        figshare: which of the two.
    """

    root: Path
    figshare: bool

    def image(self, entry: MmotuImage) -> Path:
        if not self.figshare:
            path = find_image(self.root, entry.image)
            without_annotations = path.with_suffix(".PNG")  # what `trainer denoise` writes
            return without_annotations if without_annotations.exists() else path
        return (
            self.root
            / ("train/train_image" if entry.part == "train" else "test/image")
            / f"{entry.image}.JPG"
        )

    def mask(self, entry: MmotuImage) -> Path:
        """Not 0 where the lesion is."""
        if not self.figshare:
            return self.root / "annotations" / f"{entry.image}_binary.PNG"
        folder = "train/train_label/label" if entry.part == "train" else "test/label/black_write"
        return self.root / folder / f"{entry.image}.PNG"

    def coloured_mask(self, entry: MmotuImage) -> Path | None:
        """Its colour is the class; only in the first layout."""
        return None if self.figshare else self.root / "annotations" / f"{entry.image}.PNG"


def find_layout(root: Path) -> MmotuLayout:
    """Find which layout the copy at `root` has.

    Raises:
        InputError: neither.
    """
    if (root / "images").is_dir():
        return MmotuLayout(root, figshare=False)
    for folder in (root, root / "OTU_2D", root / "dataset" / "OTU_2D"):
        if (folder / "train" / "train_image").is_dir():
            return MmotuLayout(folder, figshare=True)
    raise InputError(
        f"MMOTU is incomplete: {root} holds neither images/ and annotations/ nor train/train_image/. "
        "Give the folder of its 2D set."
    )


def prepare_scans(
    root: Path,
    entries: Iterable[MmotuImage],
    size: Size,
    what: str,
    mask_above: float = 0.5,
    denoiser: Denoiser | None = None,
) -> PreparedScans:
    """Read `entries` from the copy of MMOTU at `root` and prepare them as the edge does.

    Args:
        what: named by the progress bar.
        mask_above: share of a pixel from which on a resized mask is lesion.
        denoiser: takes the annotations out of each scan first.

    Raises:
        InputError: a file is missing or damaged.
    """
    entries = tuple(entries)
    scans = np.zeros((len(entries), *size), np.uint8)
    masks = np.zeros((len(entries), *size), bool)
    removed = np.zeros(len(entries))
    layout = find_layout(root)
    digest = hashlib.sha256()
    for row, entry in enumerate(track(entries, f"preparing {what}")):
        frame, lesion = read_frame(layout, entry, digest)
        with name_image(layout.image(entry)):
            scan = prepare(frame, find_regions(Header(), frame.size)[0], size, chroma=denoiser is not None)
        if denoiser is not None:
            try:
                denoised = denoiser.remove(scan)
                scan, removed[row] = denoised.scan, denoised.share
            except UnlikeTraining:
                removed[row] = np.nan
        scans[row] = np.rint(scan.pixels * 255)
        masks[row] = prepare_mask(lesion, scan.origin, size, mask_above)
    return PreparedScans(entries, scans, masks, digest.hexdigest(), removed)


def read_frame(layout: MmotuLayout, entry: MmotuImage, digest: "hashlib._Hash") -> tuple[Frame, Mask]:
    """Read one image in RGB, and (H, W) bool, its lesion; `digest` takes both files in.

    Raises:
        InputError: a file is missing or damaged, or the mask is of another size than the image.
    """
    pixels = _decode(layout.image(entry), cv2.IMREAD_COLOR, digest)
    lesion = _decode(layout.mask(entry), cv2.IMREAD_GRAYSCALE, digest)
    if lesion.shape != pixels.shape[:2]:
        raise InputError(f"{layout.mask(entry)} is not of the size of its image. Get a fresh copy of both.")
    return Frame(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)), np.asarray(lesion > 0, bool)


def is_denoised(root: Path) -> bool:
    """Return whether the copy at `root` says that annotations were removed from it."""
    return (root / DENOISED).exists()


@contextmanager
def name_image(path: Path) -> Iterator[None]:
    """Name the image in which no scan is found.

    Raises:
        InputError: instead of NoTissue.
    """
    try:
        yield
    except NoTissue as error:
        raise InputError(
            f"{path} holds no scan: {error}. Get a fresh copy of it, or make it again."
        ) from error


def compute_fingerprint(root: Path) -> str:
    """Compute the SHA-256 over all images and masks of the copy at `root`, in the order of the split.

    Raises:
        InputError: a file is missing.
    """
    layout, digest = find_layout(root), hashlib.sha256()
    for entry in read_split():
        _read(layout.image(entry), digest)
        _read(layout.mask(entry), digest)
    return digest.hexdigest()


def _read(path: Path, digest: "hashlib._Hash") -> bytes:
    try:
        content = read_regular(path)
    except OSError as error:
        raise InputError(
            f"MMOTU is incomplete: {path} can't be read ({error.strerror}). "
            "See what is wrong: trainer prepare mmotu DIR."
        ) from error
    digest.update(content)
    return content


def _decode(path: Path, flags: int, digest: "hashlib._Hash") -> NDArray[np.uint8]:
    pixels = decode_picture(_read(path, digest), flags)
    if pixels is None:
        raise InputError(f"{path} is not an image that can be decoded. Get a fresh copy of it.")
    return pixels
