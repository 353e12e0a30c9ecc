"""Ask a header what exam it belongs to: what the rules find, sorted by what becomes of the image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.exam.options import ExamOptions
from scanside.exam.rules import RULES, Action, Asked

FLAG_PREFIX = "header: "


@dataclass(frozen=True)
class ExamFindings:
    """What the rules found in one header.

    Attributes:
        refusals: why the image is not scored, in the order of the rules; () where no rule refuses it.
        doubts: what a reader of its risk has to know.
    """

    refusals: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def reason(self) -> str | None:
        """Why the image is not scored, as one sentence; None where no rule refuses it."""
        return f"not an ovary by its header: {'; '.join(self.refusals)}" if self.refusals else None

    @property
    def flags(self) -> tuple[str, ...]:
        """The doubts as flags of a result."""
        return tuple(FLAG_PREFIX + doubt for doubt in self.doubts)


def ask_header(
    header: Dataset, options: ExamOptions, pixels: Callable[[], NDArray[np.uint8]] | None = None
) -> ExamFindings:
    """What the rules find in a header.

    Args:
        pixels: decodes the frame; asked only where the header declares a trace. Without it no trace is found.

    Raises:
        NotScorable: what `pixels` raises.
    """
    asked = Asked(header, options.min_age_years, pixels)
    found: dict[Action, list[str]] = {action: [] for action in Action}
    for rule in RULES:
        action = options.actions.get(rule.name, rule.action)
        said = None if action is Action.OFF else rule.find(asked)
        if said is not None:
            found[action].append(said)
    return ExamFindings(tuple(found[Action.REFUSE]), tuple(found[Action.FLAG]))
