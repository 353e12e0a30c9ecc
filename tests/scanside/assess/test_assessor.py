"""The path that every risk takes: a risk, or a reason why there is none; never a number by mistake."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from scanside.assess.assessor import Assessor
from scanside.assess.golden import check_golden
from scanside.dicom.instance import Instance
from scanside.errors import NoTissue, RunnerError, UnlikeTraining
from scanside.facts import Centre, ClinicalRecord, MenopausalStatus
from scanside.flags import Flag
from scanside.image import Box
from scanside.model.bundle import NETWORK, Bundle, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.protocol import Arrays
from scanside.scan.instance import open_instance
from scanside.scan.types import RegionSource
from tests.synth.bundle import make_bundle
from tests.synth.dicom import MAKERS, Maker, Photometric, box_around, make_instance, region, save
from tests.synth.headers import put_in, short
from tests.synth.scans import Probe, SynthFrame, make_frame

KNOWN = ClinicalRecord(MenopausalStatus.POST, Centre.OTHER)
Outputs = dict[str, NDArray[np.float32]]


class Spoilt:
    """The real runtime, whose outputs are then changed."""

    name = "Spoilt runtime"

    def __init__(self, bundle: Bundle, spoil: Callable[[Outputs], object]) -> None:
        self._runner, self._spoil = OnnxRuntime(bundle.files[NETWORK]), spoil

    def run(self, inputs: Arrays) -> Outputs:
        outputs = {name: values.copy() for name, values in self._runner.run(inputs).items()}
        self._spoil(outputs)
        return outputs


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.manufacturer)
def test_a_scan_of_every_maker_has_a_risk(maker: Maker, assessor: Assessor, tmp_path: Path) -> None:
    made = make_frame(20)
    regions = [region(box_around(made.sector))] if maker.declares_region else []
    opened = open_instance(
        save(make_instance([made.pixels], maker=maker, regions=regions), tmp_path / "a.dcm")
    )
    result = assessor.assess(opened, record=KNOWN)
    top = result.top
    assert top.risk is not None and 0 <= top.risk <= 1 and top.risk_if == {}
    assert sum(top.class_probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert top.class_probabilities["malignant"] == pytest.approx(top.risk, abs=1e-6)
    assert top.found_by is (RegionSource.DICOM if maker.declares_region else RegionSource.CONTOUR)
    assert result.timings_ms.keys() == {"decode", "prepare", "network"}
    assert top.mask.shape == made.size
    assert (top.mask & made.lesion).sum() / (top.mask | made.lesion).sum() > 0.5
    assert top.lesion.shape == top.prepared.shape and top.lesion.dtype == bool
    x0, y0, x1, y1 = top.box
    cut = cv2.resize(top.mask[y0:y1, x0:x1].astype(np.float32), top.lesion.shape[::-1]) > 0.5
    assert (cut & top.lesion).sum() / (cut | top.lesion).sum() > 0.95  # the same, before it was mapped back


def test_unknown_facts_give_the_risk_under_each_value(assessor: Assessor, instance: Instance) -> None:
    unknown = assessor.assess(instance).top
    assert unknown.risk is None
    assert len(unknown.risk_if) == 4
    assert unknown.highest == max(unknown.risk_if.values())
    for status in (MenopausalStatus.PRE, MenopausalStatus.POST):
        for centre in (Centre.OTHER, Centre.ONCOLOGY):
            known = assessor.assess(instance, record=ClinicalRecord(status, centre)).top
            assert known.risk == pytest.approx(unknown.risk_if[f"{status.value}, {centre.value}"], abs=1e-6)
    assert len(set(unknown.risk_if.values())) == 4


def test_one_unknown_fact(assessor: Assessor, instance: Instance) -> None:
    top = assessor.assess(instance, record=ClinicalRecord(MenopausalStatus.POST)).top
    assert top.risk is None and top.risk_if.keys() == {"other centre", "oncology centre"}


def test_a_bundle_without_clinical_inputs_needs_no_facts(tmp_path: Path, instance: Instance) -> None:
    bundle = load_bundle(make_bundle(tmp_path, clinical=False), allow_test_only=True)
    top = Assessor(bundle).assess(instance).top
    assert top.risk is not None and top.risk_if == {}


def test_same_scan_same_risk(assessor: Assessor, instance: Instance) -> None:
    first, second = (assessor.assess(instance, record=KNOWN).top for _ in range(2))
    assert first.risk == second.risk and np.array_equal(first.mask, second.mask)


def test_risk_is_what_the_network_gives_for_the_prepared_scan(assessor: Assessor, tmp_path: Path) -> None:
    risks = {}
    for seed in range(8):
        made = make_frame(100 + seed, malignant=seed % 2 == 1)
        path = save(make_instance([made.pixels]), tmp_path / f"{seed}.dcm")
        risks[seed] = assessor.assess(open_instance(path), record=KNOWN).top.risk
    assert len({round(risk or -1, 6) for risk in risks.values()}) == len(risks)


def test_every_frame_of_a_cine(assessor: Assessor, tmp_path: Path) -> None:
    frames = [make_frame(seed) for seed in range(3)]
    opened = open_instance(save(make_instance([f.pixels for f in frames]), tmp_path / "a.dcm"))
    results = [assessor.assess(opened, index, KNOWN) for index in range(3)]
    assert [r.frame.index for r in results] == [0, 1, 2]
    assert len({r.top.risk for r in results}) == 3


def test_side_by_side_scans_highest_risk_first(assessor: Assessor, tmp_path: Path) -> None:
    pair = [make_frame(seed) for seed in (1, 2)]
    pixels = np.concatenate([made.pixels for made in pair], axis=1)
    boxes = [Box(0, 0, 640, 480), Box(640, 0, 1280, 480)]
    made = make_instance([pixels], regions=[region(box) for box in boxes])
    result = assessor.assess(open_instance(save(made, tmp_path / "a.dcm")), record=KNOWN)
    assert len(result.scans) == 2 and result.skipped == ()
    assert result.top.highest == max(scan.highest for scan in result.scans)
    left, right = sorted(result.scans, key=lambda scan: scan.box)
    assert left.box.x1 <= 640 <= right.box.x0


def test_views_that_nobody_declared_are_scans_of_their_own(assessor: Assessor, tmp_path: Path) -> None:
    alone = [make_frame(seed, probe=Probe.CURVED) for seed in (1, 2)]
    made = make_instance([np.hstack([view.pixels for view in alone])])
    result = assessor.assess(open_instance(save(made, tmp_path / "a.dcm")), record=KNOWN)
    left, right = sorted(result.scans, key=lambda scan: scan.box)
    assert left.box.x1 <= 640 <= right.box.x0 and result.skipped == ()
    for view, scan, x0 in zip(alone, (left, right), (0, 640), strict=True):
        lesion = scan.mask[:, x0 : x0 + 640]
        assert (lesion & view.lesion).sum() / (lesion | view.lesion).sum() > 0.5
        assert scan.mask.sum() == lesion.sum()


def test_one_black_half_is_skipped_with_its_reason(
    assessor: Assessor, synth: SynthFrame, tmp_path: Path
) -> None:
    pixels = np.concatenate([synth.pixels, np.zeros_like(synth.pixels)], axis=1)
    made = make_instance([pixels], regions=[region(Box(x, 0, x + 640, 480)) for x in (0, 640)])
    result = assessor.assess(open_instance(save(made, tmp_path / "a.dcm")), record=KNOWN)
    assert len(result.scans) == 1
    assert result.skipped == ("no scan found: the image is black or holds only text",)


def test_flags_reach_the_reader(assessor: Assessor, tmp_path: Path) -> None:
    made = make_frame(4, annotated=False)
    pixels = made.pixels.copy()
    box = box_around(made.sector)
    pixels[box.y1 - 80 : box.y1 - 5, box.x0 + 150 : box.x1 - 150, 1:] //= 4  # red tissue
    declared = region(Box(box.x0, box.y0, 640, 2000))
    opened = open_instance(save(make_instance([pixels], regions=[declared]), tmp_path / "a.dcm"))
    assert assessor.assess(opened).top.flags == {Flag.COLOUR, Flag.REGION_CLIPPED}


def test_what_was_passed_over_in_the_file_reaches_the_reader_of_its_risk(
    assessor: Assessor, tmp_path: Path
) -> None:
    made = make_instance([make_frame(4).pixels], photometric=Photometric.MONOCHROME2)
    made.WindowCenter, made.WindowWidth, made.NumberOfFrames = 0, 0, 0
    path = put_in(save(made, tmp_path / "a.dcm"), short(0x0018, 0x602C, "FD", bytes(6)))
    flags = assessor.assess(open_instance(path)).top.flags
    assert flags >= {Flag.PASSED_OVER, Flag.FRAME_COUNT, Flag.DISPLAY}


def test_noise_is_unlike_the_training_data(assessor: Assessor, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    opened = open_instance(save(make_instance([noise]), tmp_path / "a.dcm"))
    with pytest.raises(UnlikeTraining, match=r"distance \d+\.\d\d, limit \d+\.\d\d") as refused:
        assessor.assess(opened)
    assert refused.value.found_by == RegionSource.CONTOUR.value


def test_no_lesion_is_no_risk(bundle: Bundle, instance: Instance) -> None:
    blind = Spoilt(bundle, lambda outputs: outputs["lesion_probability"].fill(0.1))
    with pytest.raises(NoTissue, match="no lesion"):
        Assessor(bundle, blind).assess(instance)


def test_a_black_image(assessor: Assessor, tmp_path: Path) -> None:
    made = make_instance([np.zeros((480, 640, 3), np.uint8)])
    with pytest.raises(NoTissue, match="black"):
        assessor.assess(open_instance(save(made, tmp_path / "a.dcm")))


def put(name: str, value: float) -> Callable[[Outputs], object]:
    return lambda outputs: outputs[name].flat.__setitem__(-1, value)


def cut(name: str) -> Callable[[Outputs], object]:
    return lambda outputs: outputs.update({name: outputs[name][..., :-1]})


@pytest.mark.parametrize(
    "spoil",
    [
        *(
            put(name, value)
            for name in ("class_probability", "lesion_probability")
            for value in (np.nan, np.inf, -np.inf, -0.01, 1.01)
        ),
        *(cut(name) for name in ("class_probability", "lesion_probability", "features")),
        *(
            (lambda outputs, name=name: outputs.pop(name))
            for name in ("class_probability", "lesion_probability", "features")
        ),
        lambda outputs: outputs.update(class_probability=outputs["class_probability"][:1]),
        lambda outputs: outputs["class_probability"].fill(0.3),
        lambda outputs: outputs.update(features=outputs["features"][:0]),
        lambda outputs: outputs.update(features=outputs["features"][0]),
    ],
)
def test_outputs_that_are_no_probability(
    spoil: Callable[[Outputs], object], bundle: Bundle, instance: Instance
) -> None:
    with pytest.raises(RunnerError):
        Assessor(bundle, Spoilt(bundle, spoil)).assess(instance)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_features_out_of_this_world_are_unlike_training(
    value: float, bundle: Bundle, instance: Instance
) -> None:
    with pytest.raises(UnlikeTraining):
        Assessor(bundle, Spoilt(bundle, lambda o: o["features"].fill(value))).assess(instance)


def test_golden_case_of_the_real_runtime(bundle: Bundle) -> None:
    differences = check_golden(bundle, OnnxRuntime(bundle.files[NETWORK]))
    assert differences.keys() == {"class_probability", "lesion_probability", "features"}
    assert max(differences.values()) < bundle.manifest.tolerance["float32"]


@pytest.mark.parametrize("name", ["class_probability", "lesion_probability", "features"])
@pytest.mark.parametrize("by", [1e-3, np.nan])
def test_golden_case_that_differs(name: str, by: float, bundle: Bundle) -> None:
    def spoil(outputs: Outputs) -> None:
        outputs[name].flat[0] += by

    with pytest.raises(RunnerError, match=rf"does not reproduce.*{name} differs by .*Nothing is scored"):
        check_golden(bundle, Spoilt(bundle, spoil))


@pytest.mark.parametrize("spoil", [cut("features"), lambda outputs: outputs.pop("features")])
def test_golden_case_of_another_shape(spoil: Callable[[Outputs], object], bundle: Bundle) -> None:
    with pytest.raises(RunnerError, match="no features of the golden shape"):
        check_golden(bundle, Spoilt(bundle, spoil))


def test_a_golden_case_of_no_scan_proves_nothing(bundle: Bundle) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: values[:0] for name, values in bundle.arrays("golden.npz").items()})
    empty = replace(bundle, files={**bundle.files, "golden.npz": buffer.getvalue()})
    with pytest.raises(RunnerError):
        check_golden(empty, OnnxRuntime(bundle.files[NETWORK]))


def test_a_bundle_without_golden_case_is_not_trusted(bundle: Bundle) -> None:
    empty = replace(bundle, files={**bundle.files, "golden.npz": bundle.files["reference.npz"]})
    with pytest.raises(RunnerError):
        check_golden(empty, OnnxRuntime(bundle.files[NETWORK]))


def test_precision_without_tolerance(bundle: Bundle) -> None:
    with pytest.raises(RunnerError, match="float16"):
        check_golden(bundle, OnnxRuntime(bundle.files[NETWORK]), "float16")
