"""A study of a patient, as views and `edge results --studies --json` get it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FactState:
    """A clinical fact; `source` is None where nobody gave it, `used` whether the model asks for it."""

    value: str
    source: str | None
    used: bool


@dataclass(frozen=True)
class RiskFigures:
    """What the slides say together that are scored and not left out.

    Attributes:
        highest_slide: instance and frame of the slide with the highest risk.
        highest_slide_number: its number in the study.
        vote: of the majority: "above", "below" or "tie".
        agreement: share of the slides on the majority's side.
        risk_if_unknown: facts are unknown, and each slide counts with the highest risk that it may have.
    """

    highest: float
    highest_slide: tuple[str, int]
    mean: float
    vote: str
    agreement: float
    above_threshold: int
    slides: int
    discordant: bool
    left_out: int
    disputed: int
    highest_slide_number: int | None = None
    risk_if_unknown: bool = False


@dataclass(frozen=True)
class LesionState:
    """A lesion to which slides were assigned; `risk` is None where they lie on both sides."""

    sides: tuple[str, ...]
    risk: RiskFigures | None


@dataclass(frozen=True)
class StudyState:
    """The keys of docs/watch-protocol.md, where each is explained."""

    study_instance_uid: str
    patient_id: str
    state: str
    why: str | None
    facts: Mapping[str, FactState]
    risk: RiskFigures | None
    sides: Mapping[str, RiskFigures]
    digest: str | None
    lesions: Mapping[str, LesionState] = field(default_factory=dict)
    threshold: float | None = None
    slides: int = 0
