"""An entry under way: what a person says of a study or a slide, from the first key to the request.

It belongs to the study and the slide that were on the screen at its first key, whatever comes after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from edge.entries.entry import MOST_LESIONS
from edge.view.agent.messages import Row, SlideKey, StudyKey

MAX_TEXT = 200  # letters of a reason; the agent takes 500
_IN_WORDS = 5  # lesions; of more the sides are letters, so that all fit beside one another
PATIENCE = timedelta(seconds=60)  # after which an entry that nobody ends is given up


@dataclass(frozen=True)
class Choice:
    """One of the values.

    Attributes:
        asks: names the field that a typed text goes to.
        offered: how the question words it, where that is not by its label.
    """

    label: str
    says: Mapping[str, Any]
    asks: str = ""
    offered: str = ""


@dataclass(frozen=True)
class Entered:
    """A whole entry.

    Attributes:
        request: for the agent, but for who asks.
        text: the same for people.
    """

    request: Mapping[str, Any]
    text: str
    study: StudyKey


@dataclass(frozen=True)
class Entry:
    """An entry that is not whole yet.

    Attributes:
        title: what is asked, such as "menopausal status".
        slide: what it is about; None for the whole study.
        image: digest of the image that the slide showed, so that an entry never meets another one.
        number: of the slide on the screen, 0 for the whole study.
        touched: when a key was last pressed.
        chosen: index of a choice.
        text: typed so far, for a choice that asks for one.
        first: the number of the first choice.
    """

    title: str
    study: StudyKey
    slide: SlideKey | None
    image: str
    number: int
    choices: tuple[Choice, ...]
    touched: datetime
    chosen: int | None = None
    text: str = field(default="")
    first: int = 1

    @property
    def choice(self) -> Choice | None:
        return None if self.chosen is None else self.choices[self.chosen]

    @property
    def typing(self) -> bool:
        return bool(self.choice and self.choice.asks)

    def press(self, key: str, now: datetime) -> "Entry":
        """The entry after any key but Enter and Escape."""
        pressed = replace(self, touched=now)
        if self.typing and key == "backspace":
            return replace(pressed, text=self.text[:-1])
        if self.typing and len(key) == 1:
            return replace(pressed, text=(self.text + key)[:MAX_TEXT])
        if key.isdecimal() and 0 <= int(key) - self.first < len(self.choices):
            return replace(pressed, chosen=int(key) - self.first)
        if key in ("up", "down"):
            start = -1 if self.chosen is None and key == "down" else self.chosen or 0
            step = 1 if key == "down" else -1
            return replace(pressed, chosen=(start + step) % len(self.choices))
        return pressed

    def paste(self, text: str, now: datetime) -> "Entry":
        """The entry after `text` was pasted: it is only ever part of a reason, its line ends as spaces."""
        if not self.typing:
            return self
        plain = "".join(letter if letter.isprintable() else " " for letter in text)
        return replace(self, touched=now, text=(self.text + plain)[:MAX_TEXT])

    def entered(self) -> Entered | None:
        """The whole entry; None while something is missing."""
        choice, reason = self.choice, " ".join(self.text.split())
        if choice is None or (choice.asks and not reason):
            return None
        says = {**choice.says, **({choice.asks: reason} if choice.asks else {})}
        place: dict[str, Any] = (
            {} if self.slide is None else {"instance": self.slide[0], "frame": self.slide[1]}
        )
        place |= {"image": self.image} if self.image else {}
        study, patient = self.study
        request = {"do": "enter", "study": study, "patient": patient, **place, **says}
        where = f"slide {self.number}, " * bool(self.number)
        return Entered(request, f"{where}{self.title}: {reason if choice.asks else choice.label}", self.study)


def menopausal_status(study: StudyKey, now: datetime) -> Entry:
    values = ("premenopausal", "postmenopausal", "unknown")
    choices = tuple(Choice(value, {"fact": "menopausal_status", "value": value}) for value in values)
    return Entry("menopausal status", study, None, "", 0, choices, now)


def side(row: Row, number: int, now: datetime) -> Entry:
    choices = (
        Choice("left", {"side": "left"}),
        Choice("right", {"side": "right"}),
        Choice("not known", {"side": None}),
    )
    return Entry("side", row.owner, row.key, row.image, number, choices, now)


def lesion(row: Row, number: int, now: datetime, known: Mapping[int, Sequence[str]]) -> Entry:
    """Each lesion by its own number, up to a new one; `known`: those that there are, and their sides."""
    count = min(MOST_LESIONS, max(known, default=0) + 1)
    choices = [Choice("none", {"lesion": None})]
    for each in range(1, count + 1):
        offered = _on(known[each], count <= _IN_WORDS) if each in known else "new"
        choices.append(Choice(str(each), {"lesion": each}, offered=offered))
    return Entry("lesion", row.owner, row.key, row.image, number, tuple(choices), now, first=0)


def _on(sides: Sequence[str], in_words: bool) -> str:
    if in_words:
        return " and ".join(sides) or "no side"
    return "".join(name[0].upper() for name in sides) or "-"


def leave_out(row: Row, number: int, now: datetime) -> Entry:
    if row.left_out:
        back = Choice("count it again", {"left_out": False, "reason": None})
        return Entry("left out", row.owner, row.key, row.image, number, (back,), now, chosen=0)
    reasons = ("poor image", "not the lesion", "the same as another")
    choices = tuple(Choice(reason, {"left_out": True, "reason": reason}) for reason in reasons)
    other = Choice("other", {"left_out": True}, asks="reason")
    return Entry("leave out", row.owner, row.key, row.image, number, (*choices, other), now)


def dispute(row: Row, number: int, now: datetime) -> Entry:
    if row.disputed:
        back = Choice("withdraw", {"disputed": None})
        return Entry("disputed", row.owner, row.key, row.image, number, (back,), now, chosen=0)
    reasons = ("wrong outline", "not an ovary", "artefact")
    choices = tuple(Choice(reason, {"disputed": reason}) for reason in reasons)
    return Entry(
        "dispute",
        row.owner,
        row.key,
        row.image,
        number,
        (*choices, Choice("other", {}, asks="disputed")),
        now,
    )
