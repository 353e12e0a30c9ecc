"""A study of a patient as the agent tells it (docs/watch-protocol.md), its figures, and the facts in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.view.agent.messages import Message, Model, Row, SlideKey, StudyKey
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


def study_of(said: Message) -> Study:
    figures = said["risk"]
    return Study(
        key=(str(said["study_instance_uid"]), str(said["patient_id"] or "")),
        state=safe(said["state"]),
        why=safe(said["why"] or ""),
        facts={
            safe(name): Fact(safe(str(fact["value"])), safe(fact["source"] or ""), bool(fact["used"]))
            for name, fact in said["facts"].items()
        },
        figures=None if figures is None else _figures(figures),
        sides={safe(side): _figures(told) for side, told in (said["sides"] or {}).items() if told},
        digest=safe(said["digest"] or ""),
        lesions={int(number): _lesion(told) for number, told in (said.get("lesions") or {}).items()},
        slides=int(said.get("slides") or 0),
    )


def _lesion(said: Message) -> Lesion:
    figures = None if said["risk"] is None else _figures(said["risk"])
    return Lesion(tuple(safe(str(side)) for side in said["sides"]), figures)


def _figures(said: Message) -> Figures:
    slide = said["highest_slide"]
    return Figures(
        highest=float(said["highest"]),
        highest_slide=None if slide is None else (str(slide[0]), int(slide[1])),
        mean=float(said["mean"]),
        vote={"above": True, "below": False, "tie": None}[said["vote"]],
        agreement=float(said["agreement"]),
        above_threshold=int(said["above_threshold"]),
        slides=int(said["slides"]),
        discordant=bool(said["discordant"]),
        left_out=int(said["left_out"]),
        disputed=int(said["disputed"]),
        if_unknown=bool(said.get("risk_if_unknown")),
        highest_number=int(said.get("highest_slide_number") or 0),
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
