"""The audit trail sent to a syslog server over TLS (RFC 5424 and 5425, PS3.15 A.6).

The files of the trail are the queue: what was sent is remembered as a place in them, so neither an outage of
the server nor a restart of the agent loses a message. One may come twice, none out of order. What was in the
network's buffers when a server died is lost to it: RFC 5425 has no receipt. The files have it.
"""

import contextlib
import json
import logging
import os
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

from edge.durable import replace_file
from edge.trail.log import FOLDER, files, parse
from edge.trail.xml import as_xml
from scanside.errors import SettingError

_PRIORITY = 10 * 8 + 5  # facility 10 (security), severity 5 (notice)
_PLACE = "sent.json"
_LOOK_S, _RETRY_S, _TIMEOUT_S = 1.0, 10.0, 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Server:
    """Where the messages go, and how it is known to be the right one."""

    host: str
    port: int
    context: ssl.SSLContext


def server_of(address: str, authority: Path | None, certificate: Path | None) -> Server:
    """The server of the settings `audit_syslog`, `audit_ca` and `audit_certificate`.

    Raises:
        SettingError: they can't be used.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit() and 0 < int(port) < 65536):
        raise SettingError(
            f"audit_syslog is '{address}'; it must read host:port, for example log.example:6514."
        )
    try:
        context = ssl.create_default_context(cafile=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"audit_ca or audit_certificate can't be used: {error}.") from error
    return Server(host.strip("[]"), int(port), context)


class SyslogSender(threading.Thread):
    """Sends what is new in the trail of `data` to `server` until `close`.

    Attributes:
        problem: why nothing can be sent just now; None when all is well.
    """

    def __init__(self, data: Path, server: Server) -> None:
        super().__init__(name="audit sender", daemon=True)
        self._folder, self._server = data / FOLDER, server
        self._closed = threading.Event()
        self.problem: str | None = None

    def close(self) -> None:
        self._closed.set()
        self.join(_TIMEOUT_S)

    def run(self) -> None:
        wait_s = 0.0
        while not self._closed.wait(wait_s):
            try:
                with self._connected() as connection:
                    self.problem, wait_s = None, _LOOK_S
                    while not self._closed.is_set():
                        self._send_new(connection)
                        self._closed.wait(_LOOK_S)
                    self._send_new(connection)
            except (OSError, ssl.SSLError) as error:
                if self.problem is None:
                    _log.error("audit messages wait: %s", error)
                self.problem, wait_s = f"{self._server.host}:{self._server.port}: {error}", _RETRY_S

    def _connected(self) -> ssl.SSLSocket:
        plain = socket.create_connection((self._server.host, self._server.port), _TIMEOUT_S)
        return self._server.context.wrap_socket(plain, server_hostname=self._server.host)

    def _send_new(self, connection: ssl.SSLSocket) -> None:
        """Send every whole line behind the place that was reached.

        Raises:
            OSError: the server is gone.
        """
        connection.settimeout(0.0)
        with contextlib.suppress(ssl.SSLWantReadError):
            if connection.recv(1) == b"":  # it closed; what is written now would be lost without a word
                raise OSError("the server ended the connection")
        connection.settimeout(_TIMEOUT_S)
        name, offset = self._place()
        for path in files(self._folder):
            if path.name < name:
                continue
            with path.open("rb") as stream:
                start = offset if path.name == name else 0
                stream.seek(start)
                for line in stream:
                    if not line.endswith(b"\n"):
                        break
                    message = parse(line)
                    if message is not None:
                        connection.sendall(_frame(message))
                    start += len(line)
                    self._reached(path.name, start)

    def _place(self) -> tuple[str, int]:
        try:
            place = json.loads((self._folder / _PLACE).read_bytes())
            return str(place["file"]), int(place["offset"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", 0

    def _reached(self, name: str, offset: int) -> None:
        replace_file(self._folder / _PLACE, json.dumps({"file": name, "offset": offset}).encode())


def _frame(message: dict[str, object]) -> bytes:
    """RFC 5425 4.3: the length, then a message of RFC 5424."""
    body = as_xml({name: value for name, value in message.items() if name != "previous"})
    event = message["EventIdentification"]
    assert isinstance(event, dict)
    time = str(event["EventDateTime"])
    head = f"<{_PRIORITY}>1 {time} {socket.gethostname() or '-'} scanside {os.getpid()} DICOM+RFC3881 - "
    line = head.encode() + b"\xef\xbb\xbf" + body
    return str(len(line)).encode() + b" " + line
