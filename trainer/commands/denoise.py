"""`trainer denoise`: a data set without burned-in annotations."""

import argparse
from pathlib import Path

from scanside import RESEARCH_USE
from scanside.command import Parser
from trainer.commands.run import check_torch


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
    parser = commands.add_parser(
        "denoise",
        help="write a data set without its burned-in annotations",
        description=f"Write a data set once more, without its burned-in annotations. {RESEARCH_USE}",
    )
    parser.add_argument(
        "source", type=Path, metavar="DATASET", help="of 'trainer prepare hospital', or a copy of MMOTU"
    )
    parser.add_argument(
        "--with",
        dest="denoiser",
        type=Path,
        required=True,
        metavar="PATH",
        help="checkpoint of 'trainer run denoiser' (its whole output, as in the thesis) or of 'trainer run "
        "edge-denoiser', or a bundle (only annotated pixels are replaced)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DST", help="a folder that is not there yet"
    )
    parser.set_defaults(command=_denoise)


def _denoise(arguments: argparse.Namespace) -> int:
    check_torch()
    from trainer.denoiser.dataset import denoise_dataset
    from trainer.denoiser.remove import open_remover

    remover = open_remover(arguments.denoiser)
    done = denoise_dataset(arguments.source, arguments.out, remover)
    print(f"{arguments.out}: {done.changed} of {done.scans} scans changed, {done.share:.2%} of all pixels.")
    if done.left:
        print(f"Left as they are, since too much of them looks like annotations: {done.left}.")
    print(f"The denoiser was trained on: {remover.about.get('trained_on', 'it does not say')}.")
    return 0
