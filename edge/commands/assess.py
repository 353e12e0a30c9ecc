"""`edge assess`: score files without an agent, as the agent would."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edge.commands import options
from edge.commands.folders import DICOMDIR, find_files, is_dicomdir
from edge.commands.results import show
from edge.entries.finding import derived
from edge.protocol.row import FAILED, Row, now
from edge.scoring.cines import Cines
from edge.scoring.jobs import Inspection, Job, Priority, Result
from edge.scoring.tuning import how_to_run
from edge.scoring.worker import Worker, WorkerLost
from edge.settings import Settings
from edge.storage.entered import CENTRE
from scanside.command import say
from scanside.errors import SettingError
from scanside.facts import Centre
from scanside.scan.cine import frames_to_score


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="DICOM file, or a folder of them")
    parser.add_argument("--json", action="store_true", help="a JSON list, its keys in docs/results-json.md")
    parser.add_argument(
        "--explain-preparation",
        type=Path,
        metavar="FILE",
        help="draw how this file is prepared; score nothing",
    )
    parser.add_argument("--out", type=Path, metavar="PNG", help="where the picture of it goes")
    options.add_config(parser)
    options.add_bundle(parser)


def main(args: argparse.Namespace) -> int:
    if bool(args.files) == bool(args.explain_preparation):
        raise SettingError("give a FILE to score, or one to explain with --explain-preparation.")
    if bool(args.out) != bool(args.explain_preparation):
        raise SettingError("--explain-preparation FILE and --out PNG belong together. Give both.")
    settings = options.settings(args)
    bundle = options.bundle(args, settings)
    if args.explain_preparation:
        from edge.scoring.explain import write_explanation

        write_explanation(args.explain_preparation, args.out, bundle)
        return 0
    # A process of its own, as in the agent: what crashes a codec must not silence this one.
    given = find_files(args.files)
    runtimes, _ = how_to_run(settings, bundle)
    worker = Worker(bundle, Path(), runtimes, settings.worker_timeout_s, exam=settings.exam_options)
    try:
        results = [r for path in given.files for r in _results(worker, path, settings)]
    finally:
        worker.stop()
    known = {} if settings.centre == Centre.UNKNOWN.value else {CENTRE: settings.centre}
    rows = [derived(result.row, result.found, known).row for _, result in results]
    show(rows, as_json=args.json)
    refused = [f"{path}: {result.row.reason}" for path, result in results if not result.readable]
    for message in (*refused, *filter(None, [given.remark])):
        say("edge", message)
    if any(result.row.state == FAILED for _, result in results):
        return 2
    return 1 if refused else 0


def _results(worker: Worker, path: Path, settings: Settings) -> Iterator[tuple[Path, Result]]:
    job = Job(Priority.INSPECT, str(path.absolute()), 0, "", now())
    if path.is_file() and is_dicomdir(path):
        yield path, Result(Inspection(reason=DICOMDIR).refusal(""), readable=False)
        return
    found = _ask(worker, job)
    if isinstance(found, Result):
        yield path, found
        return
    if not found.frame_count:
        yield path, Result(found.refusal(found.sop_instance_uid), readable=False)
    cines, frames = (
        Cines(settings.cine_unlike_share),
        frames_to_score(found.frame_count, settings.cine_frames),
    )
    cines.begin(job.receipt, frames)
    certain: list[tuple[Job, Result]] = []
    for frame in frames:
        one = replace(
            job,
            priority=Priority.STILL,
            sop_instance_uid=found.sop_instance_uid,
            study_instance_uid=found.study_instance_uid,
            frame=frame,
        )
        result = _ask(worker, one)
        assert isinstance(result, Result)
        certain += cines.add(one, result)
    for _, result in sorted(certain, key=lambda one: one[0].frame):
        yield path, result


def _ask(worker: Worker, job: Job) -> Inspection | Result:
    """The worker's answer; a failed result when the job takes it down."""
    if not worker.alive:
        for refused in worker.start().refused:
            say("edge", f"not used: {refused}")
    try:
        return worker.ask(job)
    except WorkerLost as lost:
        row = Row(job.sop_instance_uid, job.frame, job.study_instance_uid, assessed_at=now())
        return Result(replace(row, state=FAILED, reason=f"{lost}; the image may be damaged"))
