"""What a network says under each value of the clinical facts, and what is left of it once some are known.

The network runs once, for every case. A fact that becomes known later only picks from them: the risk is the
very number that the network gave, whenever the fact was given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scanside.facts import fits, open_facts


@dataclass(frozen=True)
class CaseRisk:
    """What the network says in one case.

    Attributes:
        facts: as `scanside.facts.Case` has them.
        risk: probability of malignancy, 0 to 1.
        class_probabilities: by class name, summing to 1.
    """

    facts: Mapping[str, str]
    risk: float
    class_probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """What the cases that are possible say together.

    Attributes:
        risk: probability of malignancy, 0 to 1; None when it hangs on an unknown fact.
        risk_if: risk under each value that the unknown facts may have; empty when all are known.
        class_probabilities: by class name; the mean over `risk_if` where that is filled.
        unknown: names of the facts on which the risk hangs.
        facts: the known facts that the model asks for, and that the risk stands on.
    """

    risk: float | None
    risk_if: Mapping[str, float]
    class_probabilities: Mapping[str, float]
    unknown: tuple[str, ...]
    facts: Mapping[str, str]

    @property
    def highest(self) -> float:
        """The risk, or the highest that it may be."""
        return max(self.risk_if.values()) if self.risk is None else self.risk


def narrowed(cases: Sequence[CaseRisk], known: Mapping[str, str]) -> Outcome:
    """The outcome of `cases` where the facts `known` are known; those that no case names mean nothing.

    Raises:
        ValueError: no case is left: a fact has a value that the network was never asked about.
    """
    left = [case for case in cases if fits(case.facts, known)]
    if not left:
        raise ValueError(f"no case fits the facts {dict(known)}")
    unknown = open_facts([case.facts for case in left])
    names = list(left[0].class_probabilities)
    rows = [[case.class_probabilities[name] for name in names] for case in left]
    means = np.array(rows, np.float32).mean(axis=0)
    labels = (", ".join(case.facts[name] for name in unknown) for case in left)
    return Outcome(
        risk=None if unknown else left[0].risk,
        risk_if={label: case.risk for label, case in zip(labels, left, strict=True)} if unknown else {},
        class_probabilities=dict(zip(names, map(float, means), strict=True)),
        unknown=unknown,
        facts={name: value for name, value in left[0].facts.items() if known.get(name) == value},
    )
