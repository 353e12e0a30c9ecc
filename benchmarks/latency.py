"""How long a pushed image takes to its risk: pushes images one at a time to a real `edge serve`.

    python -m benchmarks.latency --count 100
    python -m benchmarks.latency --file scan.dcm --bundle DIR

Reports p50 and p95; sets no limit. Times are those of this machine and of what else it does meanwhile.
"""

import argparse
import itertools
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pynetdicom import AE
from rich.console import Console
from rich.table import Table

from edge.sockets.events import socket_address
from scanside.assess.denoise import denoiser_of
from scanside.facts import ClinicalRecord, possible_inputs
from scanside.model.bundle import DEFAULT_BUNDLE, GOLDEN_DENOISER, NETWORK, Bundle, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime

WARM_UP = 3


def main() -> None:
    args = _arguments()
    bundle = load_bundle(args.bundle, allow_test_only=args.allow_test_bundle)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        options = ["--port", "0", "--data", folder, "--bundle", str(args.bundle)]
        options += ["--allow-test-bundle"] if args.allow_test_bundle else []
        agent = subprocess.Popen(
            [sys.executable, "-m", "edge.cli", "serve", *options], stderr=subprocess.DEVNULL
        )
        try:
            messages = _listen(data, agent)
            pushes = _push(args.file, args.count + WARM_UP, messages, _Forward(bundle))
        finally:
            agent.terminate()
            agent.wait()
    _report(args, bundle, pushes[WARM_UP:])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=50, help="images to push (50)")
    parser.add_argument(
        "--file",
        type=Path,
        default=Path(str(get_testdata_file("examples_rgb_color.dcm", download=False))),
        help="single-frame image to push; each push gets a UID of its own (one of pydicom's)",
    )
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="model (the installed one)")
    parser.add_argument("--allow-test-bundle", action="store_true")
    return parser.parse_args()


def _listen(data: Path, agent: "subprocess.Popen[bytes]") -> Iterator[dict[str, Any]]:
    """The agent's messages from the snapshot on that says it is ready."""
    while agent.poll() is None:
        time.sleep(0.1)
        connection = socket.socket(socket.AF_UNIX)
        try:
            with socket_address(data) as address:
                connection.connect(address)
        except OSError:
            continue
        messages: Iterator[dict[str, Any]] = map(json.loads, connection.makefile("rb"))
        snapshot = next(messages)
        if snapshot["agent"]["state"] == "ready":
            return itertools.chain([snapshot], messages)
    raise SystemExit(f"the agent ended with code {agent.returncode}; is the bundle right?")


def _push(
    file: Path, count: int, messages: Iterator[dict[str, Any]], forward: "_Forward"
) -> list[dict[str, float]]:
    """For each push, milliseconds from its start to: the answer, the risk stored, the risk at a view.

    And the network's own forward time and the denoiser's, measured right after it, while the agent is idle.
    """
    port = next(messages)["agent"]["port"]
    dataset = pydicom.dcmread(file)
    ae = AE("BENCHMARK")
    ae.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = ae.associate("127.0.0.1", port, ae_title="SCANSIDE")
    pushes = []
    for _ in range(count):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        start = time.time()
        association.send_c_store(dataset)
        answered = time.time()
        row = next(_ended(messages))
        stored = datetime.fromisoformat(row["received_at"]).timestamp() + row["latency_ms"] / 1e3
        times = {"answered": answered, "stored": stored, "seen": time.time()}
        pushes.append({name: 1e3 * (moment - start) for name, moment in times.items()})
        pushes[-1] |= {"received to stored": row["latency_ms"], **forward.milliseconds()}
    association.release()
    print(f"last result: {row['state']}, risk {row['risk']}, {row['reason'] or 'no objection'}")
    return pushes


def _ended(messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    rows = (message["row"] for message in messages if message["event"] == "row")
    return (row for row in rows if row["state"] != "pending")


class _Forward:
    """The agent's network and, where it has one, its denoiser, each alone."""

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self._runner = OnnxRuntime(bundle.files[NETWORK])
        labels, clinical = possible_inputs(ClinicalRecord(), manifest.clinical_inputs)
        scan = np.random.default_rng(0).random((len(labels), 1, *manifest.input_size), np.float32)
        self._inputs = {"scan": scan} | ({"clinical": clinical} if manifest.clinical_inputs else {})
        self._denoiser = denoiser_of(bundle)
        if self._denoiser is not None:  # the golden case has annotations: what is not skipped is measured
            golden = bundle.arrays(GOLDEN_DENOISER)
            self._annotated = {name: golden[f"in_{name}"][:1] for name in ("scan", "chroma")}

    def milliseconds(self) -> dict[str, float]:
        start = time.perf_counter()
        self._runner.run(self._inputs)
        between = time.perf_counter()
        times = {"network": 1e3 * (between - start)}
        if self._denoiser is not None:
            self._denoiser.runner.run(self._annotated)
            times["denoiser"] = 1e3 * (time.perf_counter() - between)
        return times


def _report(args: argparse.Namespace, bundle: Bundle, pushes: list[dict[str, float]]) -> None:
    denoiser = [push["denoiser"] for push in pushes if "denoiser" in push]
    lines = {
        "network's own forward": [push["network"] for push in pushes],
        **({"denoiser's own forward": denoiser} if denoiser else {}),
        "push to C-STORE answer": [push["answered"] for push in pushes],
        "received to stored": [push["received to stored"] for push in pushes],
        "push to stored": [push["stored"] for push in pushes],
        "push to a view": [push["seen"] for push in pushes],
        "overhead: push to a view, less network": [push["seen"] - push["network"] for push in pushes],
    }
    manifest = bundle.manifest
    title = f"{manifest.name} {manifest.version}, {len(pushes)} pushes of {args.file.name}"
    table = Table("ms", "p50", "p95", title=title)
    for name, values in lines.items():
        table.add_row(name, *(f"{np.percentile(values, p):.1f}" for p in (50, 95)))
    if denoiser:
        ratio = np.median(denoiser) / np.median(lines["network's own forward"])
        table.add_row("denoiser over network, of the medians", f"{ratio:.2f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
