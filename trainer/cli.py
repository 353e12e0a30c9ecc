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
    deidentify = commands.add_parser(
        "deidentify",
        help="copy DICOM files without identity",
        description="Copy the ultrasound images of a folder without identity, in header and pixels.",
    )
    deidentify.add_argument("source", type=Path, metavar="SRC", help="a folder of DICOM files, only read")
    deidentify.add_argument("target", type=Path, metavar="DST", help="where the copies go")
    deidentify.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="the secret behind the pseudonyms; made if missing",
    )
    deidentify.set_defaults(command=_deidentify)
    return parser


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


def _deidentify(arguments: argparse.Namespace) -> int:
    from trainer.deidentify import run

    run(arguments.source, arguments.target, arguments.key)
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
