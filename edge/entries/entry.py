"""One thing that a person entered about a study of a patient, checked: a request or a journal's line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from edge.protocol.row import now
from scanside.assess.study import Side
from scanside.errors import SettingError
from scanside.facts import MenopausalStatus

STATUS, SIDE, LESION, LEFT_OUT, DISPUTED = "menopausal_status", "side", "lesion", "left_out", "disputed"
MOST_LESIONS = 9  # of a study: each has its own key
_LONGEST_ID, _LONGEST_NAME, LONGEST_REASON = 1024, 64, 500
_ABOUT_SLIDE = (SIDE, LESION, LEFT_OUT, DISPUTED)


@dataclass(frozen=True)
class Entry:
    """One entry; it holds until the next one about the same.

    Attributes:
        study, patient: Study Instance UID and Patient ID, as in the header.
        by: who says that he or she entered it.
        what: "menopausal_status", of the study; or "side", "lesion", "left_out" or "disputed", of a slide.
        value: the status, the side or the lesion's number, whether it is left out, the reason of the dispute;
            None: withdrawn.
        at: when; ISO 8601, UTC.
        instance, frame: the slide; empty and 0 for a fact.
        reason: why it is left out.
        image: digest of the image that the slide showed: for another one the entry means nothing.
        account: the operating system's name of who asked.
    """

    study: str
    patient: str
    by: str
    what: str
    value: str | int | bool | None
    at: str
    instance: str = ""
    frame: int = 0
    reason: str | None = None
    image: str | None = None
    account: str = ""

    @property
    def slide(self) -> tuple[str, int]:
        return self.instance, self.frame

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """What a later entry of the same key takes the place of."""
        return self.study, self.patient, self.instance, self.frame, self.what


def requested(request: Mapping[str, Any], account: str) -> Entry:
    """The entry that a request of docs/watch-protocol.md asks for.

    Raises:
        SettingError: it is none; the message says what is wrong.
    """
    said = {name: value for name, value in request.items() if name != "do"}
    what = [name for name in ("fact", *_ABOUT_SLIDE) if name in said]
    if len(what) != 1:
        raise SettingError(f"an entry has one of: fact, {', '.join(_ABOUT_SLIDE)}.")
    if what == ["fact"]:
        said["what"] = said.pop("fact")
    else:
        said["what"], said["value"] = what[0], said.pop(what[0])
    if {"at", "account"} & said.keys():
        raise SettingError("when and by which account, only the agent says.")
    return entry_of({**said, "at": now(), "account": account})


def entry_of(said: Any) -> Entry:
    """The entry with these attributes; they may come from anywhere.

    Raises:
        SettingError: an attribute is missing, unknown or wrong.
    """
    if not isinstance(said, dict):
        raise SettingError("an entry is a JSON object.")
    known = {field.name for field in fields(Entry)}
    if not {"study", "patient", "by", "what", "value", "at"} <= said.keys() <= known:
        odd = sorted(said.keys() - known)
        raise SettingError(
            f"an entry without all that it needs, or with more: {', '.join(odd) or 'too little'}"
        )
    for name in ("study", "patient", "at", "account", "instance"):
        _check(_is_text(said.get(name, "")), f"{name} is no text of at most {_LONGEST_ID} characters")
    _check(said.get("image") is None or _is_text(said["image"]), "image is no digest")
    _check(_is_time(said["at"]), "at is no time")
    _check(bool(said["study"]), "study is empty")
    _check(
        _is_readable(said["by"], _LONGEST_NAME), f"by: a name has 1 to {_LONGEST_NAME} printable characters"
    )
    frame = said.get("frame", 0)
    _check(type(frame) is int and 0 <= frame < 2**31, "frame is no number of a frame")
    if said["what"] in _ABOUT_SLIDE:
        _check(bool(said.get("instance")) and frame > 0, "an entry about a slide names instance and frame")
    else:
        _check(said["what"] == STATUS, f"fact: nobody can enter '{str(said['what'])[:40]!r}'")
        _check(not said.get("instance") and not frame, "a fact is the study's, not a slide's")
    _VALUES[said["what"]](said["value"])
    if said["what"] == LEFT_OUT:
        _check(said.get("reason") is None or _is_reason(said["reason"]), _REASON)
    else:
        _check(said.get("reason") is None, "only leaving out has a reason of its own")
    return Entry(**said)


def _status(value: Any) -> None:
    names = [status.value for status in MenopausalStatus]
    _check(isinstance(value, str) and value in names, f"value: one of {', '.join(names)}")


def _side(value: Any) -> None:
    names = [side.value for side in Side]
    _check(value is None or (isinstance(value, str) and value in names), f"side: {', '.join(names)} or null")


def _lesion(value: Any) -> None:
    number = type(value) is int and 1 <= value <= MOST_LESIONS
    _check(value is None or number, f"lesion: a whole number from 1 to {MOST_LESIONS}, or null")


def _left_out(value: Any) -> None:
    _check(isinstance(value, bool), "left_out: true or false")


def _disputed(value: Any) -> None:
    _check(value is None or _is_reason(value), _REASON)


_REASON = f"a reason has 1 to {LONGEST_REASON} printable characters"
_VALUES: dict[str, Callable[[Any], None]] = {
    STATUS: _status, SIDE: _side, LESION: _lesion, LEFT_OUT: _left_out, DISPUTED: _disputed,
}  # fmt: skip


def _is_reason(value: Any) -> bool:
    return _is_readable(value, LONGEST_REASON)


def _is_readable(value: Any, longest: int) -> bool:
    """Neither control characters nor what turns or hides text (bidirectional marks, lone surrogates)."""
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= longest and value.isprintable()


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_text(value: Any) -> bool:
    """An identifier as a sender wrote it: anything that can be stored."""
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise SettingError(f"the entry can't be taken: {problem}.")
