"""Fixtures of the edge's tests: a tiny bundle, images that it scores, a running agent."""

import os
import signal
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.edge.running import RunningAgent, edge
from tests.synth.bundle import make_bundle
from tests.synth.dicom import MAKERS, Maker, Patient, make_instance
from tests.synth.scans import make_frame

HangOn = Callable[[str], None]
StartAgent = Callable[..., RunningAgent]
MakeImage = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def signals_that_end_a_program() -> Iterator[None]:
    """What runs the tests may ignore some (nohup, a shell's `&`), and programs started here inherit that."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle without clinical inputs: one risk per frame."""
    return make_bundle(tmp_path_factory.mktemp("bundle"), clinical=False)


@pytest.fixture(scope="session")
def denoising_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first, with a denoiser before its network."""
    return make_bundle(tmp_path_factory.mktemp("denoising-bundle"), clinical=False, denoiser=True)


@pytest.fixture(scope="session")
def clinical_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with clinical inputs, which the agent does not know: a risk under each value."""
    return make_bundle(tmp_path_factory.mktemp("clinical-bundle"))


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> MakeImage:
    """Writes a synthetic image that the bundles score: `image(seed, frames=1, maker=..., patient=...)`."""
    folder = tmp_path_factory.mktemp("images")

    def make(seed: int, frames: int = 1, maker: Maker = MAKERS[0], patient: Patient | None = None) -> Path:
        pixels = [make_frame(seed + number).pixels for number in range(frames)]
        path = folder / f"{len(list(folder.iterdir()))}.dcm"
        make_instance(pixels, maker=maker, patient=patient).save_as(path, enforce_file_format=True)
        return path

    return make


# Python imports it at the start of each process: there, whoever opens the file of that name never returns.
_HANGS = """
import time
from scanside.scan import instance
read_header = instance.read_header
def read(path, *rest):
    while path.name == {name!r}:
        time.sleep(1)
    return read_header(path, *rest)
instance.read_header = read
"""


@pytest.fixture
def hang_on(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> HangOn:
    """Makes processes that are started from now on hang on the file of a name; on none where it is empty."""
    folder, before = tmp_path_factory.mktemp("hangs"), os.environ.get("PYTHONPATH", "")

    def hang(name: str) -> None:
        (folder / "sitecustomize.py").write_text(_HANGS.format(name=name) if name else "")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), before])))

    return hang


@pytest.fixture
def start_agent(tmp_path: Path, bundle: Path) -> Iterator[StartAgent]:
    """Starts agents, each with `start_agent(*options, bundle=..., state=...)`; none outlives the test."""
    agents: list[RunningAgent] = []

    def start(*options: str, bundle: Path = bundle, state: str = "ready") -> RunningAgent:
        data = tmp_path / f"agent-{len(agents)}"
        agents.append(RunningAgent(data, bundle, options, state))
        return agents[-1]

    yield start
    for agent in agents:
        agent.kill()


@pytest.fixture
def agent(start_agent: StartAgent) -> RunningAgent:
    """An agent that is ready: `port`, `data`, `send(*files)`, `results(count)`."""
    return start_agent()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `edge certs` filled."""
    pytest.importorskip("cryptography", reason="cryptography is not installed: no certificates can be made")
    folder = tmp_path_factory.mktemp("certificates")
    assert edge("certs", folder).returncode == 0
    return folder


@pytest.fixture(scope="session")
def tls_files(certificates: Path) -> dict[str, str]:
    """Settings of an agent that speaks TLS."""
    names = {"tls_certificate": "agent.pem", "tls_key": "agent-key.pem", "tls_ca": "ca.pem"}
    return {setting: str(certificates / name) for setting, name in names.items()}


@pytest.fixture(scope="session")
def tls_client(certificates: Path) -> ssl.SSLContext:
    """What a scanner would use."""
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    context.load_cert_chain(certificates / "scanner.pem", certificates / "scanner-key.pem")
    return context


def real_files(names: Sequence[str]) -> list[Path]:
    """Files of pydicom's wheel."""
    from pydicom.data import get_testdata_file

    return [Path(str(get_testdata_file(name, download=False))) for name in names]
