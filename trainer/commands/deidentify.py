"""`trainer deidentify`: DICOM files copied without identity."""

import argparse
from pathlib import Path

from scanside.command import Parser


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
    parser = commands.add_parser(
        "deidentify",
        help="copy DICOM files without identity",
        description="Copy the ultrasound images of a folder without identity, in header and pixels.",
    )
    parser.add_argument("source", type=Path, metavar="SRC", help="a folder of DICOM files, only read")
    parser.add_argument("target", type=Path, metavar="DST", help="where the copies go")
    parser.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="the secret behind the pseudonyms; made if missing",
    )
    add_text_option(parser)
    parser.set_defaults(command=_deidentify)


def add_text_option(parser: argparse.ArgumentParser) -> None:
    """Add the choice of what becomes of text on tissue; its values are those of WhenText."""
    parser.add_argument(
        "--text",
        choices=("blank", "refuse", "keep"),
        default="blank",
        help="text on tissue, which may be a name: black it out (default), leave the image out, or keep it",
    )


def _deidentify(arguments: argparse.Namespace) -> int:
    from scanside.deidentify.burned_in import WhenText
    from trainer.prepare.deidentify import deidentify_folder

    deidentify_folder(arguments.source, arguments.target, arguments.key, WhenText(arguments.text))
    return 0
