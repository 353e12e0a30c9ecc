"""`trainer prepare mmotu`: what is wrong with a copy of MMOTU's 2D set."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from scanside.errors import InputError
from scanside.regular_file import read_regular
from trainer.data.mmotu import CLASSES, MmotuImage, find_layout, read_split
from trainer.data.picture import decode_picture

# The colour of each class in the annotations, RGB (README of the set).
_COLOURS = (
    *((64, 0, 0), (0, 64, 0), (0, 0, 64), (64, 0, 64)),
    *((64, 64, 0), (64, 64, 64), (0, 128, 0), (0, 0, 128)),
)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        image: its number, 0 for the copy as a whole.
        path: relative to the copy.
        what: in a few words.
    """

    image: int
    path: str
    what: str


def check_copy(root: Path) -> list[Fault]:
    """Look at every image, mask and class list of the copy at `root`.

    Raises:
        InputError: `root` has neither layout.
    """
    layout = find_layout(root)
    entries = read_split()
    faults = [fault for name in ("train", "val") for fault in _check_lists(root, name, entries)]
    for entry in track(entries, "checking", console=Console(stderr=True), transient=True):
        image, mask = layout.image(entry), layout.mask(entry)
        faults += [Fault(entry.image, str(p.relative_to(root)), w) for p, w in _check_pair(image, mask)]
        coloured = layout.coloured_mask(entry)
        if coloured and coloured.exists():  # not every copy has them, and training reads the others
            faults += [
                Fault(entry.image, str(coloured.relative_to(root)), w) for w in _check_colour(coloured, entry)
            ]
    return faults


def print_faults(faults: list[Fault], root: Path, *, as_json: bool) -> None:
    """Print what is wrong: JSON, or a table of the first hundred faults."""
    if as_json:
        print(json.dumps([asdict(fault) for fault in faults], indent=2))
        return
    console = Console()
    if not faults:
        print(f"{root}: all {len(read_split())} images and masks are as they should be.")
        return
    table = Table("image", "file", "what is wrong", title=f"{len(faults)} faults", title_justify="left")
    for fault in faults[:100]:
        table.add_row(str(fault.image or ""), escape(fault.path), escape(fault.what))
    console.print(table)
    for what, number in Counter(fault.what for fault in faults).most_common():
        console.print(f"{number} x {escape(what)}")


def _check_pair(image: Path, mask: Path) -> Iterator[tuple[Path, str]]:
    pixels, lesion = _read_picture(image, cv2.IMREAD_COLOR), _read_picture(mask, cv2.IMREAD_GRAYSCALE)
    for path, content in ((image, pixels), (mask, lesion)):
        if isinstance(content, str):
            yield path, content
    if isinstance(pixels, str) or isinstance(lesion, str):
        return
    if pixels.shape[:2] != lesion.shape:
        yield mask, "not the size of its image"
    if not lesion.any():
        yield mask, "empty mask"


def _check_colour(path: Path, entry: MmotuImage) -> Iterator[str]:
    pixels = _read_picture(path, cv2.IMREAD_COLOR)
    if isinstance(pixels, str):
        yield pixels
        return
    drawn, right = pixels.any(axis=2), (pixels == _COLOURS[entry.label][::-1]).all(axis=2)
    if not drawn.any() or not np.array_equal(drawn, right):
        yield f"not the colour of its class, {CLASSES[entry.label]}"


def _read_picture(path: Path, flags: int) -> NDArray[np.uint8] | str:
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    pixels = decode_picture(content, flags)
    return "not an image that can be decoded" if pixels is None else pixels


def _check_lists(root: Path, name: str, entries: tuple[MmotuImage, ...]) -> Iterator[Fault]:
    """Check the class lists, where the copy has them, against the committed split."""
    path = root / f"{name}_cls.txt"
    if not path.exists():
        return
    stated = _read_labels(path)
    wanted = {e.image: e.label for e in entries if (e.part == "train") == (name == "train")}
    for image in sorted(stated.keys() | wanted.keys()):
        if image not in stated:
            yield Fault(image, path.name, "not in the class list")
        elif image not in wanted:
            yield Fault(image, path.name, "in the class list of another part, or no image of the set")
        elif stated[image] != wanted[image]:
            yield Fault(image, path.name, "another class than the committed split has")


def _read_labels(path: Path) -> dict[int, int]:
    try:
        lines = read_regular(path).decode("ascii").splitlines()
        pairs = [line.split() for line in lines if line.strip()]
        return {int(name.split(".")[0]): int(label) for name, label in pairs}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a class list: lines are like '658.JPG  5'.") from error
