"""Clinical facts of a patient, and how the networks read them (thesis, figure 5). Unknown is a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from math import log2

import numpy as np
from numpy.typing import NDArray

from scanside.errors import BundleError


class MenopausalStatus(str, Enum):
    """Perimenopausal counts as postmenopausal (thesis, appendix C)."""

    PRE = "premenopausal"
    POST = "postmenopausal"
    UNKNOWN = "unknown"


class Centre(str, Enum):
    """Where the patient is seen: referral to an oncology centre is itself information."""

    ONCOLOGY = "oncology centre"
    OTHER = "other centre"
    UNKNOWN = "unknown"


CA125_CUTOFF = 35.0  # U/ml, the upper limit of normal (Bast et al., NEJM 1983)
CA125_MOST = 1e6  # U/ml; what is beyond is a slip of the pen

# An unknown CA125 gives the risk at a tenth of the cut-off, at the cut-off, and at ten times it.
_CA125_REFERENCES = (CA125_CUTOFF / 10, CA125_CUTOFF, CA125_CUTOFF * 10)
_CA125_OCTAVES = 5  # either side of the cut-off that the encoding tells apart: 1.1 to 1120 U/ml


@dataclass(frozen=True)
class ClinicalRecord:
    """The clinical facts of one patient.

    Attributes:
        ca125_u_ml: CA125 in serum, U/ml, above 0 and at most CA125_MOST; None is unknown.

    Raises:
        ValueError: a CA125 that can't be.
    """

    menopausal_status: MenopausalStatus = MenopausalStatus.UNKNOWN
    centre: Centre = Centre.UNKNOWN
    ca125_u_ml: float | None = None

    def __post_init__(self) -> None:
        if self.ca125_u_ml is not None and not 0 < self.ca125_u_ml <= CA125_MOST:
            raise ValueError(f"a CA125 of {self.ca125_u_ml} U/ml is not above 0 and at most {CA125_MOST:g}")


# Input name in a bundle -> attribute of the record and the value that is encoded as 1, the other as 0.
_ENCODING: dict[str, tuple[str, Enum, Enum]] = {
    "menopausal_status": ("menopausal_status", MenopausalStatus.PRE, MenopausalStatus.POST),
    "oncology_centre": ("centre", Centre.OTHER, Centre.ONCOLOGY),
}
_CA125 = "ca125"  # the one input that is no choice of two


def encode_ca125(u_ml: float) -> float:
    """U/ml -> 0 to 1: .5 at the cut-off, .1 more for each doubling, held at both ends.

    The logarithm to base 2 is how ADNEX reads CA125 (Van Calster et al., BMJ 2014).
    """
    return min(max(0.5 + log2(u_ml / CA125_CUTOFF) / (2 * _CA125_OCTAVES), 0.0), 1.0)


@dataclass(frozen=True)
class Case:
    """One answer to all that a bundle asks.

    Attributes:
        facts: by attribute of `ClinicalRecord`, the value that it has in this case.
        inputs: the same as the network reads it, in the bundle's order.
    """

    facts: Mapping[str, str]
    inputs: tuple[float, ...]


def possible_cases(names: tuple[str, ...], ca125_u_ml: float | None = None) -> tuple[Case, ...]:
    """Every answer to a bundle that asks for `names`, the last name changing fastest.

    An unknown CA125 has no two values to choose from: it stands at three references (3.5, 35, 350 U/ml). A
    known one is no question: it is in every case, and in no case's facts.

    Raises:
        BundleError: a name that this version can't encode.
    """
    choices: list[list[tuple[dict[str, str], float]]] = []
    for name in names:
        if name == _CA125:
            choices.append(_ca125_choices(ca125_u_ml))
            continue
        if name not in _ENCODING:
            known = ", ".join((*_ENCODING, _CA125))
            raise BundleError(f"the bundle asks for the clinical input '{name}'; known are: {known}.")
        attribute, zero, one = _ENCODING[name]
        choices.append([({attribute: zero.value}, 0.0), ({attribute: one.value}, 1.0)])
    return tuple(
        Case(
            {name: value for facts, _ in row for name, value in facts.items()}, tuple(code for _, code in row)
        )
        for row in product(*choices)
    )


def known_facts(record: ClinicalRecord) -> dict[str, str]:
    """What `record` says of the facts that have two values, as `Case.facts` has them."""
    values: dict[str, Enum] = {"menopausal_status": record.menopausal_status, "centre": record.centre}
    return {name: fact.value for name, fact in values.items() if fact.value != "unknown"}


def fits(facts: Mapping[str, str], known: Mapping[str, str]) -> bool:
    """Whether a case with `facts` is possible where `known` is known."""
    return all(known.get(name, value) == value for name, value in facts.items())


def open_facts(cases: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Names of the facts in which `cases` differ: those that are still unknown."""
    return tuple(name for name in (cases[0] if cases else ()) if len({facts[name] for facts in cases}) > 1)


def possible_inputs(
    record: ClinicalRecord, names: tuple[str, ...]
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Encode `record` for a bundle that asks for `names`, once for each value an unknown may have.

    Returns:
        Labels, one per row, empty where nothing is unknown ("postmenopausal, oncology centre");
        and the rows, (N, len(names)) float32 of 0 and 1, CA125 in between (`encode_ca125`). N is 1 when all
        that is asked is known.

    Raises:
        BundleError: a name that this version can't encode.
    """
    known = known_facts(record)
    cases = [case for case in possible_cases(names, record.ca125_u_ml) if fits(case.facts, known)]
    unknown = open_facts([case.facts for case in cases])
    labels = tuple(", ".join(case.facts[name] for name in unknown) for case in cases)
    return labels, np.array([case.inputs for case in cases], np.float32)


def _ca125_choices(u_ml: float | None) -> list[tuple[dict[str, str], float]]:
    if u_ml is not None:
        return [({}, encode_ca125(u_ml))]
    return [
        ({"ca125_u_ml": f"CA125 {reference:g} U/ml"}, encode_ca125(reference))
        for reference in _CA125_REFERENCES
    ]
