"""What commands may ask of a data folder: of the running agent, else of the folder itself."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.entries.study import describe_study, images_may_follow
from edge.processes.lock import Busy
from edge.protocol.json import to_builtins
from edge.settings import Settings
from edge.sockets.control import Answer, Request, ask, by, check_text
from edge.storage.custody import Custody, in_custody
from edge.storage.purge import Wanted
from edge.storage.wanted import Wanted as WantedRows
from scanside.errors import SettingError

_WAIT_S, _PAUSE_S = 60.0, 0.1  # for other commands on the same folder


def answer(custody: Custody, request: Mapping[str, Any], account: str) -> Answer:
    """Do what `request` asks; `account` is the operating system's name of who asks.

    Raises:
        SettingError: there is no such request, or what it names is not there.
    """
    match request:
        case {"do": "quarantine"}:
            return {"notes": [asdict(note) for note in custody.quarantined()]}
        case {"do": "retry", "name": str(name)}:
            return {"retry": asdict(custody.retry(name))}
        case {"do": "drop", "name": str(name), "by": str(by)}:
            return {"drop": asdict(custody.drop(name, by))}
        case {"do": "purge", "by": str(by), "dry": bool(dry), "unreadable": bool(unreadable), **what}:
            wanted = Wanted(**{key: _text(what.get(key)) for key in ("patient", "issuer", "study")})
            if wanted.patient or wanted.study:
                return asdict(custody.purge(wanted, by, dry=dry, unreadable=unreadable))
        case {"do": "rescore", "dry": bool(dry), **which}:
            rows = WantedRows(study=_text(which.get("study")), since=_time(which.get("since")))
            if rows.study or rows.since:
                return asdict(custody.score_again(rows, account, dry=dry))
        case {"do": "clock", "accept": bool(accept)}:
            return {"problem": custody.clock_problem(accept=accept)}
        case {"do": "enter"}:
            kept = custody.desk.enter(request, account).kept
            return {"study": to_builtins(describe_study(kept, images_may_follow(kept)))}
    raise SettingError("the agent does not know this request. Use commands of its own version.")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    """A time that a request names, with its zone; None where it is none."""
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(timezone.utc) if at.tzinfo else None
    except (TypeError, ValueError, OverflowError):  # the first and last days have no time in another zone
        return None


def request(settings: Settings, what: Request) -> Answer:
    """The answer of the agent on the settings' data folder; where none runs, the folder's own.

    Raises:
        ScansideError: neither can do it.
        SettingError: a text in it is no Unicode.
    """
    try:
        check_text(what)
    except ValueError as error:
        raise SettingError("an argument is not UTF-8. Check the terminal's encoding.") from error
    end = time.monotonic() + _WAIT_S
    while True:
        said = ask(settings.data, what)
        if said is not None:
            return said
        try:
            with in_custody(settings.data, settings.ae_title) as custody:
                return answer(custody, what, by())
        except Busy:  # another command, or an agent that is about to answer
            if time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)


def running(data: Path, timeout_s: float) -> Answer | None:
    """The status of the agent on `data`; None when there is none."""
    return ask(data, {"do": "status"}, timeout_s)
