"""Which drawn mask belongs to which image: by file name, else by the name of the image that Labelme noted.

A mask is used only where there is no doubt; a mask on the wrong image would be worse than none.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scanside.errors import InputError
from trainer.prepare.labelme import read_document
from trainer.prepare.tree import list_tree

UNNUMBERED = 0  # the only frame of an image; no frame of a cine
_SUFFIXES = {".dcm", ".dicom", ".ima", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".json"}
_NUMBERED = re.compile(r"(.+)[_-](\d{1,6})")


@dataclass(frozen=True)
class Unused:
    """A mask file without an image.

    Attributes:
        path: of the mask; may hold a name, so it stays out of the dataset.
        reason: says nothing of a patient.
    """

    path: Path
    reason: str


def match_masks(
    folder: Path, images: Sequence[PurePosixPath]
) -> tuple[dict[PurePosixPath, dict[int, Path]], list[Unused]]:
    """Give each Labelme file under `folder` its image and frame.

    "scan.json" is drawn on "scan.dcm"; "scan_12.json" on frame 12 of it, counted from 1. Of several images
    of that name, it is the one in the folder of the same relative path.

    Args:
        images: paths relative to their root.

    Returns:
        By image and frame number (UNNUMBERED where the mask names none), and what fits no image.
    """
    named: dict[str, list[PurePosixPath]] = defaultdict(list)
    for image in images:
        named[_take_stem(image.name)].append(image)
    claims: dict[tuple[PurePosixPath, int], list[Path]] = defaultdict(list)
    unused = []
    for path in list_tree(folder)[0]:
        if path.suffix.lower() != ".json":
            continue
        try:
            claims[_find_image(path, PurePosixPath(path.relative_to(folder).as_posix()), named)].append(path)
        except InputError as error:
            unused.append(Unused(path, str(error)))
    matched: dict[PurePosixPath, dict[int, Path]] = defaultdict(dict)
    for (image, frame), paths in claims.items():
        if len(paths) == 1:
            matched[image][frame] = paths[0]
        else:
            unused += [Unused(path, "several masks claim the same frame") for path in paths]
    return matched, unused


def _find_image(
    path: Path, relative: PurePosixPath, named: dict[str, list[PurePosixPath]]
) -> tuple[PurePosixPath, int]:
    for name, frame in _list_names(path):
        images = named.get(name, [])
        beside = [image for image in images if image.parent == relative.parent] or images
        if len(beside) == 1:
            return beside[0], frame
        if beside:
            raise InputError("the mask fits several images of the same name")
    raise InputError("the mask fits no image")


def _list_names(path: Path) -> Iterator[tuple[str, int]]:
    yield from _split_number(_take_stem(path.name))
    noted = read_document(path).get("imagePath")
    if isinstance(noted, str):
        yield from _split_number(_take_stem(re.split(r"[\\/]", noted)[-1]))


def _split_number(stem: str) -> Iterator[tuple[str, int]]:
    """Return the whole name first: "IM_0001" is more often an image than frame 1 of "IM"."""
    yield stem, UNNUMBERED
    if numbered := _NUMBERED.fullmatch(stem):
        yield numbered[1], int(numbered[2])


def _take_stem(name: str) -> str:
    """Take off what names the kind of file; "1.2.840.1", a UID, has no suffix."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _SUFFIXES else name
