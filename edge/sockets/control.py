"""The Unix socket DATA/control.sock by which commands ask the running agent: one line of JSON, one of answer.

Only the agent's own user reaches it (mode 0600 in a folder of mode 0700).
"""

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.sockets.events import socket_address
from scanside.errors import ScansideError, SettingError

NAME = "control.sock"
_MAX_REQUEST_BYTES = 1 << 16
_REQUEST_S, _ANSWER_S = 5.0, 300.0  # a purge of many files takes its time
_log = logging.getLogger(__name__)

Request = dict[str, Any]
Answer = dict[str, Any]


class Control:
    """Answers requests by `answer`, one after the other.

    Args:
        data: the agent's data folder.
        answer: may raise what becomes the answer: an error of scanside/errors.py.

    Raises:
        SettingError: the socket can't be made.
    """

    def __init__(self, data: Path, answer: Callable[[Request], Answer]) -> None:
        self._answer, self._path = answer, data / NAME
        self._path.unlink(missing_ok=True)  # the lock is held: what is left is a dead agent's
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            with socket_address(data, NAME) as address:
                self._socket.bind(address)
            self._path.chmod(0o600)
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise SettingError(f"{self._path} can't be made: {error}.") from error

    def start(self) -> None:
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(_REQUEST_S)
                with connection.makefile("rb") as lines:
                    line = lines.readline(_MAX_REQUEST_BYTES)
                connection.sendall(json.dumps(self._answered(line)).encode() + b"\n")

    def _answered(self, line: bytes) -> Answer:
        try:
            return {"answer": self._answer(json.loads(line))}
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
                raise SettingError(f"{data / NAME}: {error.strerror}. Be the agent's user.") from error
            return None
        try:
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
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
