"""Annotations leave a scan, everything else stays bit for bit; and nobody believes a denoiser run wild."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scanside.assess.assessor import Assessor
from scanside.assess.denoise import Denoiser, denoiser_of
from scanside.dicom.instance import Instance
from scanside.errors import RunnerError, UnlikeTraining
from scanside.flags import Flag
from scanside.image import Box, Frame, Size
from scanside.model.bundle import DENOISER, Bundle
from scanside.model.manifest import DenoiserLimits
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.protocol import Arrays
from scanside.scan.instance import open_instance
from scanside.scan.prepare import cut, prepare, prepare_mask
from scanside.scan.types import Region, RegionSource, Scan
from tests.synth.bundle import INPUT_SIZE
from tests.synth.dicom import make_instance, save
from tests.synth.scans import YELLOW, SynthFrame, make_frame

Outputs = dict[str, NDArray[np.float32]]


class Spoilt:
    """The real runtime, whose outputs are then changed."""

    name = "Spoilt runtime"

    def __init__(self, bundle: Bundle, spoil: Callable[[Outputs], object]) -> None:
        self._runner, self._spoil = OnnxRuntime(bundle.files[DENOISER]), spoil

    def run(self, inputs: Arrays) -> Outputs:
        outputs = {name: values.copy() for name, values in self._runner.run(inputs).items()}
        self._spoil(outputs)
        return outputs


@pytest.fixture(scope="module")
def denoiser(with_denoiser: Bundle) -> Denoiser:
    made = denoiser_of(with_denoiser)
    assert made is not None
    return made


def scan_of(made: SynthFrame, size: Size = INPUT_SIZE, grey: bool = False) -> Scan:
    whole = Region(Box(0, 0, made.size.width, made.size.height), RegionSource.CONTOUR)
    pixels = made.pixels[..., 0].copy() if grey else made.pixels
    return prepare(Frame(pixels), whole, size, chroma=True)


def a_scan(**changes: object) -> Scan:
    """Tissue of one grey with a yellow stroke, and how coloured it is."""
    made = make_frame(3, annotated=False)
    pixels = made.pixels.copy()
    pixels[236:244, 250:390] = YELLOW
    whole = Region(Box(0, 0, made.size.width, made.size.height), RegionSource.CONTOUR)
    return replace(prepare(Frame(pixels), whole, INPUT_SIZE, chroma=True), **changes)


def test_the_stroke_goes_and_the_rest_stays_bit_for_bit(denoiser: Denoiser) -> None:
    scan = a_scan()
    before = scan.pixels.copy()
    found = denoiser.remove(scan)
    assert scan.chroma is not None
    assert found.mask[scan.chroma > 0.5].all() and 0 < found.share < 0.05
    assert np.array_equal(found.scan.pixels[~found.mask], before[~found.mask])
    assert found.scan.pixels[scan.chroma > 0.5].max() < before[scan.chroma > 0.5].min()
    assert np.array_equal(scan.pixels, before)
    assert found.scan.flags == scan.flags | {Flag.ANNOTATIONS}
    assert found.scan.pixels.dtype == np.float32
    assert found.share == pytest.approx(np.count_nonzero(found.mask) / found.mask.size)


def test_what_is_put_in_is_of_the_256_greys(denoiser: Denoiser) -> None:
    found = denoiser.remove(a_scan())
    greys = found.scan.pixels[found.mask] * np.float32(255)
    assert np.array_equal(np.rint(greys).astype(np.uint8) / np.float32(255), found.scan.pixels[found.mask])


def test_nothing_found_is_the_very_scan(denoiser: Denoiser) -> None:
    scan = replace(scan_of(make_frame(3, annotated=False)), pixels=np.full(INPUT_SIZE, 0.4, np.float32))
    found = denoiser.remove(scan)
    assert found.scan is scan and not found.mask.any() and found.share == 0


def test_a_few_pixels_are_none(denoiser: Denoiser) -> None:
    chroma = np.zeros(INPUT_SIZE, np.float32)
    chroma[40, 60] = 0.9
    scan = a_scan(pixels=np.full(INPUT_SIZE, 0.4, np.float32), chroma=chroma)
    found = denoiser.remove(scan)
    assert np.count_nonzero(found.mask) == 9 and found.scan is not scan
    stricter = Denoiser(denoiser.runner, replace(denoiser.limits, min_pixels=10)).remove(scan)
    assert stricter.scan is scan and not stricter.mask.any()


def test_too_much_to_be_true_is_not_scored(denoiser: Denoiser) -> None:
    chroma = np.zeros(INPUT_SIZE, np.float32)
    chroma[: INPUT_SIZE.height // 4] = 0.9
    with pytest.raises(UnlikeTraining, match=r"\d+% of the scan looks like text or marks, limit 20%"):
        denoiser.remove(a_scan(chroma=chroma))


def test_a_grey_scan_has_no_chroma_and_is_denoised_all_the_same(denoiser: Denoiser) -> None:
    scan = scan_of(make_frame(2), grey=True)
    assert scan.chroma is None
    coloured = replace(scan, chroma=np.zeros_like(scan.pixels))
    assert np.array_equal(denoiser.remove(scan).mask, denoiser.remove(coloured).mask)


def test_chroma_is_made_only_when_asked_for_and_lies_on_the_colours() -> None:
    made = make_frame(8, colour=True, annotated=False)
    frame = Frame(made.pixels)
    region = Region(Box(0, 0, made.size.width, made.size.height), RegionSource.CONTOUR)
    assert cut(frame, region).chroma is None and prepare(frame, region, INPUT_SIZE).chroma is None
    scan = prepare(frame, region, INPUT_SIZE, chroma=True)
    plain = prepare(frame, region, INPUT_SIZE)
    assert np.array_equal(scan.pixels, plain.pixels) and scan.origin == plain.origin
    coloured = prepare_mask(np.ptp(made.pixels, axis=2) > 60, scan.origin, INPUT_SIZE, above=0.9)
    assert coloured.sum() > 200 and scan.chroma is not None
    assert scan.chroma[coloured].min() > 0.5
    assert scan.chroma.max() <= 1 and scan.chroma[scan.pixels == 0].max() < 0.05


def put(name: str, value: float) -> Callable[[Outputs], object]:
    return lambda outputs: outputs[name].flat.__setitem__(-1, value)


@pytest.mark.parametrize("name", ["annotation_probability", "clean"])
@pytest.mark.parametrize(
    "spoil",
    [
        *(lambda name, value=value: put(name, value) for value in (np.nan, np.inf, -0.01, 1.01)),
        lambda name: lambda outputs: outputs.pop(name),
        lambda name: lambda outputs: outputs.update({name: outputs[name][..., :-1]}),
        lambda name: lambda outputs: outputs.update({name: outputs[name][0]}),
    ],
)
def test_what_is_no_probability_or_no_scan(
    name: str, spoil: Callable[[str], Callable[[Outputs], object]], with_denoiser: Bundle
) -> None:
    broken = Denoiser(Spoilt(with_denoiser, spoil(name)), DenoiserLimits(0.5, 1, 0.2))
    with pytest.raises(RunnerError, match=f"the denoiser.* {name}"):
        broken.remove(a_scan())


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> tuple[SynthFrame, Instance]:
    made = make_frame(4)
    folder = tmp_path_factory.mktemp("annotated")
    return made, open_instance(save(make_instance([made.pixels]), folder / "a.dcm"))


def test_an_assessment_says_what_was_removed_and_where(
    with_denoiser: Bundle, annotated: tuple[SynthFrame, Instance]
) -> None:
    made, instance = annotated
    result = Assessor(with_denoiser).assess(instance)
    top = result.top
    assert Flag.ANNOTATIONS in top.flags and 0 < top.annotated_share < 0.1
    assert top.annotations is not None and top.annotations.shape == made.size
    strokes = made.text & made.sector
    assert (top.annotations & strokes).sum() > 0.8 * strokes.sum()
    assert list(result.timings_ms) == ["decode", "prepare", "denoise", "network"]


def test_the_network_gets_the_denoised_scan(
    with_denoiser: Bundle, annotated: tuple[SynthFrame, Instance]
) -> None:
    made, instance = annotated
    seen: list[NDArray[np.float32]] = []

    class Watched:
        name = "Watched"

        def run(self, inputs: Arrays) -> Outputs:
            seen.append(inputs["scan"][0, 0].copy())
            return OnnxRuntime(with_denoiser.files["network.onnx"]).run(inputs)

    Assessor(with_denoiser, Watched()).assess(instance)
    denoiser = denoiser_of(with_denoiser)
    assert denoiser is not None
    assert np.array_equal(seen[0], denoiser.remove(scan_of(made)).scan.pixels)
    assert not np.array_equal(seen[0], scan_of(made).pixels)


def test_without_a_denoiser_nothing_is_said_of_annotations(
    bundle: Bundle, annotated: tuple[SynthFrame, Instance]
) -> None:
    assert denoiser_of(bundle) is None
    top = Assessor(bundle).assess(annotated[1]).top
    assert top.annotations is None and Flag.ANNOTATIONS not in top.flags
