"""`edge send`: push DICOM files to an agent, as an ultrasound machine would (C-STORE, PS3.4 annex B).

With TLS it tries out an installation from end to end: both certificates, the name, the cipher suites.
"""

import argparse
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.status import code_to_category

from edge.commands.folders import DICOMDIR, find_files, is_dicomdir
from edge.network.tls import client_context
from edge.scanners import check_ae_title
from edge.view.text import safe
from scanside.command import say
from scanside.dicom.header import read_attributes
from scanside.errors import SettingError

CALLING_AE_TITLE = "EDGE-SEND"
_MAX_CONTEXTS = 128  # of an association, PS3.8 9.3.2.2
_CONNECT_TIMEOUT_S, _ALERT_TIMEOUT_S = 10.0, 2.0

Context = tuple[str, str]  # SOP class, transfer syntax


@dataclass(frozen=True)
class Sent:
    """What became of one file; `problem` is None when the receiver took it."""

    path: Path
    problem: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="DICOM file, or a folder of them")
    parser.add_argument("--host", default="127.0.0.1", help="the agent's address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=11112, metavar="N", help="the agent's port (11112)")
    parser.add_argument("--ae-title", default="SCANSIDE", metavar="T", help="the agent's AE title (SCANSIDE)")
    parser.add_argument(
        "--certs",
        type=Path,
        metavar="DIR",
        help="TLS with the scanner's certificate that `edge certs` made in DIR",
    )
    parser.add_argument("--tls-ca", type=Path, metavar="PEM", help="TLS: who signed the agent's certificate")
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="TLS: the certificate to show")
    parser.add_argument("--key", type=Path, metavar="PEM", help="TLS: its private key, without a password")


def main(args: argparse.Namespace) -> int:
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    refused, tls = 0, _tls(args)
    given = find_files(args.files)
    for number, sent in enumerate(send_files(given.files, args.host, args.port, args.ae_title, tls), 1):
        place = f"[{number}/{len(given.files)}] {sent.path}"
        if sent.problem is None:
            print(f"{safe(place)}: accepted", flush=True)
        else:
            refused += 1
            say("edge", f"{place}: {sent.problem}")
    if given.remark:
        say("edge", given.remark)
    return 1 if refused else 0


def send_files(
    files: Sequence[Path],
    host: str,
    port: int,
    ae_title: str = "SCANSIDE",
    tls: ssl.SSLContext | None = None,
) -> Iterator[Sent]:
    """Send each file in its own transfer syntax, over as few associations as hold them; yields as it goes.

    Args:
        tls: the certificates of both sides; None for plain DICOM.

    Raises:
        SettingError: nobody answers at `host` and `port`, or the answer is no.
    """
    check_ae_title(ae_title, "option --ae-title")
    if not 0 < port < 65536:
        raise SettingError(f"port {port}: it must lie between 1 and 65535.")
    try:
        socket.getaddrinfo(host, port)
    except (OSError, UnicodeError) as error:
        raise SettingError(f"host {host}: no machine of this name or address is known here.") from error
    known = {}
    for path in files:
        try:
            known[path] = _context(path)
        except SettingError as error:
            yield Sent(path, str(error))
    contexts = sorted(set(known.values()))
    for first in range(0, len(contexts), _MAX_CONTEXTS):
        part = contexts[first : first + _MAX_CONTEXTS]
        association = _associate(part, host, port, ae_title, tls)
        try:
            for path in [path for path, context in known.items() if context in part]:
                yield Sent(path, _send(association, path, known[path]))
        finally:
            if association.is_established:
                association.release()


def _tls(args: argparse.Namespace) -> ssl.SSLContext | None:
    files = [args.tls_ca, args.certificate, args.key]
    if args.certs is not None:
        made = [args.certs / name for name in ("ca.pem", "scanner.pem", "scanner-key.pem")]
        files = [given or one for given, one in zip(files, made, strict=True)]
    if not any(files):
        return None
    if not all(files):
        raise SettingError("options --tls-ca, --certificate and --key: give all three, or --certs DIR.")
    return client_context(*files)


def _context(path: Path) -> Context:
    if path.exists() and not path.is_file():  # to open a pipe is to wait for its writer
        raise SettingError("can't be read: it is not a file")
    if path.is_file() and is_dicomdir(path):
        raise SettingError(DICOMDIR)
    try:
        path.open("rb").close()
    except OSError as error:
        raise SettingError(f"can't be read: {error.strerror or error}") from error
    found = read_attributes(path, ["SOPClassUID", "TransferSyntaxUID"])
    if len(found) < 2:
        raise SettingError("not a DICOM file that can be sent (no SOP class or transfer syntax)")
    return str(found.SOPClassUID), str(found.TransferSyntaxUID)


def _associate(
    contexts: Sequence[Context], host: str, port: int, ae_title: str, tls: ssl.SSLContext | None
) -> Association:
    ae = AE(CALLING_AE_TITLE)
    ae.connection_timeout = _CONNECT_TIMEOUT_S
    for sop_class, syntax in contexts:
        ae.add_requested_context(sop_class, syntax)
    association = ae.associate(
        host,
        port,
        ae_title=ae_title,
        tls_args=(tls, host) if tls else None,
        evt_handlers=[(evt.EVT_CONN_OPEN, _send_at_once)],
    )
    if association.is_established:
        return association
    who = f"{ae_title} at {host} port {port}"
    if association.is_rejected:
        answer = association.acceptor.primitive
        raise SettingError(f"{who} rejected the association: {answer and answer.reason_str}.")
    problem = _tls_problem(host, port, tls) if tls else None
    if problem:
        raise SettingError(f"{who}: TLS failed: {problem}")
    raise SettingError(f"{who} does not answer. Is the agent running there, and is it to speak TLS or not?")


def _send_at_once(event: Any) -> None:
    """Short PDUs do not wait until the peer acknowledges the one before (RFC 896)."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _tls_problem(host: str, port: int, tls: ssl.SSLContext) -> str | None:
    """What is wrong with TLS where somebody listens, which pynetdicom does not tell; None when nothing is."""
    try:
        plain = socket.create_connection((host, port), _CONNECT_TIMEOUT_S)
    except OSError:
        return None
    try:
        with plain, tls.wrap_socket(plain, server_hostname=host) as connection:
            connection.settimeout(_ALERT_TIMEOUT_S)
            connection.recv(1)  # in TLS 1.3 the other side's refusal comes after the handshake
    except TimeoutError:
        return None
    except OSError as error:  # ssl.SSLError among them
        return str(error)
    return None


def _send(association: Association, path: Path, context: Context) -> str | None:
    """Why the file was not taken; None when it was."""
    accepted = {(c.abstract_syntax, c.transfer_syntax[0]) for c in association.accepted_contexts}
    if context not in accepted:
        return "the receiver does not take this kind of object or its transfer syntax"
    if not association.is_established:
        return "not sent: the association was broken off"
    try:
        status = association.send_c_store(path).get("Status")
    except Exception as error:  # pydicom and pynetdicom raise many kinds on damaged files
        return f"can't be sent: {error}"
    if status is None:
        return "no answer: the association was broken off or timed out"
    return None if code_to_category(status) in ("Success", "Warning") else f"refused, status 0x{status:04X}"
