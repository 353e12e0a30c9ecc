"""`edge results`: the results in an agent's data folder, slide by slide or by study; it need not run."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from edge.commands import options
from edge.view.percentage import percent_beside
from scanside import RESEARCH_USE

VOTES = {"above": "above the threshold", "below": "below the threshold", "tie": "tied"}
_APART = "slides on both sides: not put together"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--studies", action="store_true", help="the figures of each study, not each slide")
    parser.add_argument("--json", action="store_true", help="a JSON list, its keys in docs/results-json.md")


def main(args: argparse.Namespace) -> int:
    from edge.entries.study import images_may_follow, study_message
    from edge.storage.reading import read_rows, read_studies

    data = options.settings(args).data
    if args.studies:
        kept = read_studies(data)
        show_studies([study_message(one, images_may_follow(one)) for one in kept], as_json=args.json)
    else:
        show(read_rows(data), as_json=args.json)
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
    numbered = any(row["slide"] for row in rows)
    for title in ("Received", *("Slide",) * numbered, "Instance", "Frame", "Risk", "Result"):
        table.add_column(title, overflow="fold")
    for row in rows:
        number = (str(row["slide"] or ""),) * numbered
        cells = (_time(row), *number, row["sop_instance_uid"], str(row["frame"]), _risk(row), _result(row))
        table.add_row(*(Text(safe(cell)) for cell in cells))
    console = Console()
    console.print(RESEARCH_USE, markup=False, highlight=False)
    console.print(table)


def show_studies(studies: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print studies, their sides and their lesions, for a program or for a person."""
    if as_json:
        print(json.dumps(studies, indent=2))
        return
    from edge.view.text import safe

    print(RESEARCH_USE)
    for study in studies:
        state = f"{study['state']}: {study['why']}" if study["why"] else study["state"]
        patient = f"patient {study['patient_id']}" if study["patient_id"] else "no patient ID"
        print(safe(f"{study['study_instance_uid']}, {patient}: {state}"))
        for line in _facts(study):
            print(f"  {safe(line)}")
        for part, risk in {"study": study["risk"], **study["sides"]}.items():
            print(f"  {part:10}{_figures(risk, study['threshold'])}")
        for number, lesion in study["lesions"].items():
            where = "".join(f"{side}, " for side in lesion["sides"])
            told = f"{where}{_figures(lesion['risk'], study['threshold'])}"
            print(f"  {f'lesion {number}':10}{told if lesion['risk'] else _APART}")


def _figures(risk: Mapping[str, Any] | None, threshold: float | None) -> str:
    if risk is None:
        return "no risk"
    at_most = "up to " * risk["risk_if_unknown"]
    where = f" on slide {risk['highest_slide_number']}" * bool(risk["highest_slide_number"])
    highest, mean = (percent_beside(risk[key], threshold) for key in ("highest", "mean"))
    told = [f"highest {at_most}{highest}{where}", f"mean {at_most}{mean}"]
    told += [f"vote {VOTES[risk['vote']]}", f"agreement {risk['agreement']:.0%}", slides(risk["slides"])]
    told += ["discordant"] * risk["discordant"]
    told += [f"{risk[key]} {key.replace('_', ' ')}" for key in ("left_out", "disputed") if risk[key]]
    return ", ".join(told)


def slides(count: int) -> str:
    return "1 slide" if count == 1 else f"{count} slides"


def _facts(study: Mapping[str, Any]) -> list[str]:
    return [
        f"{fact['value']} ({fact['source']})" + ", not used by this model" * (not fact["used"])
        for fact in study["facts"].values()
        if fact["source"]
    ]


def _time(row: Mapping[str, Any]) -> str:
    return str(row["received_at"] or "")[:19].replace("T", " ")


def _risk(row: Mapping[str, Any]) -> str:
    if row["risk_if"]:
        told = {label: percent_beside(risk, row["threshold"]) for label, risk in row["risk_if"].items()}
        return "; ".join(f"{risk} if {label}" for label, risk in told.items())
    return "" if row["risk"] is None else percent_beside(row["risk"], row["threshold"])


def _result(row: Mapping[str, Any]) -> str:
    words = {None: "scored", True: "above the threshold", False: "below the threshold"}
    if row["state"] == "scored":
        return ", ".join([words[row["above_threshold"]], *_entered(row), *row["flags"]])
    state = str(row["state"]).replace("_", " ")
    return f"{state}: {row['reason']}" if row["reason"] else state


def _entered(row: Mapping[str, Any]) -> list[str]:
    """What people entered about a slide, and what its risk stands on."""
    told = [*row["facts"].values()]
    if row["side"]:
        told.append(f"{row['side']} side")
    if row["lesion"]:
        told.append(f"lesion {row['lesion']}")
    if row["left_out"]:
        why = f": {row['left_out_reason']}" if row["left_out_reason"] else ""
        told.append(f"left out of the study{why}")
    if row["disputed"]:
        told.append(f"disputed: {row['disputed']}")
    return told
