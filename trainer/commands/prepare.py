"""`trainer prepare`: make a dataset of a hospital's files, or check a copy of a public one."""

import argparse
from pathlib import Path

from scanside.command import Parser
from scanside.errors import SettingError
from trainer.commands.deidentify import add_text_option


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
    parser = commands.add_parser("prepare", help="make a dataset, or check one")
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
    add_text_option(hospital)
    hospital.set_defaults(command=_hospital)
    mmotu = kinds.add_parser(
        "mmotu", help="check a copy of MMOTU", description="Say what is wrong with a copy of MMOTU's 2D set."
    )
    mmotu.add_argument("source", type=Path, metavar="SRC", help="the copy, in either of its layouts")
    mmotu.add_argument("--json", action="store_true", help="print the faults as JSON")
    mmotu.set_defaults(command=_mmotu)


def _hospital(arguments: argparse.Namespace) -> int:
    import os

    from rich.console import Console

    from scanside.deidentify.burned_in import WhenText
    from trainer.prepare.hospital import PreparationSettings, prepare_hospital, summarise

    jobs = arguments.jobs if arguments.jobs is not None else os.cpu_count() or 1
    if jobs < 1 or arguments.cine_frames < 1:
        raise SettingError("--jobs and --cine-frames are 1 or more.")
    settings = PreparationSettings(
        arguments.source,
        arguments.target,
        arguments.clinical,
        arguments.masks,
        arguments.key,
        jobs,
        arguments.cine_frames,
        arguments.seed,
        WhenText(arguments.text),
    )
    print(summarise(prepare_hospital(settings, Console(stderr=True)), settings))
    return 0


def _mmotu(arguments: argparse.Namespace) -> int:
    from trainer.prepare.mmotu import check_copy, print_faults

    faults = check_copy(arguments.source)
    print_faults(faults, arguments.source, as_json=arguments.json)
    return 1 if faults else 0
