"""Scan + clinical record + bundle -> Assessment: the path that every risk takes, top to bottom."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scanside.assess.cases import CaseRisk, narrowed
from scanside.assess.denoise import Denoised, denoiser_of
from scanside.assess.gate import UNLIKE, Reference
from scanside.dicom.instance import Instance
from scanside.errors import NoTissue, NotScorable, RunnerError, UnlikeTraining
from scanside.facts import Case, ClinicalRecord, known_facts, possible_cases
from scanside.flags import Flag
from scanside.image import Box, Frame, Mask
from scanside.model.bundle import NETWORK, REFERENCE, Bundle, Manifest
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.outputs import check_range
from scanside.runtime.protocol import Runner
from scanside.scan.prepare import find_scans, prepare, to_source
from scanside.scan.types import Region, RegionSource

MIN_LESION_SHARE = 0.001  # of the network's input: less is noise, not a lesion


@dataclass(frozen=True)
class ScoredScan:
    """What the network says about one scan; side-by-side views put several in a frame.

    Attributes:
        risk: probability of malignancy, 0 to 1; None when it hangs on an unknown clinical fact.
        risk_if: risk under each value that the unknown facts may have; empty when all are known.
        class_probabilities: by class name, summing to 1; the mean over `risk_if` where that is filled.
        cases: what the network says in every case, whatever is known: a fact that comes later picks from it.
        prepared: (h, w) float32 in [0, 1]: what the network got.
        lesion: (h, w) bool, its pixels: the lesion.
        mask: (H, W) bool, source pixels: the lesion.
        box: where in the frame the scan lies, source pixels.
        distance: how far from the training data, in the units of the bundle's threshold.
        annotations: (H, W) bool, source pixels: what the denoiser replaced; None where the bundle has none.
        annotated_share: of the network's input that it replaced.
    """

    risk: float | None
    risk_if: Mapping[str, float]
    class_probabilities: Mapping[str, float]
    cases: tuple[CaseRisk, ...]
    prepared: NDArray[np.float32]
    lesion: Mask
    mask: Mask
    box: Box
    found_by: RegionSource
    flags: frozenset[Flag]
    distance: float
    annotations: Mask | None = None
    annotated_share: float = 0.0

    @property
    def highest(self) -> float:
        """The risk, or the highest that it may be."""
        return max(self.risk_if.values()) if self.risk is None else self.risk


@dataclass(frozen=True)
class Assessment:
    """The result for one frame.

    Attributes:
        frame: the decoded frame that was assessed.
        scans: every scan of the frame that could be scored, the highest risk first.
        skipped: why the others were not, one reason each.
        timings_ms: decode, prepare, denoise (where the bundle has a denoiser), network.
    """

    frame: Frame
    scans: tuple[ScoredScan, ...]
    skipped: tuple[str, ...]
    timings_ms: Mapping[str, float]

    @property
    def top(self) -> ScoredScan:
        """The scan with the highest risk: it speaks for the frame."""
        return self.scans[0]


class Assessor:
    """A bundle made ready to score frames.

    Args:
        bundle: the model.
        runner: where it runs; ONNX Runtime on the CPU when not given.
        denoiser: where its denoiser runs, if it has one; likewise.
    """

    def __init__(self, bundle: Bundle, runner: Runner | None = None, denoiser: Runner | None = None) -> None:
        self.bundle = bundle
        self.runner = runner or OnnxRuntime(bundle.files[NETWORK])
        self._denoiser = denoiser_of(bundle, denoiser)
        self._reference = Reference(bundle.arrays(REFERENCE))

    def assess(
        self, instance: Instance, frame_index: int = 0, record: ClinicalRecord | None = None
    ) -> Assessment:
        """Score one frame.

        Raises:
            NotScorable: no scan of the frame can be scored; the message says why.
            RunnerError: the runtime failed or returned something that is no probability.
        """
        timings: dict[str, float] = {}
        with _timed(timings, "decode"):
            frame = instance.frame(frame_index)
        with _timed(timings, "prepare"):
            found = find_scans(instance.header, frame)
            if Flag.SECONDARY_CAPTURE in instance.flags and len(found) != 1:
                raise NoTissue(f"a copy of a screen (Secondary Capture) with {len(found)} scans, not one")
            regions = [replace(region, flags=region.flags | instance.flags) for region in found]
        scans, skipped = [], []
        for region in regions:
            try:
                scans.append(self._score(frame, region, record or ClinicalRecord(), timings))
            except NotScorable as reason:
                reason.found_by = region.found_by.value
                skipped.append(reason)
        if not scans:
            raise skipped[0]
        scans.sort(key=lambda scan: scan.highest, reverse=True)
        return Assessment(frame, tuple(scans), tuple(str(reason) for reason in skipped), timings)

    def _score(
        self, frame: Frame, region: Region, record: ClinicalRecord, timings: dict[str, float]
    ) -> ScoredScan:
        manifest = self.bundle.manifest
        with _timed(timings, "prepare"):
            scan = prepare(frame, region, manifest.input_size, chroma=self._denoiser is not None)
        denoised: Denoised | None = None
        if self._denoiser is not None:
            with _timed(timings, "denoise"):
                denoised = self._denoiser.remove(scan)
            scan = denoised.scan
        # Every case at once, what is known as well: another batch would give other last digits.
        cases = possible_cases(manifest.clinical_inputs, record.ca125_u_ml)
        inputs = {"scan": np.repeat(scan.pixels[None, None], len(cases), axis=0)}
        if manifest.clinical_inputs:
            inputs["clinical"] = np.array([case.inputs for case in cases], np.float32)
        with _timed(timings, "network"):
            outputs = self.runner.run(inputs)
        check_outputs(outputs, manifest, len(cases))
        distance = self._reference.distance(outputs["features"][0])
        if not distance <= manifest.max_distance:  # NaN is not like the training data either
            raise UnlikeTraining(f"{UNLIKE}: distance {distance:.2f}, limit {manifest.max_distance:.2f}")
        lesion = outputs["lesion_probability"][0]
        if float((lesion > 0.5).mean()) < MIN_LESION_SHARE:
            raise NoTissue("no lesion found in the scan")
        risks = _case_risks(cases, outputs["class_probability"], manifest)
        outcome = narrowed(risks, known_facts(record))
        return ScoredScan(
            risk=outcome.risk,
            risk_if=outcome.risk_if,
            class_probabilities=outcome.class_probabilities,
            cases=risks,
            prepared=scan.pixels,
            lesion=lesion > 0.5,
            mask=to_source(lesion, scan.origin),
            box=scan.origin.box,
            found_by=scan.found_by,
            flags=scan.flags,
            distance=distance,
            annotations=to_source(denoised.mask.astype(np.float32), scan.origin) if denoised else None,
            annotated_share=denoised.share if denoised else 0.0,
        )


def check_outputs(outputs: Mapping[str, NDArray[np.float32]], manifest: Manifest, batch: int) -> None:
    """Refuse what is no probability before it can reach a screen.

    Raises:
        RunnerError: an output is missing, of another shape, not finite or outside [0, 1].
    """
    shapes = {
        "class_probability": (batch, len(manifest.classes)),
        "lesion_probability": (batch, *manifest.input_size),
    }
    check_range(outputs, shapes, "the network")
    if not np.allclose(outputs["class_probability"].sum(axis=1), 1, atol=1e-3):
        raise RunnerError("the network's class probabilities do not sum to 1.")
    if "features" not in outputs or len(outputs["features"]) != batch:
        raise RunnerError("the network gave no features for the out-of-distribution gate.")


def _case_risks(
    cases: Iterable[Case], probabilities: NDArray[np.float32], manifest: Manifest
) -> tuple[CaseRisk, ...]:
    malignant = [index for index, c in enumerate(manifest.classes) if c.malignant]
    return tuple(
        CaseRisk(
            case.facts,
            min(1.0, float(row[malignant].sum())),
            {c.name: float(p) for c, p in zip(manifest.classes, row, strict=True)},
        )
        for case, row in zip(cases, probabilities, strict=True)
    )


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = timings.get(name, 0.0) + 1e3 * (time.perf_counter() - start)
