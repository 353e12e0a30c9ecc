"""`trainer synth`: data that are drawn."""

import argparse
from pathlib import Path

from scanside import RESEARCH_USE
from scanside.command import Parser
from scanside.errors import SettingError


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
    about = "Draw a cohort of the thesis's shape: no patient's."
    kinds = commands.add_parser("synth", help="make synthetic data", description=about)
    made = kinds.add_subparsers(required=True, metavar="WHAT")
    cohort = made.add_parser(
        "cohort",
        help="a hospital's cohort",
        description=f"{about} A broken-off cohort goes on. {RESEARCH_USE}",
    )
    cohort.add_argument("target", type=Path, metavar="DST", help="folder to write; new, or to go on with")
    option = cohort.add_argument
    option("--patients", type=int, default=963, help="how many (default: 963)")
    option("--seed", type=int, default=0, help="seed of every random draw (default: 0)")
    option("--size", choices=["small", "full"], default="full", help="of the frames (default: full)")
    option("--separation", type=float, default=2.0, help="how much the image tells; 0: nothing (default: 2)")
    option(
        "--annotation-effect",
        type=float,
        default=1.0,
        help="log odds ratio of annotations, malignant to benign (default: 1)",
    )
    option(
        "--clinical-effect",
        type=float,
        default=1.0,
        help="how much the clinical facts tell; 0: nothing (default: 1)",
    )
    option("--ca125-effect", type=float, default=1.0, help="how much CA125 tells; 0: nothing (default: 1)")
    option("--jobs", type=int, help="processes (default: one per core)")
    cohort.set_defaults(command=_cohort)
    _add_annotations(made)


def _add_annotations(made: "argparse._SubParsersAction[Parser]") -> None:
    about = "Draw annotations onto scans and picture them: clean, annotated, where."
    sheet = made.add_parser(
        "annotations", help="a picture of drawn annotations", description=f"{about} {RESEARCH_USE}"
    )
    sheet.add_argument("source", type=Path, metavar="SRC", help="folder with scans as PNG or JPEG")
    sheet.add_argument("target", type=Path, metavar="SHEET", help="PNG to write")
    sheet.add_argument(
        "--preset",
        default="broad",
        help="broad; thesis: what the thesis draws; or one kind, see docs/annotations.md (default: broad)",
    )
    sheet.add_argument("--count", type=int, default=12, help="scans, drawn at random (default: 12)")
    sheet.add_argument("--seed", type=int, default=0, help="seed of every random draw (default: 0)")
    sheet.set_defaults(command=_annotations)


def _annotations(arguments: argparse.Namespace) -> int:
    import cv2
    import numpy as np

    from trainer.annotations.sheet import find_images, make_sheet
    from trainer.files.write import write_file

    if arguments.count < 1 or arguments.seed < 0:
        raise SettingError("--count is at least 1, --seed is at least 0.")
    if arguments.target.suffix.lower() != ".png":
        raise SettingError(f"{arguments.target}: the sheet is a PNG; name it SOMETHING.png.")
    images = find_images(arguments.source)
    chosen = np.random.default_rng(arguments.seed).permutation(len(images))[: arguments.count]
    sheet = make_sheet([images[index] for index in sorted(chosen)], arguments.seed, arguments.preset)
    write_file(arguments.target, cv2.imencode(".png", sheet[:, :, ::-1])[1].tobytes())
    print(
        f"{arguments.target}: {len(chosen)} scans. They may show patients: keep it where the scans are kept."
    )
    return 0


def _cohort(arguments: argparse.Namespace) -> int:
    import os

    from trainer.synth.cohort import write_cohort
    from trainer.synth.recipe import CohortRecipe

    jobs = arguments.jobs if arguments.jobs is not None else os.cpu_count() or 1
    if jobs < 1:
        raise SettingError(f"--jobs {jobs}: give 1 or more.")
    recipe = CohortRecipe(
        arguments.patients,
        arguments.seed,
        arguments.size,
        arguments.separation,
        arguments.annotation_effect,
        arguments.clinical_effect,
        arguments.ca125_effect,
    )
    cohort = write_cohort(arguments.target, recipe, jobs)
    counts = cohort.about["counts"]
    print(
        f"{arguments.target}: {counts['patients']} synthetic patients, {counts['slides']} slides, "
        f"{counts['masks']} masks. Fingerprint {cohort.fingerprint[:16]}."
    )
    return 0
