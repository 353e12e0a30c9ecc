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
    _add_prepare(commands.add_parser("prepare", help="make a dataset, or check one"))
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
    _add_synth(commands)
    return parser


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    hospital = kinds.add_parser(
        "hospital",
        help="DICOM files, a clinical table and drawn masks -> a dataset without identity",
        description="Make a dataset of a hospital's files. A broken-off run goes on with the same command.",
    )
    hospital.add_argument("source", type=Path, metavar="SRC", help="a folder of DICOM files, only read")
    hospital.add_argument("target", type=Path, metavar="DST", help="where the dataset is written")
    hospital.add_argument(
        "--clinical", type=Path, required=True, metavar="CSV", help="patient, menopause, centre, malignancy"
    )
    hospital.add_argument("--masks", type=Path, metavar="DIR", help="Labelme files (default: SRC)")
    hospital.add_argument(
        "--key", type=Path, metavar="FILE", help="the secret behind the pseudonyms (default: DST.key; made)"
    )
    hospital.add_argument("--jobs", type=int, metavar="N", help="processes (default: one a processor)")
    hospital.add_argument(
        "--cine-frames", type=int, default=5, metavar="N", help="frames kept of a cine (default: 5)"
    )
    hospital.add_argument("--seed", type=int, default=0, help="seed of the split (default: 0)")
    hospital.set_defaults(command=_prepare_hospital)
    mmotu = kinds.add_parser(
        "mmotu", help="check a copy of MMOTU", description="Say what is wrong with a copy of MMOTU's 2D set."
    )
    mmotu.add_argument("source", type=Path, metavar="SRC", help="the copy, in either of its layouts")
    mmotu.add_argument("--json", action="store_true", help="print the faults as JSON")
    mmotu.set_defaults(command=_check_mmotu)


def _prepare_hospital(arguments: argparse.Namespace) -> int:
    import os

    from rich.console import Console

    from trainer.prepare.hospital import Settings, prepare_hospital, summary

    jobs = arguments.jobs if arguments.jobs is not None else os.cpu_count() or 1
    if jobs < 1 or arguments.cine_frames < 1:
        raise SettingError("--jobs and --cine-frames are 1 or more.")
    settings = Settings(
        arguments.source,
        arguments.target,
        arguments.clinical,
        arguments.masks,
        arguments.key,
        jobs,
        arguments.cine_frames,
        arguments.seed,
    )
    print(summary(prepare_hospital(settings, Console(stderr=True)), settings))
    return 0


def _check_mmotu(arguments: argparse.Namespace) -> int:
    from trainer.prepare.mmotu import check, show

    faults = check(arguments.source)
    show(faults, arguments.source, as_json=arguments.json)
    return 1 if faults else 0


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
