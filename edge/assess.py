"""`edge assess`: score files without an agent, as the agent would."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from edge import options
from edge.results import show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="DICOM file")
    parser.add_argument("--json", action="store_true", help="a JSON list, its keys in docs/results-json.md")
    options.add_config(parser)
    options.add_bundle(parser)


def main(args: argparse.Namespace) -> int:
    import warnings

    from edge.inference import Inference, inspect
    from edge.jobs import frames_to_score
    from edge.row import FAILED, Row

    warnings.simplefilter("ignore")
    settings = options.settings(args)
    inference = Inference(options.bundle(args, settings), settings.network_threads)
    refused = []

    def rows() -> Iterator[Row]:
        for path in args.files:
            found = inspect(path)
            if not found.frame_count:
                refused.append(f"{path}: {found.reason}")
                yield found.refusal(found.sop_instance_uid)
            for frame in frames_to_score(found.frame_count, settings.cine_frames):
                result = inference.assess(path, found.sop_instance_uid, found.study_instance_uid, frame)
                if not result.readable:
                    refused.append(f"{path}: {result.row.reason}")
                yield result.row

    found = list(rows())
    show([asdict(row) for row in found], as_json=args.json)
    for message in refused:
        print(f"edge: {message}", file=sys.stderr)
    if any(row.state == FAILED for row in found):
        return 2
    return 1 if refused else 0
