"""`edge send` over TLS, to the agent and to DCMTK's storescp, and what it says when TLS fails."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.conftest import MakeImage
from tests.edge.network.scp import AGENT, RunningScp, running
from tests.edge.running import HOST, edge, wait_for
from tests.outside import needs_tools, require_tool


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory, tls_files: dict[str, str]) -> Iterator[RunningScp]:
    with running(AGENT, tmp_path_factory.mktemp("tls"), **tls_files) as scp:
        yield scp


def test_with_what_edge_certs_made(scp: RunningScp, certificates: Path, image: MakeImage) -> None:
    done = edge("send", image(1), "--port", str(scp.port), "--certs", certificates)
    assert (done.returncode, done.stderr) == (0, "") and "accepted" in done.stdout
    assert "protocol" not in scp.log and len(list(scp.spool.glob("*.dcm"))) == 1


def test_with_files_of_ones_own_to_a_name(scp: RunningScp, certificates: Path, image: MakeImage) -> None:
    files = {"--tls-ca": "ca.pem", "--certificate": "agent.pem", "--key": "agent-key.pem"}
    options = [part for option, name in files.items() for part in (option, certificates / name)]
    done = edge("send", image(2), "--host", "localhost", "--port", str(scp.port), *options)
    assert (done.returncode, done.stderr) == (0, "")


@needs_tools("storescp")
def test_to_dcmtk(certificates: Path, image: MakeImage, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = str(free.getsockname()[1])
    pair = [certificates / "agent-key.pem", certificates / "agent.pem"]
    command = [require_tool("storescp"), "-od", tmp_path, "+tls", *pair, "+cf", certificates / "ca.pem", port]
    with (tmp_path / "log").open("wb") as log:
        storescp = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: _listens(int(port)), "storescp")
        done = edge("send", image(3), "--port", port, "--ae-title", "STORESCP", "--certs", certificates)
        assert (done.returncode, done.stderr) == (0, ""), (tmp_path / "log").read_text()
        assert len(list(tmp_path.glob("US*"))) == 1
    finally:
        storescp.kill()
        storescp.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection((HOST, port), timeout=1).close()
        return True
    return False


def test_what_fails_is_said(scp: RunningScp, certificates: Path, image: MakeImage, tmp_path: Path) -> None:
    assert edge("certs", tmp_path / "other").returncode == 0
    stranger, path, port = tmp_path / "other", image(4), str(scp.port)
    cases: dict[str, list[str | Path]] = {
        "certificate verify failed": ["--certs", stranger],  # it does not know the agent's authority
        "unknown ca": ["--certs", stranger, "--tls-ca", certificates / "ca.pem"],  # the agent not its own
        "speak TLS or not": [],
        "give all three": ["--tls-ca", certificates / "ca.pem"],
        "option --key: ": ["--certs", certificates, "--key", tmp_path / "nowhere.pem"],
        "option --tls-ca: ": ["--certs", certificates, "--tls-ca", path],
    }
    for message, options in cases.items():
        done = edge("send", path, "--port", port, *options)
        assert done.returncode == 1 and done.stderr.startswith("edge: "), done.stderr
        assert message in done.stderr.replace("_", " ") and len(done.stderr.splitlines()) == 1, done.stderr


def test_where_nobody_listens_tls_is_not_blamed(certificates: Path, image: MakeImage) -> None:
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        port = str(silent.getsockname()[1])
        done = edge("send", image(7), "--port", port, "--certs", certificates)
    assert done.returncode == 1 and "does not answer" in done.stderr


def test_another_name_than_the_certificates_is_not_believed(
    tls_files: dict[str, str], certificates: Path, image: MakeImage, tmp_path: Path
) -> None:
    scanner = {"tls_certificate": "scanner.pem", "tls_key": "scanner-key.pem"}  # it names no host
    files = {**tls_files, **{name: str(certificates / file) for name, file in scanner.items()}}
    with running(AGENT, tmp_path, **files) as scp:
        done = edge("send", image(5), "--port", str(scp.port), "--certs", certificates)
    assert done.returncode == 1 and "certificate verify failed" in done.stderr, done.stderr
    assert not list(scp.spool.glob("*.dcm"))


def test_a_rejection_says_why(image: MakeImage, tmp_path: Path) -> None:
    with running(AGENT, tmp_path) as scp:
        done = edge("send", image(6), "--port", str(scp.port), "--ae-title", "OTHER")
    assert done.returncode == 1 and "Called AE title not recognised" in done.stderr
