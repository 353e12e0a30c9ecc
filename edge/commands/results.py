"""`edge results`: the results in an agent's data folder, whether it runs or not."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from edge.commands import options
from scanside import RESEARCH_USE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--json", action="store_true", help="a JSON list, its keys in docs/results-json.md")


def main(args: argparse.Namespace) -> int:
    from edge.storage.store import read_rows

    show(read_rows(options.settings(args).data), as_json=args.json)
    return 0


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows for a program or for a person."""
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from edge.view.text import safe

    table = Table(box=None, pad_edge=False, header_style="")
    for title in ("Received", "Instance", "Frame", "Risk", "Result"):
        table.add_column(title, overflow="fold")
    for row in rows:
        cells = (_time(row), row["sop_instance_uid"], str(row["frame"]), _risk(row), _result(row))
        table.add_row(*(Text(safe(cell)) for cell in cells))
    console = Console()
    console.print(RESEARCH_USE, markup=False, highlight=False)
    console.print(table)


def _time(row: Mapping[str, Any]) -> str:
    return str(row["received_at"] or "")[:19].replace("T", " ")


def _risk(row: Mapping[str, Any]) -> str:
    if row["risk_if"]:
        return "; ".join(f"{risk:.3f} if {label}" for label, risk in row["risk_if"].items())
    return "" if row["risk"] is None else f"{row['risk']:.3f}"


def _result(row: Mapping[str, Any]) -> str:
    words = {None: "scored", True: "malignant: at or above threshold", False: "benign: below threshold"}
    if row["state"] == "scored":
        return ", ".join([words[row["malignant"]], *row["flags"]])
    state = str(row["state"]).replace("_", " ")
    return f"{state}: {row['reason']}" if row["reason"] else state
