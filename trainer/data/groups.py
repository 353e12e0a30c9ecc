"""Which scans of MMOTU show one lesion, and which were made in one examination.

MMOTU names no patient. mmotu_pairs.csv holds what a person saw on sheets of scans, pair by pair; the groups
follow from it: scans that a chain of pairs ties together are one group. docs/mmotu-groups.md says how the
pairs were found, and how sure they are.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, cast, get_args

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

IMAGES = 1469
Judgement = Literal["same lesion", "same examination", "different", "unsure"]
Sureness = Literal["certain", "likely", "possible"]
JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
SURENESS: tuple[Sureness, ...] = get_args(Sureness)  # the surest first


@dataclass(frozen=True)
class JudgedPair:
    """What a person saw of two scans.

    Attributes:
        first, second: numbers of the images, the smaller one first.
        judgement: "same lesion" (one ovary, too, where it is normal), "same examination" (another lesion, or
            the other ovary, of one patient), "different", or "unsure".
        sure: "certain" where the lesion or what surrounds it is the same to see, "likely" where another
            plane, device or colour leaves a doubt, "possible" where hardly more than the order of the
            numbers speaks for it.
    """

    first: int
    second: int
    judgement: Judgement
    sure: Sureness


@dataclass(frozen=True)
class Group:
    """Where one scan belongs.

    Attributes:
        image: its number.
        lesion: the smallest number among the scans of its lesion, which names the group.
        examination: the smallest number among the scans of its examination.
        lesion_sure: the surest pair that ties the scan to its lesion; "alone" where none does.
        examination_sure: the surest pair that ties its lesion to another one of the examination; where there
            is no other, as `lesion_sure`.
    """

    image: int
    lesion: int
    lesion_sure: str
    examination: int
    examination_sure: str


def read_pairs(name: str = "mmotu_pairs.csv") -> tuple[JudgedPair, ...]:
    """Read the judged pairs; "mmotu_blind_pairs.csv" holds those judged without knowing the groups."""
    with files(__package__).joinpath(name).open(encoding="utf-8") as file:
        return tuple(
            JudgedPair(
                int(row["first"]),
                int(row["second"]),
                cast(Judgement, row["judgement"]),
                cast(Sureness, row["sure"]),
            )
            for row in csv.DictReader(file)
        )


def derive_groups(pairs: Sequence[JudgedPair], images: int = IMAGES) -> tuple[Group, ...]:
    """Group the scans 1 to `images`. A lesion never reaches beyond its examination."""
    one_lesion = [pair for pair in pairs if pair.judgement == "same lesion"]
    one_examination = [pair for pair in pairs if pair.judgement.startswith("same")]
    lesion, examination = _join_pairs(one_lesion, images), _join_pairs(one_examination, images)
    lesion_sure = _find_surest(one_lesion, list(range(images + 1)))
    # A scan comes into an examination with its whole lesion.
    between = [pair for pair in one_examination if lesion[pair.first] != lesion[pair.second]]
    examination_sure = _find_surest(between, lesion)
    return tuple(
        Group(
            image,
            lesion[image],
            lesion_sure.get(image, "alone"),
            examination[image],
            examination_sure.get(lesion[image], lesion_sure.get(image, "alone")),
        )
        for image in range(1, images + 1)
    )


def _join_pairs(pairs: Sequence[JudgedPair], images: int) -> list[int]:
    """Find for each image (index 0 is none) the smallest image that a chain of `pairs` ties it to."""
    ends = np.array([(pair.first, pair.second) for pair in pairs], np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(images + 1, images + 1))
    _, part = connected_components(graph, directed=False)
    _, first = np.unique(part, return_index=True)
    return [int(first[number]) for number in part]


def _find_surest(pairs: Sequence[JudgedPair], member: Sequence[int]) -> dict[int, Sureness]:
    """Find for each member the surest pair that it is part of.

    Args:
        member: by image, what counts as one: the image itself, or its lesion.
    """
    surest: dict[int, Sureness] = {}
    for pair in sorted(pairs, key=lambda pair: SURENESS.index(pair.sure)):
        for image in (pair.first, pair.second):
            surest.setdefault(member[image], pair.sure)
    return surest
