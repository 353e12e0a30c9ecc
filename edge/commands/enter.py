"""`edge enter`: enter what people know about a study, as the live view does; the agent need not run."""

import argparse
import json
from typing import Any

from edge.commands import options
from edge.commands.results import VOTES, slides
from edge.view.percentage import percent_beside
from scanside.errors import SettingError

_STATUS = ("premenopausal", "postmenopausal", "perimenopausal", "unknown")
_SIDES = ("left", "right", "none")
_LESIONS = (*"123456789", "none")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser)
    things = parser.add_subparsers(dest="thing", required=True, metavar="WHAT")
    # The same after WHAT; what is not given there leaves what was given before it.
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_shared(shared)
    fact = things.add_parser(
        "menopausal-status", parents=[shared], help="of the patient; perimenopausal counts as post-"
    )
    fact.add_argument("value", choices=_STATUS)
    for name, text in (
        ("side", "assign a slide to an ovary"),
        ("lesion", "assign a slide to a lesion, by its number"),
        ("leave-out", "take a slide out of the study's figures"),
        ("take-in", "take it in again"),
        ("dispute", "say that its result is doubted; it counts all the same"),
        ("undispute", "withdraw that"),
    ):
        thing = things.add_parser(name, parents=[shared], help=text)
        thing.add_argument("instance", metavar="INSTANCE", help="SOP Instance UID of the slide")
        thing.add_argument("--frame", type=int, default=1, metavar="N", help="its frame, from 1 (1)")
        if name == "side":
            thing.add_argument("value", choices=_SIDES)
        if name == "lesion":
            thing.add_argument("value", choices=_LESIONS, metavar="N", help="1 to 9, or none")
        if name in ("leave-out", "dispute"):
            thing.add_argument("--reason", required=name == "dispute", help="why, at most 500 characters")


def _add_shared(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--study", metavar="UID", help="Study Instance UID (0020,000D); must be given")
    parser.add_argument("--patient", metavar="ID", help="Patient ID, where the study came under several")
    parser.add_argument("--by", metavar="NAME", help="who enters it (the account's name)")
    parser.add_argument("--json", action="store_true", help="print the study for programs")


def main(args: argparse.Namespace) -> int:
    if args.study is None:
        raise SettingError("--study UID is missing: say in which study. See: edge enter --help")
    from edge.sockets.control import by
    from edge.sockets.requests import request

    about = {"do": "enter", "study": args.study, "by": args.by or by()}
    if args.patient is not None:
        about["patient"] = args.patient
    study = request(options.settings(args), {**about, **_entry(args)})["study"]
    print(json.dumps(study, indent=2) if args.json else _told(study))
    return 0


def _entry(args: argparse.Namespace) -> dict[str, Any]:
    if args.thing == "menopausal-status":
        # The networks know two values; between them counts as after (thesis, appendix C).
        value = "postmenopausal" if args.value == "perimenopausal" else args.value
        return {"fact": "menopausal_status", "value": value}
    slide = {"instance": args.instance, "frame": args.frame}
    if args.thing == "side":
        return {**slide, "side": None if args.value == "none" else args.value}
    if args.thing == "lesion":
        return {**slide, "lesion": None if args.value == "none" else int(args.value)}
    if args.thing in ("leave-out", "take-in"):
        return {**slide, "left_out": args.thing == "leave-out", "reason": getattr(args, "reason", None)}
    return {**slide, "disputed": getattr(args, "reason", None)}


def _told(study: dict[str, Any]) -> str:
    state = f"{study['state']}: {study['why']}" if study["why"] else study["state"]
    risk = study["risk"]
    if risk is None:
        return f"Entered. The study is {state}; no slide of it gives a risk."
    highest, mean = (percent_beside(risk[key], study["threshold"]) for key in ("highest", "mean"))
    counted = f"{slides(risk['slides'])}, highest {highest}, mean {mean}"
    return f"Entered. The study is {state}; {counted}, vote {VOTES[risk['vote']]}."
