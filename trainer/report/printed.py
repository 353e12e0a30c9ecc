"""The figures that the thesis prints for its arms (paper.csv)."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ARM_FIGURES = ("iou", "accuracy", "sensitivity", "specificity", "precision", "f1", "auc")


@dataclass(frozen=True)
class PrintedFigures:
    """What the thesis prints for an arm: figures by name, and a note where the print is in doubt."""

    figures: dict[str, float]
    note: str


@cache
def read_printed() -> dict[tuple[str, str], PrintedFigures]:
    """Read what the thesis prints, by (experiment, name of the arm)."""
    with files(__package__).joinpath("paper.csv").open(encoding="utf-8") as file:
        return {
            (row["experiment"], row["arm"]): PrintedFigures(
                {name: float(row[name]) for name in ARM_FIGURES if row[name]}, row["note"]
            )
            for row in csv.DictReader(file)
        }
