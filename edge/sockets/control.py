"""The Unix socket DATA/control.sock by which commands ask the running agent: one line of JSON, one of answer.

Only the agent's own user reaches it (mode 0600 in a folder of mode 0700), and the members of a group that the
setting `entry_group` names: they may enter what they know of a study, and nothing else. None of them can keep
the others out, nor fill the disk.
"""

import contextlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.network.slots import Slots
from edge.protocol.json import to_builtins
from edge.sockets.listening import listen_on, socket_address, uid_of
from edge.sockets.pace import Pace
from scanside.errors import ScansideError, SettingError

NAME = "control.sock"
_MAX_REQUEST_BYTES = 1 << 16
_REQUEST_S, _ANSWER_S = 5.0, 300.0  # a purge of many files takes its time
_MAX_REQUESTS, _MAX_OF_ONE = 64, 16  # at a time: one account can't keep the others out
_PAUSE_S = 0.5
_FOR_THE_GROUP = ("enter",)
_log = logging.getLogger(__name__)

Request = dict[str, Any]
Answer = dict[str, Any]


class Control:
    """Answers requests by `answer`, one after the other; one that is slow to ask holds nobody up.

    Args:
        data: the agent's data folder.
        answer: told the request and the account of who asks; may raise what becomes the answer: an error
            of scanside/errors.py.
        group: whose members may ask for an entry.

    Raises:
        SettingError: the socket can't be made.
    """

    def __init__(
        self, data: Path, answer: Callable[[Request, str], Answer], group: str | None = None
    ) -> None:
        self._answer, self._path = answer, data / NAME
        self._socket = listen_on(data, NAME, group)
        self._answering, self._closed = threading.Lock(), threading.Event()
        self._places, self._pace = Slots(_MAX_REQUESTS, _MAX_OF_ONE), Pace()

    def start(self) -> None:
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._closed.wait(_PAUSE_S):  # else out of descriptors for a while: entries come later
                    return
                continue
            try:
                self._take(connection)
            except Exception as error:  # no thread or no memory for this one: the next may find it
                _log.error("a request was not taken: %s", error)
                connection.close()

    def _take(self, connection: socket.socket) -> None:
        uid = uid_of(connection)
        if refusal := self._refusal(uid):
            with connection:
                _tell(connection, {"error": refusal, "exit_code": SettingError.exit_code})
            return
        try:
            threading.Thread(target=self._serve, args=(connection, uid), name="request", daemon=True).start()
        except BaseException:
            self._places.give(str(uid))
            raise

    def _refusal(self, uid: int) -> str:
        """Why nothing is heard of this account now; else empty, and it has a place."""
        if not _is_own(uid) and (refusal := self._pace.refusal(uid)):
            return refusal
        return "" if self._places.take(str(uid)) else "too many requests at a time. Ask again in a moment."

    def _serve(self, connection: socket.socket, uid: int) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                _tell(connection, self._answered(_line(connection), uid))
        finally:
            self._places.give(str(uid))

    def _answered(self, line: bytes, uid: int) -> Answer:
        try:
            request = _parsed(line)
            if not _is_own(uid) and request.get("do") not in _FOR_THE_GROUP:
                raise SettingError("only the agent's user may ask for this.")
            if request.get("do") == "ping":
                return {"answer": {}}
            with self._answering:
                return {"answer": self._answer(request, account(uid))}
        except ScansideError as error:
            return {"error": str(error), "exit_code": error.exit_code}
        except Exception as error:
            _log.exception("a request failed")
            return {"error": f"the agent failed ({type(error).__name__}); its log says where", "exit_code": 2}


def ask(data: Path, request: Request, timeout_s: float = _ANSWER_S) -> Answer | None:
    """What the agent on `data` answers; None when there is no agent.

    Raises:
        ScansideError: the agent refuses the request, or does not answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        try:
            with socket_address(data, NAME) as address:
                connection.connect(address)
        except OSError as error:
            if isinstance(error, PermissionError):
                raise SettingError(
                    f"{data / NAME}: {error.strerror}. Be the agent's user (to enter, of entry_group)."
                ) from error
            return None
        try:
            with contextlib.suppress(BrokenPipeError):  # refused before it was asked: the answer says why
                connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                said = json.loads(lines.readline())
        except (OSError, ValueError) as error:
            raise ScansideError(f"the agent on {data} gave no answer: {error}.") from error
    if "error" in said:
        kind = SettingError if said["exit_code"] == SettingError.exit_code else ScansideError
        raise kind(str(said["error"]))
    answer: Answer = said["answer"]
    return answer


def by() -> str:
    """Who asks, for the audit trail."""
    return account(os.getuid())


def account(uid: int) -> str:
    """The operating system's name of a user."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _is_own(uid: int) -> bool:
    """The agent's user, or root: whom nothing here could keep from the data folder."""
    return uid in (os.getuid(), 0)


def _tell(connection: socket.socket, said: Answer) -> None:
    connection.settimeout(_REQUEST_S)
    with contextlib.suppress(OSError):  # gone meanwhile
        connection.sendall(json.dumps(to_builtins(said)).encode() + b"\n")


def _line(connection: socket.socket) -> bytes:
    """What is asked; all of it has to come in time, however small the pieces are."""
    line, end = b"", time.monotonic() + _REQUEST_S
    while not line.endswith(b"\n") and len(line) < _MAX_REQUEST_BYTES:
        connection.settimeout(max(0.001, end - time.monotonic()))
        piece = connection.recv(_MAX_REQUEST_BYTES - len(line))
        if not piece:
            break
        line += piece
    return line


def _parsed(line: bytes) -> Request:
    try:
        request = json.loads(line)
        check_text(request)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise SettingError("a request is a JSON object in one line.")
    return request


def check_text(request: Any) -> None:
    """Refuse half of a surrogate pair, as of a command's argument that is no UTF-8: nothing could keep it.

    Raises:
        ValueError: there is one.
    """
    json.dumps(request, ensure_ascii=False).encode()
