"""The command `trainer`. Imports are local to each command, so that --help answers at once."""

import argparse
import sys
from pathlib import Path

from scanside import RESEARCH_USE, __version__
from scanside.command import Parser, run
from scanside.errors import InputError, SettingError


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 an input or a setting is wrong, 2 the program failed.
    """
    return run("trainer", lambda: _run(argv))


def _run(words: list[str] | None) -> int:
    arguments = build_parser().parse_args(words)
    return int(arguments.command(arguments))


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="trainer", description=f"Train the networks of scanside. {RESEARCH_USE}")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    experiment = commands.add_parser(
        "run", help="run one experiment", description="Run one experiment. A broken-off run goes on."
    )
    experiment.add_argument("experiment", choices=["default-model"], help="which one")
    experiment.add_argument(
        "--data", action="append", required=True, metavar="NAME=DIR", help="a data set, e.g. mmotu=DIR"
    )
    experiment.add_argument(
        "--out", type=Path, default=Path("runs"), help="where runs are written (default: runs)"
    )
    experiment.add_argument("--seed", type=int, default=0, help="seed of every random draw (default: 0)")
    experiment.add_argument(
        "--weights",
        default="none",
        help="none, imagenet (downloaded) or torchvision's EfficientNet-B0 file (default: none)",
    )
    experiment.add_argument(
        "--scale", choices=["full", "smoke"], default="full", help="smoke: few images, small, minutes"
    )
    experiment.set_defaults(command=_run_experiment)
    _add_synth(commands)
    return parser


def _add_synth(commands: "argparse._SubParsersAction[Parser]") -> None:
    about = "Draw a cohort of the thesis's shape: no patient's."
    kinds = commands.add_parser("synth", help="make synthetic data", description=about)
    made = kinds.add_subparsers(required=True, metavar="WHAT")
    cohort = made.add_parser(
        "cohort",
        help="a hospital's cohort",
        description=f"{about} A broken-off cohort goes on. {RESEARCH_USE}",
    )
    cohort.add_argument("target", type=Path, metavar="DST", help="folder to write; new, or to go on with")
    add = cohort.add_argument
    add("--patients", type=int, default=963, help="how many (default: 963)")
    add("--seed", type=int, default=0, help="seed of every random draw (default: 0)")
    add("--size", choices=["small", "full"], default="full", help="of the frames (default: full)")
    add("--separation", type=float, default=2.0, help="how much the image tells; 0: nothing (default: 2)")
    add(
        "--annotation-effect",
        type=float,
        default=1.0,
        help="log odds ratio of annotations, malignant to benign (default: 1)",
    )
    add(
        "--clinical-effect",
        type=float,
        default=1.0,
        help="how much the clinical facts tell; 0: nothing (default: 1)",
    )
    add("--jobs", type=int, help="processes (default: one per core)")
    cohort.set_defaults(command=_synth_cohort)


def _synth_cohort(arguments: argparse.Namespace) -> int:
    import os

    from trainer.synth.cohort import write_cohort
    from trainer.synth.recipe import Recipe

    jobs = arguments.jobs if arguments.jobs is not None else os.cpu_count() or 1
    if jobs < 1:
        raise SettingError(f"--jobs {jobs}: give 1 or more.")
    recipe = Recipe(
        arguments.patients,
        arguments.seed,
        arguments.size,
        arguments.separation,
        arguments.annotation_effect,
        arguments.clinical_effect,
    )
    cohort = write_cohort(arguments.target, recipe, jobs)
    counts = cohort.about["counts"]
    print(
        f"{arguments.target}: {counts['patients']} synthetic patients, {counts['slides']} slides, "
        f"{counts['masks']} masks. Fingerprint {cohort.fingerprint[:16]}."
    )
    return 0


def _run_experiment(arguments: argparse.Namespace) -> int:
    data = _data_sets(arguments.data)
    if "mmotu" not in data:
        raise SettingError("default-model trains on MMOTU: give its folder as --data mmotu=DIR.")
    _check_torch()
    from dataclasses import replace

    from trainer.experiments import default_model
    from trainer.report import print_figures

    recipe = default_model.Recipe()
    recipe = replace(recipe, schedule=replace(recipe.schedule, seed=arguments.seed))
    folder = arguments.out / arguments.experiment / f"seed-{arguments.seed}"
    if arguments.scale == "smoke":
        recipe = default_model.smoke(recipe)
        folder = folder.with_name(f"{folder.name}-smoke")
    figures = default_model.run(data["mmotu"], folder, recipe, arguments.weights, arguments.scale)
    print_figures(figures, arguments.experiment, arguments.scale)
    print(f"checkpoint: {folder / 'checkpoint.pt'}")
    return 0


def _data_sets(given: list[str]) -> dict[str, Path]:
    sets = {}
    for item in given:
        name, equals, folder = item.partition("=")
        if not equals or not name:
            raise SettingError(f"--data {item}: write NAME=DIR, for example mmotu=/data/MMOTU.")
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise InputError(f"--data {item}: {path} is not a folder. Check the path.")
        sets[name] = path
    return sets


def _check_torch() -> None:
    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise SettingError(
            f"training needs {error.name}, which is not installed: pip install 'scanside[train]'."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
