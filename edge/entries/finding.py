"""What was found in a frame before anything was known of the patient, and the row that follows from it.

The index keeps both: whatever is entered later, the row is derived anew, and the network is not run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edge.protocol.row import OF_INSTANCE, SCORED, Polygons, Row
from scanside.assess.cases import CaseRisk, narrowed
from scanside.assess.study import Side, Slide


@dataclass(frozen=True)
class ScanFound:
    """One scored scan of a frame; `box` and the rest as in scanside.assess.assessor.ScoredScan and a row.

    Attributes:
        outline, removed: polygons for the preview, where the frame has several scans: the lesion, and
            what the denoiser replaced.
    """

    cases: Sequence[CaseRisk]
    flags: Sequence[str]
    found_by: str
    distance: float
    box: Sequence[int]
    annotations: Mapping[str, Any] | None = None
    outline: Polygons | None = None
    removed: Polygons | None = None


@dataclass(frozen=True)
class Found:
    """All of a frame.

    Attributes:
        threshold: risk from which the model that scored it counts it as above.
        scans: at least one.
    """

    threshold: float
    scans: Sequence[ScanFound]


@dataclass(frozen=True)
class Marks:
    """What a person entered about one slide."""

    side: Side | None = None
    lesion: int | None = None
    left_out: bool = False
    left_out_reason: str | None = None
    disputed: str | None = None


@dataclass(frozen=True)
class Derived:
    """What follows from what was found and what was entered.

    Attributes:
        slide: what the study's figures need of it.
        speaks: index of the scan that speaks for the frame.
    """

    row: Row
    slide: Slide
    speaks: int = 0


def derived(row: Row, found: Found | None, known: Mapping[str, str], marks: Marks = Marks()) -> Derived:
    """The row under the facts `known` and with `marks`.

    Args:
        row: as it was derived before, or without anything that hangs on facts.
        found: None where the frame was not scored.
    """
    marked = replace(row, **vars(marks))
    slide = Slide(
        side=marks.side,
        lesion=marks.lesion,
        left_out=marks.left_out,
        disputed=marks.disputed is not None,
    )
    if row.state != SCORED or found is None:
        return Derived(marked, slide)
    outcomes = [narrowed(scan.cases, known) for scan in found.scans]
    speaks = max(range(len(outcomes)), key=lambda index: outcomes[index].highest)
    scan, outcome = found.scans[speaks], outcomes[speaks]
    flags = (*scan.flags, *(flag for flag in row.flags if flag in OF_INSTANCE))
    row = replace(
        marked,
        risk=outcome.risk,
        risk_if=outcome.risk_if,
        threshold=found.threshold,
        above_threshold=None if outcome.risk is None else outcome.risk >= found.threshold,
        class_probabilities=outcome.class_probabilities,
        flags=flags,
        found_by=scan.found_by,
        distance=scan.distance,
        annotations=scan.annotations,
        facts=outcome.facts,
    )
    slide = replace(
        slide,
        risk=outcome.highest,
        unknown=outcome.unknown,
        threshold=found.threshold,
        digest=row.bundle_digest,
    )
    return Derived(row, slide, speaks)
