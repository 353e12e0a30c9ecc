"""What a network learns from and what it is fed beside the scanner: the same array, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scanside.assess.assessor import Assessor
from scanside.deidentify.key import load_or_make_key
from scanside.dicom.instance import Instance
from scanside.errors import NotScorable
from scanside.model.bundle import NETWORK, Bundle, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.protocol import Arrays
from scanside.scan.instance import open_instance
from scanside.scan.prepare import fill
from tests.synth.bundle import make_bundle
from tests.trainer.hospital_tree import make_hospital
from trainer.cli import main
from trainer.data.hospital import read_dataset
from trainer.prepare.dataset import make_pseudonym


class Recorder:
    """The real runtime, which keeps what it is fed."""

    name = "Recorder"

    def __init__(self, bundle: Bundle) -> None:
        self._runner = OnnxRuntime(bundle.files[NETWORK])
        self.fed: list[NDArray[np.float32]] = []

    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        self.fed += [scan[0].copy() for scan in inputs["scan"]]
        return self._runner.run(inputs)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_bundle(tmp_path_factory.mktemp("bundle"), clinical=False), allow_test_only=True)


def fed_at_the_edge(bundle: Bundle, instance: Instance, number: int) -> list[NDArray[np.float32]]:
    recorder = Recorder(bundle)
    try:
        Assessor(bundle, recorder).assess(instance, number - 1)
    except NotScorable:  # said of what the network has seen
        assert recorder.fed
    return recorder.fed


def test_training_and_edge_read_the_same_array(bundle: Bundle, tmp_path: Path) -> None:
    """Of every maker; stills, cine, two views declared or not. Text on tissue stays: nothing else differs."""
    hospital = make_hospital(tmp_path)
    words = ["prepare", "hospital", str(hospital.source), str(tmp_path / "dst"), "--jobs", "2"]
    assert main([*words, "--clinical", str(hospital.table), "--cine-frames", "3", "--text", "keep"]) == 0
    cohort, key = read_dataset(tmp_path / "dst"), load_or_make_key(tmp_path / "dst.key")
    slides = {slide.name: slide for slide in cohort.slides}
    views = []
    for path in sorted(hospital.source.rglob("*.dcm")):
        instance = open_instance(path)
        uid = instance.header.SOPInstanceUID
        for number in range(1, instance.frame_count + 1):
            if make_pseudonym(key.secret, "S", uid, str(number), digits=12) not in slides:
                continue  # of a cine a few frames are kept
            fed = fed_at_the_edge(bundle, instance, number)
            views.append(len(fed))
            for view, scan in enumerate(fed):
                parts = (uid, str(number), *([str(view)] if view else []))
                slide = slides.pop(make_pseudonym(key.secret, "S", *parts, digits=12))
                learnt = fill(cohort.pixels(slide), bundle.manifest.input_size)
                assert learnt.dtype == scan.dtype and learnt.tobytes() == scan.tobytes(), path
    assert not slides and views.count(2) == 2
