"""What a prepared dataset holds and lacks: report.md and left-out.csv inside, the list with names outside."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scanside import RESEARCH_USE
from trainer.data.hospital import PARTS, CohortPatient, CohortSlide
from trainer.prepare.dataset import make_table
from trainer.prepare.instance import LeftOutFrame


@dataclass(frozen=True)
class MissingSlide:
    """Something that was left out, and its file.

    Attributes:
        number: of the file in the sorted list of all files, from 1; 0 for a mask that fits no image
            and for what was not looked at.
    """

    number: int
    path: Path
    left_out: LeftOutFrame


def make_left_out_table(missing: Sequence[MissingSlide]) -> bytes:
    """Make the table without names: who has the files finds them by number."""
    rows = ((m.number or "", m.left_out.what, m.left_out.frame or "", m.left_out.reason) for m in missing)
    columns = ("file", "what", "frame", "reason")
    return make_table(columns, (dict(zip(columns, row, strict=True)) for row in rows))


def make_private_table(missing: Sequence[MissingSlide]) -> bytes:
    """Make the table with names and full messages, for the owner of the files alone."""
    columns = ("file", "path", "what", "frame", "reason")
    rows = (
        (
            m.number or "",
            m.path,
            m.left_out.what,
            m.left_out.frame or "",
            m.left_out.detail or m.left_out.reason,
        )
        for m in missing
    )
    return make_table(columns, (dict(zip(columns, row, strict=True)) for row in rows))


def make_report(
    patients: Sequence[CohortPatient],
    slides: Sequence[CohortSlide],
    missing: Sequence[MissingSlide],
    files: int,
    without: int,
) -> str:
    """Make report.md.

    Args:
        files: how many there were.
        without: patients of the clinical table without a slide.
    """
    part_of = {patient.name: patient.part for patient in patients}
    per_patient = Counter(slide.patient for slide in slides).values()
    masks = sum(bool(slide.mask) for slide in slides)
    lines = [
        "# What this dataset holds",
        "",
        RESEARCH_USE,
        "",
        f"Files: {files}. Slides: {len(slides)}, with a mask: {masks}. Patients: {len(patients)}, of "
        f"{min(per_patient)} to {max(per_patient)} slides each, the median {median(per_patient):g}. "
        f"In the clinical table but without a slide: {without}.",
        "",
        "| | train | test |",
        "|---|---|---|",
    ]
    groups = [
        [("patients", p.part) for p in patients],
        [("slides", part_of[s.patient]) for s in slides],
        [(f"patients, {_name_kind(p.malignant)}", p.part) for p in patients],
        [(f"slides, {_name_kind(s.malignant)}", part_of[s.patient]) for s in slides],
        [(f"patients, {_name_value(p.record.centre.value, 'centre')}", p.part) for p in patients],
        [
            (f"patients, {_name_value(p.record.menopausal_status.value, 'menopausal status')}", p.part)
            for p in patients
        ],
    ]
    for pairs in groups:
        counted = Counter(pairs)
        for row in sorted({row for row, _ in pairs}):
            lines.append(f"| {row} | {' | '.join(str(counted[row, part]) for part in PARTS)} |")
    unknown = "not said"
    lines += _make_counts("Machines", (slide.maker or unknown for slide in slides), "slides")
    lines += _make_counts("How the scan was found", (slide.found_by for slide in slides), "slides")
    lines += _make_counts("Flags", (flag for slide in slides for flag in slide.flags), "slides")
    left = (f"{m.left_out.what}: {m.left_out.reason}" for m in missing)
    lines += _make_counts("Left out", left, "times")
    return "\n".join(lines) + "\n"


def _name_kind(malignant: bool) -> str:
    return "malignant" if malignant else "benign"


def _name_value(value: str, fact: str) -> str:
    """Of two facts "unknown" would be the same row."""
    return f"{fact} unknown" if value == "unknown" else value


def _make_counts(title: str, values: Iterable[str], unit: str) -> list[str]:
    counted = Counter(values).most_common()
    if not counted:
        return ["", f"## {title}", "", "None."]
    return ["", f"## {title}", "", f"| | {unit} |", "|---|---|", *(f"| {v} | {n} |" for v, n in counted)]
