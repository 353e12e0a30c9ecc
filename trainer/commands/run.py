"""`trainer run`: one experiment."""

import argparse
from pathlib import Path

from scanside.command import Parser
from scanside.errors import InputError, SettingError


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
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
    experiment.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
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
