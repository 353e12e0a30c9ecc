"""A study of a patient as the agent tells it (docs/watch-protocol.md), its figures, and the facts in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.protocol.study import LesionState, RiskFigures, StudyState
from edge.view.agent.messages import Model, Row, SlideKey, StudyKey
from edge.view.text import safe
from scanside.assess.study import study_risk


@dataclass(frozen=True)
class Figures:
    """What the slides say together that are scored and not left out.

    Attributes:
        highest_slide: which has the highest risk; None when the agent does not say.
        highest_number: its number in the study; 0 likewise.
        vote: majority of the slides, True is above the threshold, None a tie.
        agreement: share of the slides on the majority's side.
        if_unknown: whether a clinical fact is unknown, so that slides count with their highest risk.
    """

    highest: float
    highest_slide: SlideKey | None
    mean: float
    vote: bool | None
    agreement: float
    above_threshold: int
    slides: int
    discordant: bool
    left_out: int = 0
    disputed: int = 0
    if_unknown: bool = False
    highest_number: int = 0


@dataclass(frozen=True)
class Fact:
    """A clinical fact; `source` is empty when nobody gave it, `used` whether the model asks for it."""

    value: str
    source: str
    used: bool


@dataclass(frozen=True)
class Lesion:
    """A lesion to which slides were assigned: on which sides they lie, and their figures.

    Attributes:
        figures: None when they lie on both sides, and are not put together.
    """

    sides: tuple[str, ...]
    figures: Figures | None


@dataclass(frozen=True)
class Study:
    """All that the agent says of a study of one patient.

    Attributes:
        state: "provisional" or "final"; empty from an agent that says no states.
        why: why it is provisional.
        facts: by name, such as "menopausal_status".
        sides: by side, where one was assigned to a slide.
        digest: of the model that scored the slides behind the figures; empty when there are none.
        lesions: by number, where one was assigned to a slide.
        slides: how many there are, with those that wait; 0 when the agent does not say.
    """

    key: StudyKey
    state: str
    why: str
    facts: Mapping[str, Fact]
    figures: Figures | None
    sides: Mapping[str, Figures]
    digest: str
    lesions: Mapping[int, Lesion] = field(default_factory=dict)
    slides: int = 0

    @property
    def all_figures(self) -> tuple[Figures, ...]:
        """Of the whole, of its sides and of its lesions."""
        lesions = (lesion.figures for lesion in self.lesions.values())
        return tuple(one for one in (self.figures, *self.sides.values(), *lesions) if one)

    def figures_by(self, model: Model) -> Figures | None:
        """The figures, if `model` gave them: another one's can't be held against its threshold."""
        return self.figures if self.digest == model.digest else None


def read_study(study: StudyState) -> Study:
    """Make what the agent says of a study harmless."""
    return Study(
        key=(study.study_instance_uid, study.patient_id),
        state=safe(study.state),
        why=safe(study.why or ""),
        facts={
            safe(name): Fact(safe(fact.value), safe(fact.source or ""), fact.used)
            for name, fact in study.facts.items()
        },
        figures=None if study.risk is None else _figures(study.risk),
        sides={safe(side): _figures(risk) for side, risk in study.sides.items()},
        digest=safe(study.digest or ""),
        lesions={int(number): _lesion(lesion) for number, lesion in study.lesions.items()},
        slides=study.slides,
    )


def _lesion(lesion: LesionState) -> Lesion:
    figures = None if lesion.risk is None else _figures(lesion.risk)
    return Lesion(tuple(safe(side) for side in lesion.sides), figures)


def _figures(risk: RiskFigures) -> Figures:
    return Figures(
        highest=risk.highest,
        highest_slide=risk.highest_slide,
        mean=risk.mean,
        vote={"above": True, "below": False, "tie": None}[risk.vote],
        agreement=risk.agreement,
        above_threshold=risk.above_threshold,
        slides=risk.slides,
        discordant=risk.discordant,
        left_out=risk.left_out,
        disputed=risk.disputed,
        if_unknown=risk.risk_if_unknown,
        highest_number=risk.highest_slide_number or 0,
    )


def study_of_rows(key: StudyKey, rows: Sequence[Row], model: Model) -> Study:
    """The same from its slides, for an agent that tells no studies."""
    scored = [row for row in rows if row.risks]
    risk = study_risk([max(row.risks) for row in scored], model.threshold)
    if {row.digest for row in scored} - {model.digest}:
        return Study(key, "", "slides were scored by another model", {}, None, {}, "")
    figures = None
    if risk is not None:
        figures = Figures(
            highest=risk.highest,
            highest_slide=max(scored, key=lambda row: max(row.risks)).key,
            mean=risk.mean,
            vote=risk.vote,
            agreement=risk.agreement,
            above_threshold=risk.above_threshold,
            slides=risk.slides,
            discordant=risk.discordant,
            if_unknown=any(row.risk is None for row in scored),
        )
    return Study(key, "", "", {}, figures, {}, model.digest)
