"""The assessments of one study together: a study holds two ovaries and several lesions."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StudyRisk:
    """What the scored slides of a study say together.

    Attributes:
        highest: the highest risk of a slide; always shown beside the vote.
        mean: mean risk of the slides.
        malignant: number of slides at or above the threshold.
        slides: number of scored slides.
    """

    highest: float
    mean: float
    malignant: int
    slides: int

    @property
    def vote(self) -> bool | None:
        """Majority of the slides: True is malignant, None a tie (thesis, section 8)."""
        if 2 * self.malignant == self.slides:
            return None
        return 2 * self.malignant > self.slides

    @property
    def agreement(self) -> float:
        """Share of the slides on the majority's side, from one half to 1."""
        return max(self.malignant, self.slides - self.malignant) / self.slides

    @property
    def discordant(self) -> bool:
        """Whether slides lie on both sides of the threshold."""
        return 0 < self.malignant < self.slides


def study_risk(risks: Sequence[float], threshold: float) -> StudyRisk | None:
    """Aggregate the risks of a study's scored slides; None when there is none."""
    if not risks:
        return None
    malignant = sum(risk >= threshold for risk in risks)
    return StudyRisk(max(risks), sum(risks) / len(risks), malignant, len(risks))
