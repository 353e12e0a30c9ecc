"""`edge results`: the results in an agent's data folder, slide by slide or by study; it need not run."""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from edge.commands import options
from edge.view.percentage import percent_beside
from edge.view.text import person, safe
from scanside import RESEARCH_USE
from scanside.errors import SettingError

if TYPE_CHECKING:
    from edge.protocol.row import PatientRow, Row
    from edge.protocol.study import RiskFigures, StudyState
    from edge.storage.wanted import Wanted

VOTES = {"above": "above the threshold", "below": "below the threshold", "tie": "tied"}
_AGO, _UNITS = re.compile(r"(\d{1,6})([mhd])"), {"m": "minutes", "h": "hours", "d": "days"}
_LOOK_S = 1.0  # between two looks at the index
_HELD = timedelta(hours=1)  # longer than a result is kept from the index
_APART = "slides on both sides: not put together"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--study", metavar="UID", help="of this study alone")
    parser.add_argument("--patient", metavar="ID", help="of this Patient ID alone")
    parser.add_argument(
        "--since", metavar="TIME", help="received since then: 30m, 2h, 3d, 2026-12-01 or 2026-12-01T14:30"
    )
    parser.add_argument("--last", type=int, metavar="N", help="the newest N results alone")
    parser.add_argument("--studies", action="store_true", help="the figures of each study, not each slide")
    parser.add_argument("--json", action="store_true", help="a JSON list, its keys in docs/results-json.md")
    parser.add_argument(
        "--follow",
        action="store_true",
        help="go on with each new or changed result until Ctrl-C; JSON line by line",
    )


def main(args: argparse.Namespace) -> int:
    from edge.entries.study import describe_study, images_may_follow
    from edge.storage.reading import read_results, read_studies

    data, wanted = options.settings(args).data, _wanted(args)
    if args.follow:
        if args.studies:
            raise SettingError("--follow tells slides, not studies. Leave out --studies.")
        return _follow(data, wanted, as_json=args.json)
    if args.studies:
        kept = read_studies(data, wanted)
        _check_known(args, bool(kept))
        studies = [describe_study(one, images_may_follow(one)) for one in kept]
        show_studies(studies, read_results(data, wanted), as_json=args.json)
        return 0
    rows = read_results(data, wanted)
    _check_known(args, bool(rows))
    show(rows, as_json=args.json)
    return 0


def _check_known(args: argparse.Namespace, found: bool) -> None:
    """Refuse a study or a patient without any result: it may be mistyped."""
    if not found and (args.study or args.patient):
        named = " and ".join(
            f"{name} {value}"
            for name, value in (("study", args.study), ("patient", args.patient))
            if value is not None
        )
        raise SettingError(f"no results of {named}{' in this time' * bool(args.since)}. Check the spelling.")


def _wanted(args: argparse.Namespace) -> "Wanted":
    from edge.storage.wanted import Wanted

    if args.last is not None and args.last < 1:
        raise SettingError(f"option --last: {args.last} is not a number of results; give 1 or more.")
    since = None if args.since is None else read_time(args.since, datetime.now().astimezone())
    return Wanted(args.study, args.patient, since, args.last)


def read_time(text: str, now: datetime) -> datetime:
    """A time that a person gives: how long ago, or a date with or without a time of day, local.

    Raises:
        SettingError: it is none.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone(None)
    except (ValueError, OverflowError):
        problem = f"option --since: {text!a} is no time. Give 30m, 2h, 3d, 2026-12-01 or 2026-12-01T14:30."
        raise SettingError(problem) from None


def _follow(data: Path, wanted: "Wanted", *, as_json: bool) -> int:
    from edge.protocol.json import to_builtins
    from edge.storage.reading import read_results

    everything = replace(wanted, last=None)
    rows = read_results(data, wanted)
    told = {_key(row): _content(row) for row in read_results(data, everything)}
    for row in rows:
        told.pop(_key(row), None)
    listing = Listing()
    if not as_json:
        print(RESEARCH_USE)
    try:
        while True:
            for row in rows:
                if row.assessed_at and told.get(_key(row)) != _content(row):
                    told[_key(row)] = _content(row)
                    for line in [json.dumps(to_builtins(row))] if as_json else listing.lines(row):
                        print(line)
            sys.stdout.flush()
            time.sleep(_LOOK_S)
            # Results need not be stored in the order in which they were made: those of a cine are held.
            since = datetime.now(timezone.utc) - _HELD
            rows = read_results(data, everything, since.isoformat(timespec="microseconds"))
    except KeyboardInterrupt:
        return 0


def _key(row: "Row") -> tuple[str, int]:
    return row.sop_instance_uid, row.frame


def _content(row: "Row") -> int:
    """Stands for all that a row says: an entry changes it without a new time of assessment."""
    return hash(repr(row))


def show(rows: Sequence["Row"], *, as_json: bool) -> None:
    """Print rows for a program or for a person."""
    if as_json:
        from edge.protocol.json import to_builtins

        print(json.dumps(to_builtins(rows), indent=2))
        return
    print(RESEARCH_USE)
    if not rows:
        print("No results.")
    listing = Listing()
    for row in rows:
        for line in listing.lines(row):
            print(line)


class Listing:
    """Rows as lines for a person: a heading for each study of a patient and each scanner that slides of it
    came from, whole UIDs at the end of a line."""

    def __init__(self) -> None:
        self._study: tuple[object, ...] | None = None

    def lines(self, row: "Row") -> Iterator[str]:
        """The lines of one row, after those of its study where that is another than before."""
        study = (row.study_instance_uid, *_patient(row), row.scanner or row.source)
        if study != self._study:
            self._study = study
            yield from ("", _heading(row))
        slide = f"slide {row.slide}" if row.slide else ""
        frame = f"frame {row.frame}" if row.frame > 1 else ""
        cells = (
            f"{_time(row):25}",
            f"{slide:9}",
            f"{frame:9}",
            f"{safe(_risk(row)):>7}",
            f"{safe(_result(row)).rstrip('.')}.",  # a reason may be a sentence
        )
        yield f"  {'  '.join(cells)}  {safe(row.sop_instance_uid)}"


def _patient(row: "Row") -> tuple[str, str]:
    """Name and ID; `edge assess` has neither."""
    from edge.protocol.row import PatientRow

    return (row.patient_name, row.patient_id) if isinstance(row, PatientRow) else ("", "")


def _heading(row: "Row") -> str:
    name, patient = _patient(row)
    who = [person(name), f"ID {patient}" * bool(patient)]
    exam = " ".join(filter(None, [row.study_date, row.study_time]))
    parts = [
        *who,
        f"study {row.study_instance_uid}" if row.study_instance_uid else "no study yet",
        f"exam {exam}" * bool(exam),
        f"accession {row.accession_number}" * bool(row.accession_number),
        _origin(row),
    ]
    return ", ".join(safe(part) for part in parts if part)


def _origin(row: "Row") -> str:
    if not row.scanner:
        return f"from {row.source}" * bool(row.source)
    return f"from {row.scanner} ({row.source})"


def show_studies(
    studies: Sequence["StudyState"], rows: Sequence["PatientRow"] = (), *, as_json: bool
) -> None:
    """Print studies, their sides and their lesions, for a program or for a person.

    Args:
        rows: of these studies: they say who and when.
    """
    if as_json:
        from edge.protocol.json import to_builtins

        print(json.dumps(to_builtins(studies), indent=2))
        return
    print(RESEARCH_USE)
    if not studies:
        print("No results.")
    headings = {(row.study_instance_uid, row.patient_id): _heading(row) for row in reversed(rows)}
    for study in studies:
        state = f"{study.state}: {study.why}" if study.why else study.state
        patient = f"patient {study.patient_id}" if study.patient_id else "no patient ID"
        named = safe(f"{study.study_instance_uid}, {patient}")
        heading = headings.get((study.study_instance_uid, study.patient_id), named)
        print(f"{heading}: {safe(state)}")
        for line in _facts(study):
            print(f"  {safe(line)}")
        for part, risk in {"study": study.risk, **study.sides}.items():
            print(f"  {part:10}{_figures(risk, study.threshold)}")
        for number, lesion in study.lesions.items():
            where = "".join(f"{side}, " for side in lesion.sides)
            told = f"{where}{_figures(lesion.risk, study.threshold)}"
            print(f"  {f'lesion {number}':10}{told if lesion.risk else _APART}")


def _figures(risk: "RiskFigures | None", threshold: float | None) -> str:
    if risk is None:
        return "no risk"
    at_most = "up to " * risk.risk_if_unknown
    where = f" on slide {risk.highest_slide_number}" * bool(risk.highest_slide_number)
    highest, mean = (percent_beside(value, threshold) for value in (risk.highest, risk.mean))
    told = [f"highest {at_most}{highest}{where}", f"mean {at_most}{mean}"]
    told += [f"vote {VOTES[risk.vote]}", f"agreement {risk.agreement:.0%}", slides(risk.slides)]
    told += ["discordant"] * risk.discordant
    counts = {"left out": risk.left_out, "disputed": risk.disputed}
    told += [f"{count} {what}" for what, count in counts.items() if count]
    return ", ".join(told)


def slides(count: int) -> str:
    return "1 slide" if count == 1 else f"{count} slides"


def _facts(study: "StudyState") -> list[str]:
    return [
        f"{fact.value} ({fact.source})" + ", not used by this model" * (not fact.used)
        for fact in study.facts.values()
        if fact.source
    ]


def _time(row: "Row") -> str:
    """When it was received; nothing where there is no agent."""
    return local_time(row.received_at) if row.received_at else ""


def local_time(at: str) -> str:
    """A time of a row as a person reads it: local, with its offset."""
    then = datetime.fromisoformat(at).astimezone()
    offset = f"{then:%z}"
    return f"{then:%Y-%m-%d %H:%M:%S}{offset[:3]}:{offset[3:5]}"


def _risk(row: "Row") -> str:
    if row.risk_if:
        told = {label: percent_beside(risk, row.threshold) for label, risk in row.risk_if.items()}
        return "; ".join(f"{risk} if {label}" for label, risk in told.items())
    return "" if row.risk is None else percent_beside(row.risk, row.threshold)


def _result(row: "Row") -> str:
    words = {None: "scored", True: "above the threshold", False: "below the threshold"}
    if row.state == "scored":
        return ", ".join([words[row.above_threshold], *_entered(row), *row.flags])
    state = str(row.state).replace("_", " ")
    return f"{state}: {row.reason}" if row.reason else state


def _entered(row: "Row") -> list[str]:
    """What people entered about a slide, and what its risk stands on."""
    told = [*row.facts.values()]
    if row.side:
        told.append(f"{row.side} side")
    if row.lesion:
        told.append(f"lesion {row.lesion}")
    if row.left_out:
        why = f": {row.left_out_reason}" if row.left_out_reason else ""
        told.append(f"left out of the study{why}")
    if row.disputed:
        told.append(f"disputed: {row.disputed}")
    return told
