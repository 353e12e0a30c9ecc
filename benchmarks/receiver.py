"""How fast the agent receives, beside other storage SCPs: raw RGB images of 1024 x 768 from DCMTK's storescu.

    python -m benchmarks.receiver
    python -m benchmarks.receiver --images 50 --rounds 1 --folder DIR

Only receiving is measured, no network runs. The agent says success when file and folder are synced; beside it
stands a server that receives and forgets, plus what the two syncs of each image cost on the same disk. Peers
that are not installed are left out. The rounds are interleaved; each time is the median of its rounds.
Processor seconds are the server's alone, without its sender's.
"""

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
from rich.console import Console
from rich.table import Table

from benchmarks.scps import PEERS, Start, agent, bare, finish, processor_s, sender
from tests.outside import find_tool
from tests.synth.dicom import make_instance
from tests.synth.scans import make_frame

ROWS, COLUMNS, CINE_FRAMES, PARALLEL = 768, 1024, 60, 4
FRAME_BYTES = ROWS * COLUMNS * 3
MB = 1 << 20
Times = tuple[float, float]  # seconds by the clock, of the processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write: the disk counts (the temporary folder)")
    parser.add_argument("--no-cines", action="store_true", help="leave out four cines at once")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        images = [write_image(folder / f"{number}.dcm", 1) for number in range(args.images)]
        times = _rounds(images, folder, args.rounds)
        _report(times, args.images)
        if not args.no_cines:
            _cines(folder)


def write_image(path: Path, frames: int) -> Path:
    """A raw RGB image or cine of noise."""
    dataset = make_instance([make_frame(1).pixels])
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel, dataset.PlanarConfiguration = "RGB", 3, 0
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    if frames > 1:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
        dataset.NumberOfFrames = frames
    noise = np.random.default_rng(frames).integers(0, 256, FRAME_BYTES, dtype=np.uint8).tobytes()
    dataset.PixelData = noise * frames
    dataset.save_as(path, enforce_file_format=True)
    return path


def _rounds(images: Sequence[Path], folder: Path, rounds: int) -> dict[str, list[Times]]:
    """Seconds and the server's processor seconds of each round, by what was measured."""
    installed = {name: start for name, (start, program) in PEERS.items() if not program or find_tool(program)}
    parts = [images[number::PARALLEL] for number in range(PARALLEL)]
    measures: dict[str, Callable[[], Times]] = {
        "receive and forget (pynetdicom)": lambda: _push(bare, [images], folder),
        "the syncs": lambda: _sync(images, folder),
        "agent": lambda: _push(agent, [images], folder),
        f"agent, {PARALLEL} associations": lambda: _push(agent, parts, folder),
        **{name: (lambda start=start: _push(start, [images], folder)) for name, start in installed.items()},  # type: ignore[misc]
    }
    times: dict[str, list[Times]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            times[name].append(measure())
    return times


def _push(start: Start, parts: Sequence[Sequence[Path]], folder: Path) -> Times:
    """Until every sender has all its answers."""
    with tempfile.TemporaryDirectory(dir=folder) as place, start(Path(place)) as (port, pid):
        os.sync()  # nobody pays for what was written before
        began, spent = time.perf_counter(), processor_s(pid)
        finish([sender(port, part) for part in parts])
        return time.perf_counter() - began, processor_s(pid) - spent


def _sync(images: Sequence[Path], folder: Path) -> Times:
    """What the two syncs take: of the file, and, after its rename, of the folder."""
    total = 0.0
    with tempfile.TemporaryDirectory(dir=folder) as place:
        incoming = Path(place, "incoming")
        incoming.mkdir()
        directory = os.open(place, os.O_RDONLY)
        os.sync()
        for image in images:
            content = image.read_bytes()
            with (incoming / image.name).open("wb") as stream:
                stream.write(content)
                stream.flush()
                began = time.perf_counter()
                os.fsync(stream.fileno())
                total += time.perf_counter() - began
            (incoming / image.name).rename(Path(place, image.name))
            began = time.perf_counter()
            os.fsync(directory)
            total += time.perf_counter() - began
        os.close(directory)
    return total, 0.0


def _report(times: dict[str, list[Times]], images: int) -> None:
    medians = {name: statistics.median(seconds for seconds, _ in rounds) for name, rounds in times.items()}
    limit = medians["receive and forget (pynetdicom)"] + medians["the syncs"]
    table = Table(title=f"{images} raw RGB images of {COLUMNS} x {ROWS}, {images * FRAME_BYTES / MB:.0f} MB")
    for column in ("", "seconds", "lowest, highest", "images/s", "of receiving + syncs", "processor"):
        table.add_column(column, justify="left" if not column else "right")
    for name, seconds in [*medians.items(), ("receive and forget + the syncs", limit)]:
        rounds = times.get(name, [])
        walls = [wall for wall, _ in rounds] or [seconds]
        spread = f"{min(walls):.2f}, {max(walls):.2f}"
        speed, ratio = f"{images / seconds:.1f}", f"{seconds / limit:.2f}"
        processor = f"{statistics.median(spent for _, spent in rounds):.2f}" if rounds else ""
        shown = ("", "", "") if name == "the syncs" else (speed, ratio, processor)
        table.add_row(name, f"{seconds:.2f}", spread, *shown)
    Console(width=120).print(table)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores: busy machines tell little")
    parallel = medians["agent"] / medians[f"agent, {PARALLEL} associations"]
    print(
        f"agent: {medians['agent'] / limit:.2f} times receiving + syncs, one association (aim: at most 1.3)"
    )
    print(f"agent: {PARALLEL} associations {parallel:.2f} times as fast as one (aim: at least 2)")


def _cines(folder: Path) -> None:
    cines = [write_image(folder / f"cine{number}.dcm", CINE_FRAMES) for number in range(PARALLEL)]
    with tempfile.TemporaryDirectory(dir=folder) as place, agent(Path(place)) as (port, pid):
        before = _resident_mb(pid)
        finish([sender(port, [cine]) for cine in cines])
        after = _resident_mb(pid)
    size = cines[0].stat().st_size / 1e6
    print(
        f"agent: {PARALLEL} cines of {size:.0f} MB at once: "
        f"{after:.0f} MB resident at most, {before:.0f} before"
    )


def _resident_mb(pid: int) -> float:
    (kilobytes,) = re.findall(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
