"""What several tests of the library start from."""

from pathlib import Path

import pytest
from hypothesis import settings

from scanside.assess.assessor import Assessor
from scanside.dicom.instance import Instance
from scanside.image import Frame
from scanside.model.bundle import Bundle, load_bundle
from scanside.scan.instance import open_instance
from tests.synth.bundle import make_bundle
from tests.synth.dicom import box_around, make_instance, region, save
from tests.synth.scans import SynthFrame, make_frame

settings.register_profile("no deadline", deadline=None)  # how busy a machine is, is no failure
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test bundle that nobody may change; copy it first."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def bundle(bundle_folder: Path) -> Bundle:
    return load_bundle(bundle_folder, allow_test_only=True)


@pytest.fixture(scope="session")
def with_denoiser(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The test bundle with a denoiser before its network."""
    folder = make_bundle(tmp_path_factory.mktemp("with_denoiser"), denoiser=True)
    return load_bundle(folder, allow_test_only=True)


@pytest.fixture(scope="session")
def assessor(bundle: Bundle) -> Assessor:
    return Assessor(bundle)


@pytest.fixture(scope="session")
def synth() -> SynthFrame:
    return make_frame(1)


@pytest.fixture(scope="session")
def frame(synth: SynthFrame) -> Frame:
    return Frame(synth.pixels)


@pytest.fixture(scope="session")
def instance(synth: SynthFrame, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A synthetic scan that declares its region, opened."""
    made = make_instance([synth.pixels], regions=[region(box_around(synth.sector))])
    return open_instance(save(made, tmp_path_factory.mktemp("dicom") / "scan.dcm"))
