"""Storage SCPs to measure the agent's receiver against, each started as a process of its own."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.edge.network.scp import AGENT, BARE, HOST, RunningScp
from tests.outside import find_tool_or_exit

# Without it DCMTK's answers wait for delayed acknowledgements, and it looks several times slower than it is.
NO_DELAY = {**os.environ, "TCP_NODELAY": "1"}
TITLE = "SCANSIDE"

Started = tuple[int, int]  # port, process id
Start = Callable[[Path], "contextlib.AbstractContextManager[Started]"]


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[Started]:
    """The agent's receiver without its network: received, synced, named, acknowledged."""
    with _own(AGENT, folder) as started:
        yield started


@contextlib.contextmanager
def bare(folder: Path) -> Iterator[Started]:
    """pynetdicom's server, which receives and forgets."""
    with _own(BARE, folder) as started:
        yield started


@contextlib.contextmanager
def pynetdicom_storescp(folder: Path) -> Iterator[Started]:
    port = _free_port()
    command = [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-aet", TITLE, "-od", str(folder)]
    with _process([*command, "--max-pdu", "131072"], port, dict(os.environ), folder) as started:
        yield started


@contextlib.contextmanager
def dcmtk_storescp(folder: Path) -> Iterator[Started]:
    port = _free_port()
    options = ["-aet", TITLE, "-od", str(folder), "--max-pdu", "131072"]
    command = [find_tool_or_exit("storescp"), *options, str(port)]
    with _process(command, port, NO_DELAY, folder) as started:
        yield started


@contextlib.contextmanager
def orthanc(folder: Path) -> Iterator[Started]:
    """Orthanc, told to sync its files too."""
    port = _free_port()
    config = folder / "orthanc.json"
    settings = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "DicomPort": port,
        "DicomAet": TITLE,
        "HttpServerEnabled": False,
        "SyncStorageArea": True,
        "DicomAlwaysAllowStore": True,
        "MaximumPduLength": 131072,
    }
    config.write_text(json.dumps(settings))
    command = [find_tool_or_exit("Orthanc"), str(config)]
    with _process(command, port, NO_DELAY, folder) as started:
        yield started


PEERS: dict[str, tuple[Start, str | None]] = {  # how to start it, and the program that it needs
    "pynetdicom storescp": (pynetdicom_storescp, None),
    "DCMTK storescp": (dcmtk_storescp, "storescp"),
    "Orthanc, synced": (orthanc, "Orthanc"),
}


def sender(port: int, paths: Sequence[Path]) -> "subprocess.Popen[bytes]":
    """DCMTK's storescu, sending raw images over one association."""
    command = [find_tool_or_exit("storescu"), "-xe", "-R", "-aec", TITLE, HOST, str(port), *paths]
    return subprocess.Popen(command, env=NO_DELAY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(senders: "Sequence[subprocess.Popen[bytes]]") -> None:
    """Wait for senders; all must have been answered with success."""
    for one in senders:
        _, errors = one.communicate(timeout=600)
        if one.returncode != 0:
            raise SystemExit(f"storescu failed: {errors.decode(errors='replace')}")


def processor_s(pid: int) -> float:
    """Seconds of the processor that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime


@contextlib.contextmanager
def _own(kind: str, folder: Path) -> Iterator[Started]:
    scp = RunningScp(kind, folder, {"min_free_mb": 0}, {})
    try:
        yield scp.port, scp.process.pid
    finally:
        scp.process.kill()
        scp.process.wait()


@contextlib.contextmanager
def _process(
    command: Sequence[str | Path], port: int, environment: dict[str, str], folder: Path
) -> Iterator[Started]:
    with (folder / "scp.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_it_listens(process, port, folder / "scp.log")
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, port), timeout=1).close()
            return
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{process.args} does not listen: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])
