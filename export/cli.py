"""The command `export-model`. Imports are local to each command, so that --help answers at once."""

import argparse
import sys
from pathlib import Path

from scanside import RESEARCH_USE, __version__
from scanside.command import Parser, run
from scanside.errors import SettingError

_COMMANDS = ("convert", "verify")


def main(argv: list[str] | None = None) -> int:
    """Run one command; `export-model CHECKPOINT ...` is short for `export-model convert CHECKPOINT ...`.

    Returns:
        0 done, 1 an input or a setting is wrong, 2 the program failed.
    """
    return run("export-model", lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(words: list[str]) -> int:
    if words and not words[0].startswith("-") and words[0] not in _COMMANDS:
        words = ["convert", *words]
    arguments = build_parser().parse_args(words)
    return int(arguments.command(arguments))


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="export-model", description=f"Turn checkpoints into bundles. {RESEARCH_USE}")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    convert = commands.add_parser("convert", help="write a bundle from a checkpoint (the default command)")
    convert.add_argument("checkpoint", type=Path, help="checkpoint.pt of `trainer run`")
    convert.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    convert.set_defaults(command=_convert)
    verify = commands.add_parser("verify", help="run a bundle's golden case through every runtime present")
    verify.add_argument("bundle", type=Path, help="folder of the bundle")
    verify.add_argument("--json", action="store_true", help="print JSON instead of a table")
    verify.set_defaults(command=_verify)
    return parser


def _convert(arguments: argparse.Namespace) -> int:
    try:
        from export.convert import convert
    except ImportError as error:
        raise SettingError(
            f"converting needs {error.name}, which is not installed: pip install 'scanside[train,export]'."
        ) from error
    from rich.console import Console
    from rich.table import Table

    bundle, parity = convert(arguments.checkpoint, arguments.out)
    table = Table(title="Largest difference on the golden case", caption=RESEARCH_USE)
    table.add_column("output")
    table.add_column("FP16 weights against FP32, torch", justify="right")
    table.add_column("ONNX Runtime against torch", justify="right")
    for name, difference in parity.runtime.items():
        table.add_row(name, f"{parity.rounding[name]:.1e}", f"{difference:.1e}")
    Console().print(table)
    megabytes = sum(map(len, bundle.files.values())) / 1e6
    print(f"{arguments.out}: {megabytes:.1f} MB, digest {bundle.digest}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from export.verify import print_json, print_table, verify

    checks = verify(arguments.bundle)
    (print_json if arguments.json else print_table)(checks)
    return 0 if all(check.passed for check in checks) else 2


if __name__ == "__main__":
    sys.exit(main())
