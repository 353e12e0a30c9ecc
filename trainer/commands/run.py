"""`trainer run`: one experiment, or all of them."""

import argparse
from pathlib import Path

from scanside.command import Parser
from scanside.errors import InputError, SettingError

EXPERIMENTS = (
    "default-model",
    "default-choices",
    "default-folds",
    "confounder",
    "edge-denoiser",
    "all",
    "table1",
    "table2",
    "table3",
    "table4",
    "table5",
    "table6",
    "table7",
    "backbones",
    "data-size",
    "pretraining",
    "denoiser",
    "figure4",
    "clinical-only",
    "clinical-toggle",
    "branch-shares",
)


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
    experiment = commands.add_parser(
        "run", help="run an experiment", description="Run an experiment. A broken-off run goes on."
    )
    option = experiment.add_argument
    option("experiment", choices=EXPERIMENTS, metavar="EXPERIMENT", help=", ".join(EXPERIMENTS))
    option(
        "--data",
        action="append",
        required=True,
        metavar="NAME=DIR",
        help="a data set: mmotu, hospital, mmotu-denoised or hospital-denoised",
    )
    option("--out", type=Path, default=Path("runs"), help="where runs are written (default: runs)")
    option("--seed", type=int, default=0, help="the first seed (default: 0)")
    option("--seeds", type=int, metavar="N", help="how many seeds (default: 3; 1 for a smoke run)")
    option("--preset", choices=["as-thesis", "as-code"], default="as-thesis", help="where the two differ")
    option(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a hyperparameter: optimiser.lr=1e-4"
    )
    option(
        "--weights",
        default="none",
        help="none, imagenet (downloaded; default-model: of a package), the encoder's file, or a folder "
        "of such files (default: none)",
    )
    option("--devices", type=int, default=1, metavar="N", help="how many GPUs (default: 1)")
    option(
        "--denoiser",
        type=Path,
        metavar="PATH",
        help="default-model, -choices, -folds, confounder: a denoiser, its checkpoint or bundle",
    )
    option(
        "--weights-from",
        type=Path,
        metavar="FILE",
        help="default-model: measure this checkpoint again; edge-denoiser: begin with it",
    )
    option("--scale", choices=["full", "smoke"], default="full", help="smoke: few images, small, minutes")
    option("--choice", default="guided-stress", metavar="NAME", help="default-folds: which recipe was chosen")
    experiment.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    data = _data_sets(arguments.data)
    if arguments.experiment == "default-model":
        return _default_model(arguments, data)
    if arguments.experiment in ("default-choices", "default-folds"):
        return _default_fits(arguments, data)
    if arguments.experiment == "confounder":
        return _confounder(arguments, data)
    if arguments.experiment == "edge-denoiser":
        return _edge_denoiser(arguments, data)
    if arguments.denoiser or arguments.weights_from:
        raise SettingError(
            "--denoiser and --weights-from belong to experiments on one network alone. Leave them out."
        )
    from trainer.runs.plan import Plan

    count = arguments.seeds if arguments.seeds is not None else (1 if arguments.scale == "smoke" else 3)
    if count < 1 or arguments.devices < 1 or arguments.seed < 0:
        raise SettingError("--seeds and --devices are at least 1, --seed is at least 0.")
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
    check_torch()
    from trainer.experiments.run import run_experiment

    print("Report:", *run_experiment(arguments.experiment, plan))
    return 0


def _default_model(arguments: argparse.Namespace, data: dict[str, Path]) -> int:
    _check_own_recipe(
        arguments,
        data,
        {"--weights beside --weights-from": arguments.weights_from and arguments.weights != "none"},
    )
    check_torch()
    from dataclasses import replace

    from trainer.default_model import train as default_model
    from trainer.denoiser.ready import open_denoiser
    from trainer.models import checkpoint as checkpoints
    from trainer.report.terminal import print_figures

    recipe = replace(default_model.DefaultModelRecipe(), seed=arguments.seed)
    folder = _folder(arguments)
    if arguments.scale == "smoke":
        recipe = default_model.shrink_recipe(recipe)
    if arguments.weights_from and any((folder / name).exists() for name in default_model.LEFT):
        raise SettingError(f"{folder} holds a training, which stays as it is. Choose another --out.")
    figures = default_model.train_default_model(
        data["mmotu"],
        folder,
        recipe,
        arguments.weights,
        arguments.scale,
        open_denoiser(arguments.denoiser) if arguments.denoiser else None,
        checkpoints.load(arguments.weights_from) if arguments.weights_from else None,
    )
    print_figures(figures, arguments.experiment, arguments.scale)
    print(f"checkpoint: {folder / 'checkpoint.pt'}")
    return 0


def _default_fits(arguments: argparse.Namespace, data: dict[str, Path]) -> int:
    _check_own_recipe(arguments, data, {"--weights-from": arguments.weights_from})
    check_torch()
    import json
    from dataclasses import replace

    from trainer.data.mmotu import FOLDS
    from trainer.default_model import figures as default_figures
    from trainer.default_model import folds as default_folds
    from trainer.denoiser.ready import open_denoiser
    from trainer.files.write import write_file
    from trainer.report.terminal import print_figures

    folder, inner = _folder(arguments), arguments.experiment == "default-choices"
    if arguments.choice not in default_folds.CHOICES:
        raise SettingError(f"--choice {arguments.choice}: choose one of {', '.join(default_folds.CHOICES)}.")
    if inner:
        recipes = dict(default_folds.CHOICES)
        parts = dict.fromkeys(recipes, default_folds.list_choice_parts())
    else:
        names = [f"fold-{fold}" for fold in range(FOLDS)]
        recipes = dict.fromkeys(names, default_folds.choose_outer_recipe(arguments.choice))
        parts = {name: default_folds.list_outer_parts(fold) for fold, name in enumerate(names)}
    denoiser = open_denoiser(arguments.denoiser) if arguments.denoiser else None
    held_out = []
    for name, recipe in recipes.items():
        recipe = replace(recipe, seed=arguments.seed)
        if arguments.scale == "smoke":
            recipe = default_folds.shrink_recipe(recipe)
        what = f"{arguments.experiment} {name}"
        place = folder / name
        held_out.append(
            default_folds.run_fit(
                data["mmotu"], place, recipe, parts[name], arguments.weights, denoiser, what
            )
        )
        print_figures(default_figures.compute_figures(held_out[-1]), what, arguments.scale)
    if inner:
        first, *others = zip(recipes, held_out, strict=True)
        compared = {
            f"{name} less {first[0]}": default_figures.compute_gains(first[1], other)
            for name, other in others
        }
        for title, difference in compared.items():
            print_figures(difference, title, arguments.scale)
        document: dict[str, object] = {
            title: default_figures.make_plain(difference) for title, difference in compared.items()
        }
        write_file(folder / "gains.json", (json.dumps(document, indent=2) + "\n").encode())
    else:
        pooled = default_figures.pool_folds(held_out)
        together = default_figures.compute_figures(pooled) | default_figures.compute_decisions(held_out)
        print_figures(together, arguments.experiment, arguments.scale)
        document = {
            **default_figures.make_plain(together),
            "calibration": default_figures.measure_calibration(pooled),
        }
        write_file(folder / "figures.json", (json.dumps(document, indent=2) + "\n").encode())
    return 0


def _confounder(arguments: argparse.Namespace, data: dict[str, Path]) -> int:
    others = {"--weights": arguments.weights != "none", "--weights-from": arguments.weights_from}
    _check_own_recipe(arguments, data, others)
    check_torch()
    from dataclasses import replace

    from trainer.confounder import run as confounder
    from trainer.denoiser.ready import open_denoiser
    from trainer.report.page import write_report
    from trainer.report.terminal import print_section

    recipe = replace(confounder.ConfounderRecipe(), first_seed=arguments.seed)
    folder = _folder(arguments)
    if arguments.scale == "smoke":
        recipe = confounder.shrink_recipe(recipe)
    ready = open_denoiser(arguments.denoiser) if arguments.denoiser else None
    section = confounder.run_confounder(data["mmotu"], folder, recipe, ready)
    print_section(section, arguments.scale)
    print("Report:", *write_report(folder / "report", [section], arguments.scale))
    return 0


def _edge_denoiser(arguments: argparse.Namespace, data: dict[str, Path]) -> int:
    _check_own_recipe(
        arguments, data, {"--weights": arguments.weights != "none", "--denoiser": arguments.denoiser}
    )
    check_torch()
    from dataclasses import replace

    from trainer.denoiser import train_edge as edge_denoiser
    from trainer.report.terminal import print_figures

    recipe = replace(edge_denoiser.EdgeDenoiserRecipe(), seed=arguments.seed)
    folder = _folder(arguments)
    if arguments.scale == "smoke":
        recipe = edge_denoiser.shrink_recipe(recipe)
    figures = edge_denoiser.train_edge_denoiser(
        data["mmotu"], folder, recipe, arguments.scale, arguments.weights_from
    )
    print_figures(figures, arguments.experiment, arguments.scale)
    print(f"checkpoint: {folder / 'checkpoint.pt'}")
    return 0


def _folder(arguments: argparse.Namespace) -> Path:
    smoke = "-smoke" if arguments.scale == "smoke" else ""
    return Path(arguments.out, arguments.experiment, f"seed-{arguments.seed}{smoke}")


def _check_own_recipe(
    arguments: argparse.Namespace, data: dict[str, Path], others: dict[str, object]
) -> None:
    """
    Raises:
        SettingError: an option or a data set is given that has no meaning where the recipe is the
            experiment's own.
    """
    name = arguments.experiment
    if set(data) != {"mmotu"}:
        raise SettingError(
            f"{name} trains on MMOTU alone: give its folder as --data mmotu=DIR, and no other."
        )
    if arguments.seed < 0:
        raise SettingError("--seed is at least 0.")
    from trainer.data.mmotu import is_denoised

    if is_denoised(data["mmotu"]):
        raise SettingError(
            f"{name} is of scans with annotations; {data['mmotu']} is without. Give MMOTU itself."
        )
    given = {
        "--set": arguments.set,
        "--seeds": arguments.seeds is not None,
        "--preset": arguments.preset != "as-thesis",
        "--devices": arguments.devices != 1,
        **others,
    }
    if odd := [option for option, is_given in given.items() if is_given]:
        raise SettingError(f"{name} has its own recipe and takes no {odd[0]}.")


def _data_sets(given: list[str]) -> dict[str, Path]:
    sets: dict[str, Path] = {}
    for item in given:
        name, equals, folder = item.partition("=")
        if not equals or not name:
            raise SettingError(f"--data {item}: write NAME=DIR, for example mmotu=/data/MMOTU.")
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise InputError(f"--data {item}: {path} is not a folder. Check the path.")
        if sets.setdefault(name, path) != path:
            raise SettingError(f"--data {name} is given twice, as {sets[name]} and as {path}. Give one.")
    return sets


def check_torch() -> None:
    """
    Raises:
        SettingError: what training and its reports need is not installed.
    """
    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise SettingError(
            f"training needs {error.name}, which is not installed: pip install 'scanside-trainer[train]'."
        ) from error
