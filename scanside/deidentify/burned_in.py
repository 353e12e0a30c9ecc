"""Text on the tissue of frames: looked for, compared with the header, and what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from scanside.deidentify.identity import Identity
from scanside.deidentify.text import FoundText, TextFinder, dilate, page_of
from scanside.errors import NotScorable
from scanside.image import Grey, Mask

_LOOKS = 4  # what is blacked out uncovers letters that stood beside larger ones, seldom more than once
_UNREAD = "nobody read it"

ReadText = Callable[[Grey], str]  # a page, (H, W) uint8, dark letters on white -> its lines


class WhenText(str, Enum):
    """What becomes of an instance with text on its tissue."""

    BLANK = "blank"
    REFUSE = "refuse"
    KEEP = "keep"


class TextOnTissue(NotScorable):
    """Text lies on the tissue, and it may name the patient."""


@dataclass(frozen=True)
class TextRule:
    """How text is looked for, and what is done with it.

    Attributes:
        finder: says where it is.
        read: says what it is; None where nothing on this machine can.
        when: it is found.
    """

    finder: TextFinder
    read: ReadText | None = None
    when: WhenText = WhenText.BLANK


@dataclass(frozen=True)
class TextSeen:
    """What was found on the tissue, and what is left of it.

    Attributes:
        frames: in how many frames text was found.
        names_patient: whether a word of the header was read in it; None where nobody read it.
        blanked: (H, W) bool, what is black now in each frame.
        is_left: whether text is still there.
    """

    frames: int
    names_patient: bool | None
    blanked: Mask
    is_left: bool

    @property
    def sentence(self) -> str:
        """One line for people; nothing of what was read."""
        if not self.frames:
            return "no text found on tissue"
        where = "1 frame" if self.frames == 1 else f"{self.frames} frames"
        named = {True: ", which may name the patient", False: ", no word of the header read in it", None: ""}
        done = "it was kept" if self.is_left else "it was blacked out"
        unread = f"; {_UNREAD}" if self.names_patient is None else ""
        return f"text on tissue in {where}{named[self.names_patient]}: {done}{unread}"


def clean_text(frames: NDArray[np.uint8], identity: Identity, rule: TextRule) -> TextSeen:
    """Look for text in every frame, and do with it what the rule says.

    What is found in one frame is blacked out in all: text stands still while tissue moves. Then all frames
    are looked at again.

    Args:
        frames: (N, H, W) or (N, H, W, 3) uint8, black where there is no tissue; changed in place.
        identity: who the header is of.

    Raises:
        TextOnTissue: text is found and the rule refuses it, or it can't all be blacked out.
    """
    blanked = np.zeros(frames.shape[1:3], bool)
    first = _look(frames, blanked, identity, rule)
    if not first.frames or rule.when is WhenText.KEEP:
        return TextSeen(first.frames, first.names_patient, blanked, bool(first.frames))
    if rule.when is WhenText.REFUSE:
        raise TextOnTissue(f"{_finding(first)}. Choose to blank it, or leave this image out.")
    found, names_patient = first, first.names_patient
    for _ in range(_LOOKS):
        if found.is_too_much:
            raise TextOnTissue(
                "too much of the scan looks like text or marks to be blacked out. Leave this image out."
            )
        blanked |= found.area
        frames[:, found.area] = 0
        found = _look(frames, blanked, identity, rule)
        names_patient = names_patient or found.names_patient
        if not found.frames:
            return TextSeen(first.frames, names_patient, blanked, False)
    raise TextOnTissue(f"{_finding(found)}, also after blacking out. Leave this image out.")


@dataclass(frozen=True)
class _Look:
    """Text in all frames: in how many, where in any of them, and whether it may name the patient."""

    frames: int
    area: Mask
    names_patient: bool | None
    is_too_much: bool


def _look(frames: NDArray[np.uint8], blanked: Mask, identity: Identity, rule: TextRule) -> _Look:
    area = np.zeros(frames.shape[1:3], bool)
    read = np.zeros(frames.shape[1:3], bool)
    count, names_patient, is_too_much = 0, False, False
    for index, pixels in enumerate(map(np.asarray, frames)):
        found = rule.finder.find(pixels, blanked)
        place = found.text
        # What was read in an earlier frame is the same again. Of the first, single letters are read, too.
        if rule.read and (index == 0 or (found.text & ~read).any()):
            read |= found.text
            if _names_patient(pixels, found, identity, rule.read):
                names_patient = True
                place = found.text if found.text.any() else dilate(found.strokes, 5)
        too_much = found.share > rule.finder.limits.max_share
        is_too_much |= too_much
        count += bool(too_much or place.any())
        area |= place
    return _Look(count, area, names_patient if rule.read else None, is_too_much)


def _names_patient(pixels: NDArray[np.uint8], found: FoundText, identity: Identity, read: ReadText) -> bool:
    page = page_of(pixels, found.strokes)
    turns = (0, 1, 3) if found.upright else (0,)  # quarters; text runs up or down
    lines = [line for turn in turns for line in read(np.ascontiguousarray(np.rot90(page, turn))).splitlines()]
    return any(map(identity.may_be_read_in, lines))


def _finding(look: _Look) -> str:
    where = "1 frame" if look.frames == 1 else f"{look.frames} frames"
    named = {True: ", which may name the patient", False: "", None: f"; {_UNREAD}"}
    return f"text was found on tissue in {where}{named[look.names_patient]}"
