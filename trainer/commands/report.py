"""`trainer report`: makes the report of all finished runs again."""

import argparse
from pathlib import Path

from scanside import RESEARCH_USE
from scanside.command import Parser
from trainer.commands.run import check_torch


def add(commands: "argparse._SubParsersAction[Parser]") -> None:
    report = commands.add_parser(
        "report",
        help="make the report of all that was run",
        description=f"Make the report of all that was run, without data and without training. {RESEARCH_USE}",
    )
    report.add_argument(
        "--out", type=Path, default=Path("runs"), help="where the runs lie (default: runs); the report too"
    )
    report.add_argument(
        "--scale", choices=["full", "smoke"], default="full", help="the scale of the runs (default: full)"
    )
    report.set_defaults(command=_report)


def _report(arguments: argparse.Namespace) -> int:
    check_torch()
    from trainer.experiments.run import write_full_report

    print("Report:", *write_full_report(arguments.out, arguments.scale))
    return 0
