"""The assessments of one study together: a study holds two ovaries and several lesions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum


class Side(str, Enum):
    """Of the patient, not of the picture."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Slide:
    """What a study's figures need of one slide.

    Attributes:
        risk: 0 to 1; with unknown facts the highest that it may be; None when it was not scored.
        unknown: names of the clinical facts on which the risk hangs.
        threshold: risk from which the model that scored it counts it as above.
        digest: names that model.
        side: None when nobody assigned one.
        lesion: number of the lesion that it shows, from 1; None when nobody assigned one.
        left_out: a person took it out of the study's figures.
        disputed: a person doubts its result; it counts all the same.
    """

    risk: float | None = None
    unknown: tuple[str, ...] = ()
    threshold: float = 1.0
    digest: str | None = None
    side: Side | None = None
    lesion: int | None = None
    left_out: bool = False
    disputed: bool = False


@dataclass(frozen=True)
class StudyRisk:
    """What the scored slides of a study say together.

    Attributes:
        highest: the highest risk of a slide; always shown beside the vote.
        mean: mean risk of the slides.
        above_threshold: number of slides at or above the threshold.
        slides: number of scored slides.
        highest_at: index of the slide with the highest risk, the first of them.
        left_out: number of scored slides that a person left out; they count nowhere else.
        disputed: number of slides that count and whose result a person disputes.
        hangs_on_unknown: whether slides count with the highest risk that they may have.
    """

    highest: float
    mean: float
    above_threshold: int
    slides: int
    highest_at: int = 0
    left_out: int = 0
    disputed: int = 0
    hangs_on_unknown: bool = False

    @property
    def vote(self) -> bool | None:
        """Majority of the slides: True is above the threshold, None a tie (thesis, section 8)."""
        if 2 * self.above_threshold == self.slides:
            return None
        return 2 * self.above_threshold > self.slides

    @property
    def agreement(self) -> float:
        """Share of the slides on the majority's side, from one half to 1."""
        return max(self.above_threshold, self.slides - self.above_threshold) / self.slides

    @property
    def discordant(self) -> bool:
        """Whether slides lie on both sides of the threshold."""
        return 0 < self.above_threshold < self.slides


def study_risk(risks: Sequence[float], threshold: float) -> StudyRisk | None:
    """Aggregate the risks of a study's scored slides; None when there is none."""
    if not risks:
        return None
    above = sum(risk >= threshold for risk in risks)
    highest = max(risks)
    return StudyRisk(highest, sum(risks) / len(risks), above, len(risks), risks.index(highest))


@dataclass(frozen=True)
class Lesion:
    """The slides that count of what a person called one lesion.

    Attributes:
        sides: on which they lie, where that was assigned; both contradict each other.
        risk: of them together; None when they lie on both sides: a lesion lies on one, so it is not known
            which of them show it.
    """

    sides: tuple[Side, ...]
    risk: StudyRisk | None


@dataclass(frozen=True)
class StudyFigures:
    """The figures of a study whose slides persons may have assigned, left out or disputed.

    Attributes:
        whole: of all slides that count; None where there is none, or where two models scored them.
        sides: the same by side, of those sides that have slides which count.
        lesions: by number, of those lesions that have slides which count.
        digest: names the model that scored all slides that count; None where there is none or not one.
        threshold: of that model; None likewise.
        several_models: whether more than one model scored the slides that count; they are not put together.
        unknown: names of the clinical facts on which the figures hang.
    """

    whole: StudyRisk | None
    sides: Mapping[Side, StudyRisk]
    lesions: Mapping[int, Lesion]
    digest: str | None
    several_models: bool
    unknown: tuple[str, ...]
    threshold: float | None = None


def study_figures(slides: Sequence[Slide]) -> StudyFigures:
    """Put the slides of a study together; `highest_at` is an index of `slides`, whether they count or not."""
    counted = [slide for slide in slides if slide.risk is not None and not slide.left_out]
    models = {(slide.digest, slide.threshold) for slide in counted}
    unknown = tuple(dict.fromkeys(name for slide in counted for name in slide.unknown))
    if len(models) != 1:
        return StudyFigures(None, {}, {}, None, len(models) > 1, unknown)
    whole = _together(slides, range(len(slides)))
    by_side = {side: _together(slides, [i for i, s in enumerate(slides) if s.side is side]) for side in Side}
    sides = {side: risk for side, risk in by_side.items() if risk is not None}
    lesions = {number: _lesion(slides, number) for number in sorted({s.lesion for s in counted if s.lesion})}
    return StudyFigures(whole, sides, lesions, counted[0].digest, False, unknown, counted[0].threshold)


def _lesion(slides: Sequence[Slide], number: int) -> Lesion:
    which = [i for i, slide in enumerate(slides) if slide.lesion == number]
    seen = {slides[i].side for i in which if slides[i].risk is not None and not slides[i].left_out}
    sides = tuple(side for side in Side if side in seen)
    return Lesion(sides, _together(slides, which) if len(sides) < 2 else None)


def _together(slides: Sequence[Slide], which: Sequence[int]) -> StudyRisk | None:
    scored = [(i, slides[i], risk) for i in which if (risk := slides[i].risk) is not None]
    counted = [(i, slide, risk) for i, slide, risk in scored if not slide.left_out]
    if not counted:
        return None
    found = study_risk([risk for _, _, risk in counted], counted[0][1].threshold)
    return found and replace(
        found,
        highest_at=counted[found.highest_at][0],
        left_out=len(scored) - len(counted),
        disputed=sum(slide.disputed for _, slide, _ in counted),
        hangs_on_unknown=any(slide.unknown for _, slide, _ in counted),
    )
