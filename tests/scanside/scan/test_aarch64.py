"""What a network reads on a Jetson is what it learnt from: preparation under QEMU with the aarch64 wheels.

All is downloaded into a temporary folder with apt-get and pip and unpacked there: QEMU, Debian's Python for
arm64, and the wheels of the very versions that run here. Nothing is installed.
"""

import json
import os
import platform
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.outside import require_tool
from tests.scanside.scan.real import MORE, NAMES, path_of

ROOT = Path(__file__).parents[3]
PYTHON = (
    *(
        "python3.11-minimal",
        "libpython3.11-minimal",
        "libpython3.11-stdlib",
        "libc6",
        "libgcc-s1",
        "libstdc++6",
    ),
    *("libexpat1", "zlib1g", "libssl3", "libffi8", "libbz2-1.0", "liblzma5", "libuuid1", "libglib2.0-0"),
)
WHEELS = ("numpy", "opencv-python-headless", "pydicom", "python-gdcm", "pylibjpeg-openjpeg")
PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")

pytestmark = pytest.mark.slow


def run(command: list[str], what: str, folder: Path) -> None:
    """Run a download; where there is no network, or not this system, there is nothing to compare with."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"{what} can't be had here: {done.stderr.strip().splitlines()[-1:]}")


def fetch_debs(folder: Path, architecture: str, packages: tuple[str, ...]) -> Path:
    """Unpack Debian packages below `folder`, with a state of apt's own; returns where."""
    apt_get, dpkg = str(require_tool("apt-get")), str(require_tool("dpkg"))
    state, root = folder / f"apt-{architecture}", folder / f"root-{architecture}"
    (state / "lists" / "partial").mkdir(parents=True)
    root.mkdir()
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "root",
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": state / "cache",
    }
    apt = [apt_get, *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]
    run([*apt, "update"], f"Debian's list for {architecture}", state)
    run([*apt, "download", *packages], f"Debian's packages for {architecture}", state)
    for package in state.glob("*.deb"):
        run([dpkg, "-x", str(package), str(root)], package.name, state)
    return root


def fetch_wheels(folder: Path) -> Path:
    """Unpack the aarch64 wheels of the versions that are installed here; returns where."""
    site = folder / "site"
    pinned = [f"{name}=={version(name)}" for name in WHEELS]
    only = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--dest=."]
    platforms = [f"--platform={name}" for name in PLATFORMS]
    run([sys.executable, "-m", "pip", "download", *only, *platforms, *pinned], "aarch64 wheels", folder)
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(site)
    return site


def files() -> list[str]:
    """All DICOM files at hand and 50 scans of MMOTU."""
    data = os.environ.get("SCANSIDE_DATA")
    found = [path for name in (*NAMES, *MORE) if (path := path_of(name))]
    if data:
        found += sorted(Path(data, "trials").glob("*.dcm"))
        found += [Path(data, "mmotu", "images", f"{number}.JPG") for number in range(7, 1470, 29)][:50]
    return [str(path) for path in found if path.exists()]


def test_a_scan_is_prepared_on_aarch64_as_it_is_here_to_the_bit(tmp_path: Path) -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("QEMU for user programs: on x86-64 Linux alone")
    qemu = fetch_debs(tmp_path, "amd64", ("qemu-user-static",)) / "usr/bin/qemu-aarch64-static"
    root, site = fetch_debs(tmp_path, "arm64", PYTHON), fetch_wheels(tmp_path)
    digests = ["-m", "tests.scanside.scan.digests", *files()]
    paths = {"PYTHONPATH": f"{ROOT}:{site}", "PYTHONHOME": str(root / "usr")}
    emulated = [str(qemu), "-L", str(root), *(p for k, v in paths.items() for p in ("-E", f"{k}={v}"))]
    there, here = (
        json.loads(subprocess.run([*python, *digests], cwd=ROOT, capture_output=True, check=True).stdout)
        for python in ([*emulated, str(root / "usr/bin/python3.11")], [sys.executable])
    )
    assert there == here
    assert sum(len(found) > 5 for found in here.values()) >= 3
