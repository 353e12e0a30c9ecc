"""File in, row out: what the worker process does for the agent, and `edge assess` for a person."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from edge.entries.finding import Found, ScanFound, derived
from edge.identity import identity, text
from edge.protocol.row import (
    FAILED,
    NEW_VERSION,
    NOT_SCORED,
    SCORED,
    UNDECODED,
    Acquisition,
    Preview,
    Row,
    now,
)
from edge.scoring.acquisition import read_acquisition
from edge.scoring.annotations import told
from edge.scoring.cines import AS_A_WHOLE
from edge.scoring.jobs import Inspection, Result
from edge.scoring.machine import fault_of_machine
from edge.scoring.preview import draw, draw_prepared, outlines
from scanside.assess.assessor import Assessment, Assessor
from scanside.assess.choose import open_network
from scanside.dicom.header import read_attributes
from scanside.dicom.instance import Instance
from scanside.errors import NoTissue, NotScorable, OtherExam, RunnerError, UnlikeTraining, Unreadable
from scanside.exam.ask import ExamFindings, ask_header
from scanside.exam.options import ExamOptions
from scanside.image import Frame
from scanside.model.bundle import Bundle
from scanside.runtime.preference import RuntimeOptions
from scanside.scan.instance import open_instance
from scanside.scan.place.region import find_regions

_IDENTITY = [
    "StudyInstanceUID", "SOPInstanceUID", "PatientName", "PatientID", "IssuerOfPatientID",
    "SpecificCharacterSet", "StudyDate", "StudyTime", "AcquisitionDateTime", "AcquisitionDate",
    "AcquisitionTime", "ContentDate", "ContentTime", "AccessionNumber", "StationName",
]  # fmt: skip
_log = logging.getLogger(__name__)


class Inference:
    """A bundle that has proved itself in this process.

    Args:
        bundle: the model.
        options: the runtimes that it may run in.
        exam: how headers are asked whether they belong to an exam of an ovary.

    Attributes:
        choice: the runtime that it runs in, and why in none that is preferred to it.

    Raises:
        RunnerError: no runtime of the options reproduces the bundle's golden case.
    """

    def __init__(self, bundle: Bundle, options: RuntimeOptions, exam: ExamOptions | None = None) -> None:
        self._exam = exam or ExamOptions()
        self.choice = open_network(bundle, options)
        self._assessor = Assessor(bundle, self.choice.runner, self.choice.denoiser)
        reader = partial(open_instance, secondary_capture=self._exam.secondary_capture)
        self._open = lru_cache(maxsize=1)(reader)  # frames of a cine come one after the other
        manifest = bundle.manifest
        name, precision = f"{manifest.name} {manifest.version}", self.choice.precision
        # Another precision gives other risks, if only a little: it is named, and no result is taken over.
        model = name if precision == "float32" else f"{name}, {precision}"
        self._model = {"bundle_digest": bundle.digest, "model": model}
        self._threshold = manifest.threshold

    def assess(
        self,
        path: Path,
        sop_instance_uid: str,
        study_instance_uid: str | None,
        frame: int,
        previous: Row | None = None,
        *,
        may_reuse: bool = True,
    ) -> Result:
        """The result for one frame (1-based) of the instance at `path`; it never raises.

        Args:
            previous: the result of what came before under this UID; it is taken over when the image is the
                same and so is the model.
            may_reuse: False: it is not taken over in any case.
        """
        said: dict[str, object] = {}
        machine: str | None = None
        undecoded: tuple[str, ...] = ()
        acquisition = Acquisition()
        preview, readable, found = None, True, None
        prepared: tuple[Preview, ...] = ()
        exam = ExamFindings()
        try:
            instance = self._open(path)
            undecoded = identity(instance.header).flags
            acquisition = read_acquisition(instance.header)
            exam = ask_header(instance.header, self._exam, lambda: instance.frame(frame - 1).pixels)
            if may_reuse and previous is not None and _may_remain(previous, exam):
                digest = _digest(instance, instance.frame(frame - 1))
                model = {"bundle_digest": previous.bundle_digest, "model": previous.model}
                if digest == previous.image_digest and model == self._model:
                    flags = [flag for flag in previous.flags if flag not in UNDECODED]
                    row = replace(
                        previous,
                        study_instance_uid=study_instance_uid,
                        flags=(*flags, *undecoded),
                        **asdict(acquisition),
                    )
                    return Result(row, reused=True)
            try:
                if exam.reason is not None:
                    raise OtherExam(exam.reason)
                assessment = self._assessor.assess(instance, frame - 1)
                said = _scored(assessment)
                said["image_digest"] = _digest(instance, assessment.frame)
                preview = draw(assessment.frame, assessment.top.mask, assessment.top.annotations)
                found = _found(assessment, self._threshold, exam.flags)
                prepared = tuple(draw_prepared(scan.prepared, scan.lesion) for scan in assessment.scans)
            except (NoTissue, OtherExam, UnlikeTraining) as reason:
                image = instance.frame(frame - 1)
                said = {"state": NOT_SCORED, "reason": str(reason), "found_by": reason.found_by}
                said["image_digest"] = _digest(instance, image)
                preview = draw(image, None)
        except NotScorable as reason:
            machine = fault_of_machine(reason)
            said = {"state": NOT_SCORED, "reason": str(reason)}
            readable = not isinstance(reason, Unreadable)
        except RunnerError as error:
            machine = fault_of_machine(error)
            said = {"state": FAILED, "reason": str(error)}
        except Exception as error:  # a bug of ours must not stop the next patient's image
            machine = fault_of_machine(error)
            # Else a newer version took its place meanwhile, and nobody waits for this row.
            if path.exists() and not machine:
                _log.exception("frame %d of %s", frame, sop_instance_uid)
            said = {"state": FAILED, "reason": f"the program failed: {type(error).__name__}: {error}"}
        said |= {"flags": (*exam.flags, *undecoded), "exam": _told(exam), **asdict(acquisition)}
        row = Row(sop_instance_uid, frame, study_instance_uid, assessed_at=now(), **self._model, **said)  # type: ignore[arg-type]
        if previous is not None and (
            NEW_VERSION in previous.flags or previous.image_digest not in (None, row.image_digest)
        ):
            row = replace(row, flags=(*row.flags, NEW_VERSION), superseded=True)
        derived_row = derived(row, found, {}).row
        return Result(derived_row, preview, readable, found=found, prepared=prepared, machine=machine)


def inspect(path: Path, exam: ExamOptions | None = None) -> Inspection:
    """What the header says; it never raises.

    Args:
        exam: as for `Inference`. Of a cine of another exam the first frame alone tells why.
    """
    try:
        options = exam or ExamOptions()
        instance = open_instance(path, secondary_capture=options.secondary_capture)
        refused = ask_header(instance.header, options).reason is not None
        return _inspection(instance.header, 1 if refused else instance.frame_count, None)
    except NotScorable as reason:
        if machine := fault_of_machine(reason):
            return Inspection(reason=machine, machine=machine)
        return _inspection(_identity(path), 0, str(reason))
    except Exception as error:  # its text may cite the header, and so name the patient: not for the log
        if machine := fault_of_machine(error):
            return Inspection(reason=machine, machine=machine)
        if path.exists():
            _log.error("header of %s: %s", path.name, type(error).__name__)
        return _inspection(_identity(path), 0, f"the header can't be read: {type(error).__name__}: {error}")


def _scored(assessment: Assessment) -> dict[str, object]:
    """What does not hang on clinical facts; the rest follows from what `_found` says."""
    return {
        "state": SCORED,
        "scans": len(assessment.scans),
        "skipped": assessment.skipped,
        "timings_ms": {name: round(time, 2) for name, time in assessment.timings_ms.items()},
    }


def _may_remain(previous: Row, exam: ExamFindings) -> bool:
    """Whether the header says the same of the exam, and the result hung on no other frame."""
    return previous.exam == _told(exam) and not (previous.reason or "").startswith(AS_A_WHOLE)


def _told(exam: ExamFindings) -> tuple[str, ...]:
    """As the row has it: a result hangs on it, beside the image and the model."""
    return (*exam.refusals, *exam.doubts)


def _found(assessment: Assessment, threshold: float, exam_flags: Sequence[str]) -> Found:
    several = len(assessment.scans) > 1
    scans = []
    for scan in assessment.scans:
        drawn = outlines(assessment.frame, scan.mask, scan.annotations) if several else (None, None)
        scans.append(
            ScanFound(
                cases=scan.cases,
                flags=[*exam_flags, *sorted(flag.value for flag in scan.flags)],
                found_by=scan.found_by.value,
                distance=scan.distance,
                box=scan.box,
                annotations=told(scan),
                outline=drawn[0],
                removed=drawn[1],
            )
        )
    return Found(threshold, scans)


def _digest(instance: Instance, frame: Frame) -> str:
    """SHA-256 of all that a result hangs on beside the model: the decoded frame, and where the scan lies."""
    regions: list[object]
    try:
        regions = [
            (*region.box, region.found_by.value, *sorted(flag.value for flag in region.flags))
            for region in find_regions(instance.header, frame.size)
        ]
    except NoTissue as reason:
        regions = [str(reason)]
    flags = sorted(flag.value for flag in instance.flags)
    digest = hashlib.sha256(f"{frame.pixels.shape} {regions} {flags}".encode())
    digest.update(np.ascontiguousarray(frame.pixels).data)
    return digest.hexdigest()


def _identity(path: Path) -> Dataset:
    """What little can be read of a file that is no image; empty when nothing can."""
    return read_attributes(path, _IDENTITY)


def _inspection(header: Dataset, frame_count: int, reason: str | None) -> Inspection:
    who = identity(header)
    return Inspection(
        sop_instance_uid=text(header, "SOPInstanceUID"),
        study_instance_uid=text(header, "StudyInstanceUID") or None,
        patient=who.patient,
        flags=who.flags,
        acquisition=read_acquisition(header),
        frame_count=frame_count,
        reason=reason,
    )
