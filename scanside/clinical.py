"""What a person knows about the patient, as the networks read it (thesis, figure 5). Unknown is a value."""

from dataclasses import dataclass
from enum import Enum
from itertools import product

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


@dataclass(frozen=True)
class ClinicalRecord:
    """The two clinical facts of one patient."""

    menopausal_status: MenopausalStatus = MenopausalStatus.UNKNOWN
    centre: Centre = Centre.UNKNOWN


# Input name in a bundle -> attribute of the record and the value that is encoded as 1, the other as 0.
_ENCODING: dict[str, tuple[str, Enum, Enum]] = {
    "menopausal_status": ("menopausal_status", MenopausalStatus.PRE, MenopausalStatus.POST),
    "oncology_centre": ("centre", Centre.OTHER, Centre.ONCOLOGY),
}


def possible_inputs(
    record: ClinicalRecord, names: tuple[str, ...]
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Encode `record` for a bundle that asks for `names`, once for each value an unknown may have.

    Returns:
        Labels, one per row, empty where nothing is unknown ("postmenopausal, oncology centre");
        and the rows, (N, len(names)) float32 of 0 and 1. N is 1 when all that is asked is known.

    Raises:
        BundleError: a name that this version can't encode.
    """
    choices: list[list[tuple[str, float]]] = []
    for name in names:
        if name not in _ENCODING:
            known = ", ".join(_ENCODING)
            raise BundleError(f"the bundle asks for the clinical input '{name}'; known are: {known}.")
        attribute, zero, one = _ENCODING[name]
        value = getattr(record, attribute)
        if value in (zero, one):
            choices.append([("", float(value == one))])
        else:
            choices.append([(zero.value, 0.0), (one.value, 1.0)])
    rows = list(product(*choices))
    labels = tuple(", ".join(label for label, _ in row if label) for row in rows)
    return labels, np.array([[code for _, code in row] for row in rows], np.float32)
