"""Scans of one lesion, and of one examination, stay together; the groups are what was judged by eye."""

import csv
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from trainer.data.folds import deal_folds
from trainer.data.groups import SURENESS, Group, JudgedPair, derive_groups, read_pairs
from trainer.data.mmotu import (
    CLASSES,
    FOLDS,
    MALIGNANT,
    MmotuImage,
    choose_part,
    find_leaking,
    read_labels,
    read_split,
)


def groups() -> dict[int, Group]:
    return {group.image: group for group in derive_groups(read_pairs())}


def test_a_chain_of_pairs_is_one_lesion_and_a_lesion_never_leaves_its_examination() -> None:
    pairs = (
        JudgedPair(1, 2, "same lesion", "likely"),
        JudgedPair(2, 5, "same lesion", "certain"),
        JudgedPair(3, 5, "same examination", "possible"),
        JudgedPair(3, 4, "different", "certain"),
        JudgedPair(4, 6, "unsure", "possible"),
    )
    assert derive_groups(pairs, 6) == (
        Group(1, 1, "likely", 1, "possible"),
        Group(2, 1, "certain", 1, "possible"),
        Group(3, 3, "alone", 1, "possible"),
        Group(4, 4, "alone", 4, "alone"),
        Group(5, 1, "certain", 1, "possible"),
        Group(6, 6, "alone", 6, "alone"),
    )


def test_no_pair_is_judged_twice_and_none_that_is_judged_different_is_joined() -> None:
    pairs = read_pairs()
    assert all(1 <= pair.first < pair.second <= 1469 for pair in pairs)
    assert len({(pair.first, pair.second) for pair in pairs}) == len(pairs)
    found = groups()
    apart = [pair for pair in pairs if pair.judgement == "different"]
    assert len(apart) > 90
    assert all(found[p.first].examination != found[p.second].examination for p in apart)


def test_pairs_that_were_judged_without_knowing_the_groups_agree_with_them() -> None:
    found, blind = groups(), read_pairs("mmotu_blind_pairs.csv")
    joined = {
        judgement: [
            found[pair.first].lesion == found[pair.second].lesion
            for pair in blind
            if pair.judgement == judgement
        ]
        for judgement in ("same lesion", "different")
    }
    assert len(joined["same lesion"]) > 40 and len(joined["different"]) > 40
    assert sum(joined["same lesion"]) >= 0.95 * len(joined["same lesion"])
    assert sum(joined["different"]) <= 0.05 * len(joined["different"])


def test_the_committed_groups_follow_from_the_pairs_and_the_folds_from_the_groups() -> None:
    found, labels = derive_groups(read_pairs()), read_labels()
    dealt = deal_folds(found, labels)
    with files("trainer.data").joinpath("mmotu_groups.csv").open(encoding="utf-8") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert rows == [tuple(str(v) for v in (*vars(g).values(), dealt[g.image])) for g in found]


def test_an_examination_never_straddles_folds_nor_parts() -> None:
    entries = read_split()
    for of in (lambda entry: entry.lesion, lambda entry: entry.examination):
        folds: dict[int, set[int]] = {}
        for entry in entries:
            folds.setdefault(of(entry), set()).add(entry.fold)
        assert {len(found) for found in folds.values()} == {1}
    for test_fold in range(FOLDS):
        parts: dict[int, set[str]] = {}
        for entry in entries:
            parts.setdefault(entry.examination, set()).add(choose_part(entry, "grouped", test_fold))
        assert {len(found) for found in parts.values()} == {1}


def test_folds_share_out_every_class_and_the_malignant_examinations() -> None:
    entries = read_split()
    for label, count in Counter(entry.label for entry in entries).items():
        inside = Counter(entry.fold for entry in entries if entry.label == label)
        assert all(abs(inside[fold] - count / FOLDS) <= max(3, 0.15 * count / FOLDS) for fold in range(FOLDS))
    malignant = {entry.examination: entry.fold for entry in entries if entry.label == MALIGNANT}
    assert min(Counter(malignant.values()).values()) >= 2


def test_every_scan_is_tested_once_over_the_folds() -> None:
    entries = read_split()
    tested = [e.image for fold in range(FOLDS) for e in entries if choose_part(e, "grouped", fold) == "test"]
    assert sorted(tested) == list(range(1, 1470))


def test_a_scan_leaks_where_its_lesion_is_also_in_the_official_training_set() -> None:
    def entry(image: int, part: str, lesion: int) -> MmotuImage:
        return MmotuImage(image, 0, part, -1, False, lesion, lesion, 0)

    entries = [entry(1, "train", 1), entry(2, "test", 1), entry(3, "validation", 3), entry(4, "train", 4)]
    assert find_leaking(entries) == {2}
    official = read_split()
    assert {e.image for e in official if e.near_duplicate} <= find_leaking(official)


def test_the_page_on_groups_says_what_the_files_hold() -> None:
    page = Path(__file__).parents[3] / "docs" / "mmotu-groups.md"
    if not page.exists():
        pytest.skip("the installed package is tested away from the docs")
    text, entries, found = page.read_text(), read_split(), groups().values()
    assert f"**{len(find_leaking(entries))} of its 469 val scans" in text
    for tied, of in (("lesion_sure", "lesion"), ("examination_sure", "examination")):
        count = Counter(getattr(group, tied) for group in found)
        number = len({getattr(group, of) for group in found})
        cells = [number, *(count[sure] for sure in (*SURENESS, "alone"))]
        assert f"how their {of} is tied | {' | '.join(map(str, cells))} |" in text
    for fold in range(FOLDS):
        inside = [entry for entry in entries if entry.fold == fold]
        labels = Counter(entry.label for entry in inside)
        examinations = {entry.examination for entry in inside}
        malignant = {entry.examination for entry in inside if entry.label == MALIGNANT}
        numbers = [labels[label] for label in range(len(CLASSES))]
        cells = [fold, len(inside), len(examinations), *numbers, len(malignant)]
        assert f"| {' | '.join(map(str, cells))} |" in text
