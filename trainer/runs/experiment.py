"""An experiment: its arms, and the comparisons that are named before any of them is trained."""

from dataclasses import dataclass

from trainer.runs.arm import Arm


@dataclass(frozen=True)
class ArmPair:
    """Two arms that are compared in one figure; decided before anything is run.

    Attributes:
        figure: a name in trainer.statistics.arm.FIGURES.
    """

    first: Arm
    second: Arm
    figure: str


@dataclass(frozen=True)
class Experiment:
    """A table of the thesis, or a question that its text raises.

    Attributes:
        arms: in the order of the rows.
        pairs: `first` less `second` in a figure, corrected together (Holm).
    """

    name: str
    title: str
    arms: tuple[Arm, ...]
    pairs: tuple[ArmPair, ...] = ()

    def label(self, arm: Arm) -> str:
        """Return the arm's name, with what sets it apart from the others here."""
        datasets, starts, shares = (
            {getattr(a, f) for a in self.arms} for f in ("dataset", "pretrained", "share")
        )
        extra = [{"mmotu": "MMOTU", "hospital": "hospital"}[arm.dataset]] if len(datasets) > 1 else []
        if len(starts) > 1 and len(datasets) == 1:
            extra += ["pre-trained" if arm.pretrained else "from scratch"]
        extra += [f"{round(100 * arm.share)} %"] if len(shares) > 1 else []
        return ", ".join([arm.name, *extra])
