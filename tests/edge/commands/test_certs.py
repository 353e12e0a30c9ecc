"""`edge certs`: further scanners under the same authority, and certificates that last longer."""

import contextlib
import itertools
import shutil
import ssl
import time
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="cryptography is not installed: no certificates can be made")

from cryptography import x509

from edge.network.authority import hosts_of
from edge.network.expiry import expiries
from edge.network.tls import Tls, client_context
from tests.edge.running import edge


def _read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _handshake(ca: Path, server: tuple[Path, Path], client: tuple[Path, Path]) -> None:
    """Raises ssl.SSLError where one does not accept the other."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client_context(ca, *client).wrap_bio(incoming, outgoing, server_hostname="localhost")
    theirs = Tls(*server, ca).context().wrap_bio(outgoing, incoming, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert ours.getpeercert() and theirs.getpeercert()


def test_certs_adds_a_scanner_under_the_authority_that_is_there(tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert edge("certs", made, "--scanner", "US-1").returncode == 0
    assert not (made / "scanner.pem").exists()
    before = {path: path.read_bytes() for path in made.iterdir()}
    done = edge("certs", made, "--scanner", "US-2", "--scanner", "US-3", "--days", "900")
    assert done.returncode == 0 and "US-2.pem, US-2-key.pem" in done.stdout
    assert "The authority itself expires in 824 days" in done.stdout
    assert {path: path.read_bytes() for path in before} == before
    agent, three = ((made / f"{name}.pem", made / f"{name}-key.pem") for name in ("agent", "US-3"))
    _handshake(made / "ca.pem", agent, three)
    assert _read(three[0]).subject.rfc4514_string() == "CN=US-3"
    assert oct(three[1].stat().st_mode & 0o777) == "0o600"
    again = edge("certs", made, "--scanner", "US-2")
    assert again.returncode == 1 and "US-2.pem exists and is left as it is" in again.stderr
    for name in ("ca", "agent", "../x", "a b", "US-1-key"):
        assert edge("certs", made, "--scanner", name).returncode == 1
    assert len(list(made.iterdir())) == 10


def test_certs_renews_without_a_day_on_which_old_and_new_do_not_fit(tmp_path: Path) -> None:
    made, old = tmp_path / "made", tmp_path / "old"
    assert edge("certs", made, "--scanner", "US-1", "--host", "room.example", "--days", "1").returncode == 0
    shutil.copytree(made, old)
    done = edge("certs", made, "--renew", "--days", "400", "--host", "10.1.2.3")
    assert done.returncode == 0 and "Renewed for 400 days" in done.stdout
    for name in ("ca", "agent", "US-1"):
        assert 399 < (expiries(made / f"{name}.pem")[0] - time.time()) / 86400 <= 400
        assert (made / f"{name}-key.pem").read_bytes() == (old / f"{name}-key.pem").read_bytes()
        assert _read(made / f"{name}.pem").subject == _read(old / f"{name}.pem").subject
    assert {"localhost", "127.0.0.1", "room.example", "10.1.2.3"} <= set(hosts_of(_read(made / "agent.pem")))
    for ca, agent, scanner in itertools.product((made, old), repeat=3):  # whatever was replaced already
        server = (agent / "agent.pem", agent / "agent-key.pem")
        _handshake(ca / "ca.pem", server, (scanner / "US-1.pem", scanner / "US-1-key.pem"))
    assert {path.name for path in made.iterdir()} == {path.name for path in old.iterdir()}


def test_certs_renews_nothing_where_one_can_not_be_renewed(tmp_path: Path) -> None:
    made, other = tmp_path / "made", tmp_path / "other"
    assert edge("certs", made).returncode == edge("certs", other).returncode == 0
    for end in ("", "-key"):
        shutil.copy(other / f"scanner{end}.pem", made / f"stranger{end}.pem")
    before = {path: path.read_bytes() for path in made.iterdir()}
    done = edge("certs", made, "--renew")
    assert done.returncode == 1 and "another authority has signed it" in done.stderr
    assert {path: path.read_bytes() for path in made.iterdir()} == before
    assert edge("certs", tmp_path / "nowhere", "--renew").returncode == 1
    assert edge("certs", made, "--renew", "--scanner", "US-1").returncode == 1
