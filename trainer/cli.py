"""The command `trainer`. Imports are local to each command, so that --help answers at once."""

import argparse
import sys
from pathlib import Path

from scanside import RESEARCH_USE, __version__
from scanside.command import Parser, run
from scanside.errors import InputError, SettingError

EXPERIMENTS = (
    *("default-model", "all", "table1", "table2", "table3", "table4", "table5", "table6", "table7"),
    *("backbones", "figure4", "clinical-only", "data-size", "pretraining", "clinical-toggle"),
)


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
        "run", help="run an experiment", description="Run an experiment. A broken-off run goes on."
    )
    experiment.add_argument(
        "experiment", choices=EXPERIMENTS, metavar="EXPERIMENT", help=", ".join(EXPERIMENTS)
    )
    experiment.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="NAME=DIR",
        help="a data set: mmotu, hospital, mmotu-denoised or hospital-denoised",
    )
    experiment.add_argument(
        "--out", type=Path, default=Path("runs"), help="where runs are written (default: runs)"
    )
    experiment.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    experiment.add_argument(
        "--seeds", type=int, metavar="N", help="how many seeds (default: 3; 1 for a smoke run)"
    )
    experiment.add_argument(
        "--preset", choices=["as-thesis", "as-code"], default="as-thesis", help="where the two differ"
    )
    experiment.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a hyperparameter: optimiser.lr=1e-4"
    )
    experiment.add_argument(
        "--weights",
        default="none",
        help="none, imagenet (downloaded) or torchvision's file of the encoder (default: none)",
    )
    experiment.add_argument("--devices", type=int, default=1, help="how many GPUs (default: 1)")
    experiment.add_argument(
        "--scale", choices=["full", "smoke"], default="full", help="smoke: few images, small, minutes"
    )
    experiment.set_defaults(command=_run_experiment)
    return parser


def _run_experiment(arguments: argparse.Namespace) -> int:
    data = _data_sets(arguments.data)
    if arguments.experiment == "default-model":
        return _default_model(arguments, data)
    from trainer.experiments.plan import Plan

    count = arguments.seeds or (1 if arguments.scale == "smoke" else 3)
    if count < 1 or arguments.devices < 1:
        raise SettingError("--seeds and --devices are at least 1.")
    plan = Plan(
        data=data,
        out=arguments.out,
        seeds=tuple(range(arguments.seed, arguments.seed + count)),
        preset=arguments.preset,
        overrides=tuple(arguments.set),
        scale=arguments.scale,
        weights=arguments.weights,
        devices=arguments.devices,
    )
    plan.check()
    _check_torch()
    from trainer.experiments.run import run

    for path in run(arguments.experiment, plan):
        print(path)
    return 0


def _default_model(arguments: argparse.Namespace, data: dict[str, Path]) -> int:
    if "mmotu" not in data:
        raise SettingError("default-model trains on MMOTU: give its folder as --data mmotu=DIR.")
    _check_torch()
    from dataclasses import replace

    from trainer.experiments import default_model
    from trainer.report.terminal import print_figures

    recipe = replace(default_model.Recipe(), seed=arguments.seed)
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
