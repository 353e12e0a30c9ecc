"""TLS by the BCP 195 profile: what is accepted, what refused, how certificates are renewed."""

import contextlib
import logging
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="cryptography is not installed: no certificates can be made")

from edge.cli import main
from edge.network.authority import Pair, issue, make_authority
from edge.network.expiry import expiries, not_after
from edge.network.receive import Receiver
from edge.network.tls import CIPHERS_TLS12, Tls, expiry_warning
from edge.settings import Settings, load
from edge.storage.spool import Spool
from scanside.errors import SettingError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.network.peer import Peer, associate_rq
from tests.edge.network.scp import AGENT, RunningScp, running
from tests.edge.running import HOST, edge, wait_for
from tests.outside import needs_tools, require_tool

WEAK = ("ECDHE-RSA-AES128-SHA", "AES256-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-CHACHA20-POLY1305")


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory, tls_files: dict[str, str]) -> Iterator[RunningScp]:
    with running(AGENT, tmp_path_factory.mktemp("tls"), connect_timeout_s=3, **tls_files) as scp:
        yield scp


@pytest.fixture
def client(certificates: Path) -> ssl.SSLContext:
    """A scanner's context that a test may spoil."""
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    context.load_cert_chain(certificates / "scanner.pem", certificates / "scanner-key.pem")
    return context


def _handshake(context: ssl.SSLContext, port: int) -> tuple[str, str]:
    """Version and cipher suite; in TLS 1.3 a refused client learns of it when it reads."""
    with (
        socket.create_connection((HOST, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        version, cipher = connection.version(), connection.cipher()
        assert version and cipher
        connection.settimeout(1)
        try:
            if not connection.recv(1):
                raise ConnectionError("closed")
        except TimeoutError:
            pass  # it waits for our request: we are let in
        return version, cipher[0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_of_the_profile(version: ssl.TLSVersion, scp: RunningScp, client: ssl.SSLContext) -> None:
    client.minimum_version = client.maximum_version = version
    spoken, cipher = _handshake(client, scp.port)
    assert spoken == version.name.replace("_", ".")
    assert cipher in CIPHERS_TLS12 or cipher.startswith("TLS_")
    assert scp.echo_s(10, client) is not None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(version: str, scp: RunningScp, client: ssl.SSLContext) -> None:
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = client.maximum_version = ssl.TLSVersion[version]
    _offers(client)
    with pytest.raises(OSError):
        _handshake(client, scp.port)


@pytest.mark.parametrize("cipher", WEAK)
def test_other_cipher_suites_are_refused(cipher: str, scp: RunningScp, client: ssl.SSLContext) -> None:
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(f"{cipher}:@SECLEVEL=0")
    _offers(client)
    with pytest.raises(OSError):
        _handshake(client, scp.port)


def _offers(client: ssl.SSLContext) -> None:
    """That the client's side is not what refuses: it does send a hello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    assert outgoing.pending


def _client_of(pair: Pair | None, folder: Path, trusted: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trusted)
    if pair is not None:
        (folder / "c.pem").write_bytes(pair.certificate_pem + pair.key_pem)
        context.load_cert_chain(folder / "c.pem")
    return context


@pytest.mark.parametrize("who", ["nobody", "expired", "foreign"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_has_no_valid_certificate_is_refused(who: str, version: ssl.TLSVersion, tmp_path: Path) -> None:
    authority = make_authority(10)
    agent = issue(authority, "agent", ["localhost"], 10)
    files = {"tls_certificate": agent.certificate_pem, "tls_key": agent.key_pem}
    files["tls_ca"] = authority.certificate_pem
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    pairs = {
        "nobody": None,
        "expired": issue(authority, "scanner", [], -1),
        "foreign": issue(make_authority(10), "scanner", [], 10),
    }
    good = _client_of(issue(authority, "scanner", [], 10), tmp_path, tmp_path / "tls_ca")
    bad = _client_of(pairs[who], tmp_path, tmp_path / "tls_ca")
    settings = Settings(port=0, **{name: tmp_path / name for name in files})  # type: ignore[arg-type]
    receiver = Receiver(settings, Spool(tmp_path / "spool"), lambda _: None)
    try:
        for context in (good, bad):
            context.minimum_version = context.maximum_version = version
        _handshake(good, receiver.port)
        with pytest.raises(OSError):
            _handshake(bad, receiver.port)
    finally:
        receiver.close()


def test_plain_dicom_to_a_tls_port_is_refused(scp: RunningScp) -> None:
    assert scp.echo_s(10) is None


def test_a_handshake_that_drips_ends_in_time(scp: RunningScp) -> None:
    with socket.create_connection((HOST, scp.port), timeout=10) as connection:
        began = time.monotonic()
        connection.sendall(b"\x16\x03\x01\x02\x00")
        with pytest.raises(OSError):
            while True:
                connection.sendall(b"\x01")
                time.sleep(0.2)
        assert 2 < time.monotonic() - began < 8


@needs_tools("storescu")
def test_dcmtk_sends_over_tls(
    start_agent: StartAgent, tls_files: dict[str, str], certificates: Path, image: MakeImage, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("".join(f"{name} = '{path}'\n" for name, path in tls_files.items()))
    agent = start_agent("--config", str(config))
    storescu = require_tool("storescu")
    tls = ["+tls", certificates / "scanner-key.pem", certificates / "scanner.pem"]
    trust = ["+cf", certificates / "ca.pem"]
    send = ["-aec", "SCANSIDE", HOST, str(agent.port), image(1)]
    done = subprocess.run([storescu, *tls, *trust, *send], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(agent.results(1)) == 1
    without = subprocess.run([storescu, "+tla", *trust, *send], capture_output=True, text=True, check=False)
    assert without.returncode != 0 and len(agent.results()) == 1


def test_changed_certificates_are_used_without_a_break(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = make_authority(100)
    paths = _write(tmp_path, authority, issue(authority, "first", ["localhost"], 90))
    tls = Tls(*paths)
    first = tls.context()
    assert tls.context() is first and 89 < tls.days_left() < 91
    paths[0].write_text("half a certificate")
    with caplog.at_level(logging.INFO):
        assert tls.context() is first  # spoilt: the former stays
        assert "former certificates stay" in caplog.text
        _write(tmp_path, authority, issue(authority, "second", ["localhost"], 20))
        second = tls.context()
    assert second is not first and 19 < tls.days_left() < 21
    assert "expires in 20 days" in caplog.text


def test_an_association_outlasts_new_certificates(
    tmp_path: Path, certificates: Path, client: ssl.SSLContext
) -> None:
    for path in certificates.iterdir():
        shutil.copy(path, tmp_path)
    names = {"tls_certificate": "agent.pem", "tls_key": "agent-key.pem", "tls_ca": "ca.pem"}
    files = {name: str(tmp_path / file) for name, file in names.items()}
    from pynetdicom import AE

    with running(AGENT, tmp_path, **files) as scp:
        ae = AE()
        ae.add_requested_context("1.2.840.10008.1.1")
        association = ae.associate(HOST, scp.port, ae_title="SCANSIDE", tls_args=(client, "localhost"))
        authority = make_authority(10)
        pair = issue(authority, "agent", ["localhost"], 10)
        _write(tmp_path, authority, pair, ("agent.pem", "agent-key.pem", "ca.pem"))
        newer = _client_of(issue(authority, "scanner", [], 10), tmp_path, tmp_path / "ca.pem")
        assert scp.echo_s(10, newer) is not None and scp.echo_s(10, client) is None
        assert association.send_c_echo().Status == 0
        association.release()


def _write(
    folder: Path, authority: Pair, pair: Pair, names: tuple[str, str, str] = ("a.pem", "k.pem", "ca.pem")
) -> tuple[Path, Path, Path]:
    certificate, key, ca = (folder / name for name in names)
    key.write_bytes(pair.key_pem)
    ca.write_bytes(authority.certificate_pem)
    certificate.write_bytes(pair.certificate_pem)
    return certificate, key, ca


@pytest.mark.parametrize("days", [-400.0, 1.5, 40_000.0])  # beyond 2049 the time has another form
def test_when_a_certificate_expires(days: float, tmp_path: Path) -> None:
    authority = make_authority(days)
    path = tmp_path / "ca.pem"
    path.write_bytes(b"some words\n" + 2 * authority.certificate_pem)
    assert expiries(path) == 2 * [authority.certificate.not_valid_after_utc.timestamp()]


@pytest.mark.parametrize("noise", [b"", b"0", b"0\x80", b"0\x82\xff\xff", b"\x30\x02\x30\x00", bytes(40)])
def test_no_certificate_is_said_to_be_none(noise: bytes) -> None:
    with pytest.raises(ValueError):
        not_after(noise)


def test_settings_that_do_not_fit_are_named(tmp_path: Path, certificates: Path) -> None:
    good = [certificates / name for name in ("agent.pem", "agent-key.pem", "ca.pem")]
    noise = tmp_path / "noise.pem"
    noise.write_text("no PEM")
    with pytest.raises(SettingError, match=r"tls_ca.*nowhere.*can't be read"):
        Tls(good[0], good[1], tmp_path / "nowhere")
    with pytest.raises(SettingError, match=r"tls_certificate.*noise.pem"):
        Tls(noise, good[1], good[2])
    with pytest.raises(SettingError, match="belong together"):
        Tls(good[0], certificates / "scanner-key.pem", good[2])
    with pytest.raises(SettingError, match=r"tls_ca.*noise.pem"):
        Tls(good[0], good[1], noise)
    with pytest.raises(SettingError, match="set all three, or none"):
        Tls.from_settings(Settings(tls_key=good[1]))


def test_certs_writes_what_the_agent_takes_and_overwrites_nothing(tmp_path: Path) -> None:
    done = edge("certs", tmp_path / "made", "--host", "scanner-room", "--host", "10.1.2.3", "--days", "30")
    assert done.returncode == 0
    config = tmp_path / "edge.toml"
    config.write_text("\n".join(line for line in done.stdout.splitlines() if line.startswith("tls_")))
    tls = Tls.from_settings(load(config, {}))
    assert tls is not None and 29 < tls.days_left() <= 30 and "expires in 30 days" in tls.warning()
    assert expiry_warning(load(config, {})) == tls.warning() and expiry_warning(Settings()) == ""
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "made").glob("*-key.pem")} == {"0o600"}
    before = {path: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    again = edge("certs", tmp_path / "made")
    assert again.returncode == 1 and "is left as it is" in again.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "made").iterdir()} == before
    assert edge("certs", tmp_path / "x", "--days", "0").returncode == 1
    assert edge("certs", "/proc/nowhere").returncode == 1


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0.4, "expires in less than a day"),
        (1.2, "expires in 1 day"),
        (-1.2, "expired 1 day ago"),
        (9, "in 9 days"),
    ],
)
def test_days_are_said_as_people_say_them(days: float, said: str, tmp_path: Path, certificates: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(make_authority(days).certificate_pem)
    settings = Settings(tls_certificate=ca, tls_ca=certificates / "ca.pem")
    assert re.search(rf"{said}\b", expiry_warning(settings))


def test_plain_dicom_on_a_tls_port_is_called_so_and_the_other_way_round(
    tmp_path: Path, tls_files: dict[str, str], tls_client: ssl.SSLContext
) -> None:
    (tmp_path / "plain").mkdir()
    with running(AGENT, tmp_path, **tls_files) as scp, Peer(scp.port) as peer:
        with contextlib.suppress(ConnectionError):
            peer.send(associate_rq())
        assert peer.receive() is None
        assert "it speaks plain DICOM, but this port wants TLS" in scp.log and "WRONG_VERSION" not in scp.log
        assert scp.echo_s(20, tls_client) is not None
    with running(AGENT, tmp_path / "plain") as scp:
        with contextlib.suppress(OSError), Peer(scp.port) as peer:
            tls_client.wrap_socket(peer.socket, server_hostname="localhost")
        wait_for(lambda: "it speaks TLS, but this port wants plain DICOM" in scp.log, "the log")


@pytest.mark.parametrize(
    "host",
    [
        "a b",
        "",
        "room.",
        "-room",
        "10.1.2.300",
        "10.0.0.0/8",
        "m\u00fcnchen",
        "a" * 64,
        "a\n",
        "x." * 150 + "x",
    ],
)
def test_certs_for_a_host_that_can_be_none(
    host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certs", str(tmp_path / "made"), f"--host={host}"]) == 1
    assert "option --host: " in capsys.readouterr().err and not (tmp_path / "made").exists()
