"""The rules by which a header tells that an exam is not, or may not be, of a woman's ovary.

The network answers for any grey picture, and the gate behind it knows some organs only. What the machine
itself says of the exam is asked first: sex, age, heart rate, traces, preset, body part, words.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.exam import organs
from scanside.exam.age import read_age_years
from scanside.exam.values import read_items, read_number, read_texts

_TRACES = {10: "an ECG trace", 11: "a pulse trace", 12: "a phonocardiogram"}  # PS3.3 C.8.5.5.1.2
_LIT, _DRAWN_SHARE = 40, 0.005  # grey value; share of the trace's place: a thin line fills more
_MOST_PER_MINUTE = 999  # a rate that can be shown
_HUMAN = ("HOMO SAPIENS", "HUMAN")


@dataclass(frozen=True)
class Asked:
    """What the rules are asked about.

    Attributes:
        header: of the instance.
        min_age_years: who is younger is a child.
        pixels: decodes the frame, (H, W) or (H, W, 3) uint8; None where the header alone is asked.
    """

    header: Dataset
    min_age_years: int
    pixels: Callable[[], NDArray[np.uint8]] | None = None


Find = Callable[[Asked], "str | None"]


class Action(str, Enum):
    """What becomes of an image about which a rule speaks."""

    REFUSE = "refuse"
    FLAG = "flag"
    OFF = "off"


@dataclass(frozen=True)
class Rule:
    """One thing that a header may say.

    Attributes:
        name: as settings and documents have it.
        reads: keywords of the attributes that it looks at.
        action: what it does unless a setting says otherwise.
        find: what the header says, in words that hold no text of the header; None when nothing.
    """

    name: str
    reads: tuple[str, ...]
    action: Action
    find: Find


def _sex(values: Collection[str], words: str) -> Find:
    return lambda asked: words if set(read_texts(asked.header, "PatientSex")) & set(values) else None


def _find_animal(asked: Asked) -> str | None:
    species = read_texts(asked.header, "PatientSpeciesDescription")
    return "an animal" if species and not any(human in species[0] for human in _HUMAN) else None


def _find_child(asked: Asked) -> str | None:
    age = read_age_years(asked.header)
    if age is None or age >= asked.min_age_years:
        return None
    years = int(age)
    return f"a patient {years} year{'s' * (years != 1)} old" if years else "a patient under 1 year old"


def _find_heart_rate(asked: Asked) -> str | None:
    rate = read_number(asked.header, "HeartRate")  # 0: machines write it where none was measured
    if rate is None or rate <= 0:
        return None
    return f"a heart rate of {rate:.0f} per minute" if rate <= _MOST_PER_MINUTE else "a heart rate"


def _find_trace(asked: Asked) -> str | None:
    """Some machines declare the place of a trace whether or not one is drawn there: what is lit decides."""
    for item in read_items(asked.header, "SequenceOfUltrasoundRegions"):
        trace = _TRACES.get(int(read_number(item, "RegionDataType") or 0))
        if trace and asked.pixels is not None and _is_drawn(item, asked.pixels()):
            return trace
    return None


def _is_drawn(item: Dataset, pixels: NDArray[np.uint8]) -> bool:
    """Whether anything is lit where an item of the regions lies; so without a place, not beyond the image."""
    corners = [
        read_number(item, f"RegionLocation{corner}") for corner in ("MinX0", "MinY0", "MaxX1", "MaxY1")
    ]
    if any(corner is None or corner < 0 for corner in corners):
        return True
    x0, y0, x1, y1 = (int(corner or 0) for corner in corners)
    inside = pixels[y0 : y1 + 1, x0 : x1 + 1]
    return inside.size > 0 and bool((inside > _LIT).mean() > _DRAWN_SHARE)


def _find_gating(asked: Asked) -> str | None:
    found = any(read_texts(asked.header, keyword) for keyword in ("RWaveTimeVector", "RWavePointer"))
    return "R waves of an ECG" if found else None


def _find_trigger(asked: Asked) -> str | None:
    time = read_number(asked.header, "TriggerTime")
    return "a time since a heartbeat" if time is not None and time > 0 else None


def _find_stage(asked: Asked) -> str | None:
    return "stages, as in a stress test" if read_texts(asked.header, "StageName") else None


def _find_intravascular(asked: Asked) -> str | None:
    # IV_PHASED, IV_ROT XTAL, IV_ROT MIRROR: PS3.3 C.8.5.6
    inside = any(text.startswith("IV_") for text in read_texts(asked.header, "TransducerType"))
    return "the inside of a vessel" if inside or "IVUS" in read_texts(asked.header, "Modality") else None


def _find_modality(asked: Asked) -> str | None:
    return "a modality other than US" if set(read_texts(asked.header, "Modality")) - {"US", "IVUS"} else None


def _image_type(table: Mapping[str, str]) -> Find:
    def find(asked: Asked) -> str | None:
        for value in read_texts(asked.header, "ImageType")[2:]:
            term = value.replace("_", " ")
            if term in table:
                return f"{table[term]} (Image Type {term})"
        return None

    return find


def _body_part(parts: Collection[str]) -> Find:
    def find(asked: Asked) -> str | None:
        named = [*read_texts(asked.header, "BodyPartExamined")]
        for item in read_items(asked.header, "AnatomicRegionSequence"):
            named += read_texts(item, "CodeMeaning")
        return next((f"body part {part.lower()}" for part in named if part in parts), None)

    return find


_FREE_TEXTS = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "ProcessingFunction",
    "RequestedProcedureDescription",
    "PerformedProcedureStepDescription",
)


def _find_words(asked: Asked) -> str | None:
    texts = " \n ".join(text for keyword in _FREE_TEXTS for text in read_texts(asked.header, keyword))
    found = organs.find_organs(texts)
    return f"{' and '.join(found)}, by a description" if found else None


def _find_pelvis(asked: Asked) -> str | None:
    texts = read_texts(asked.header, "ImageType")[2:] + read_texts(asked.header, "BodyPartExamined")
    for keyword in _FREE_TEXTS:
        texts += read_texts(asked.header, keyword)
    alone = organs.names_pelvis_alone(" \n ".join(texts).replace("_", " "))
    return "an exam of the pelvis that names no ovary; a uterus would be scored, too" if alone else None


RULES = (
    Rule("animal", ("PatientSpeciesDescription",), Action.REFUSE, _find_animal),
    Rule("male", ("PatientSex",), Action.REFUSE, _sex(("M", "MALE"), "a male patient")),
    Rule("sex-other", ("PatientSex",), Action.FLAG, _sex(("O", "OTHER"), "a patient of other sex")),
    Rule(
        "child",
        ("PatientAge", "PatientBirthDate", "AcquisitionDateTime", "AcquisitionDate", "ContentDate",
         "SeriesDate", "StudyDate"),
        Action.REFUSE,
        _find_child,
    ),
    Rule("heart-rate", ("HeartRate",), Action.REFUSE, _find_heart_rate),
    Rule("trace", ("SequenceOfUltrasoundRegions",), Action.REFUSE, _find_trace),
    Rule("r-wave", ("RWaveTimeVector", "RWavePointer"), Action.REFUSE, _find_gating),
    Rule("trigger", ("TriggerTime",), Action.FLAG, _find_trigger),
    Rule("stage", ("StageName",), Action.FLAG, _find_stage),
    Rule("intravascular", ("Modality", "TransducerType"), Action.REFUSE, _find_intravascular),
    Rule("modality", ("Modality",), Action.FLAG, _find_modality),
    Rule("image-type", ("ImageType",), Action.REFUSE, _image_type(organs.OTHER_IMAGE_TYPES)),
    Rule("image-type-doubtful", ("ImageType",), Action.FLAG, _image_type(organs.DOUBTFUL_IMAGE_TYPES)),
    Rule(
        "body-part",
        ("BodyPartExamined", "AnatomicRegionSequence"),
        Action.REFUSE,
        _body_part(organs.OTHER_BODY_PARTS),
    ),
    Rule(
        "body-part-doubtful",
        ("BodyPartExamined", "AnatomicRegionSequence"),
        Action.FLAG,
        _body_part(organs.DOUBTFUL_BODY_PARTS),
    ),
    Rule("words", _FREE_TEXTS, Action.FLAG, _find_words),
    Rule("pelvis", ("ImageType", "BodyPartExamined", *_FREE_TEXTS), Action.FLAG, _find_pelvis),
)  # fmt: skip
