"""Purges patients in seven situations in turn while other images come, and searches what is left of them.

    python -m benchmarks.purges --purges 100

In each situation the index knows nothing of a patient, little, or what is wrong: it is deleted or damaged, or
`edge rebuild` emptied it; a backup is restored and no agent has been started on it; the agent scores nothing,
or has just been started on a backlog; a damaged header hides the patient. Right after each purge all of the
data folder but the audit trail is searched for her name, her ID, the UIDs of her images, and bytes of their
pixels and of their pictures in the index; and once more at the end. What is found must be in files that purge
names.
"""

import argparse
import contextlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom

from benchmarks.acknowledged import HOST, Load, is_scored, look
from benchmarks.kill import Agent, wait_for
from edge.storage.index import NAME, read_index
from edge.storage.spool import Spool
from scanside.errors import ScansideError
from tests.edge.storage.received import receive
from tests.outside import find_tool_or_exit
from tests.synth.bundle import make_bundle
from tests.synth.dicom import MAKERS, make_instance
from tests.synth.dicom import Patient as Person
from tests.synth.scans import make_frame

_STILLS, _MARK_BYTES, _PIECES = 3, 64, 8
_SEEDS = 100  # of frames from one patient to the next: others' images have lower ones
_EDGE = [sys.executable, "-m", "edge.cli"]
_NOTHING = "nothing is kept"


@dataclass
class Patient:
    """Somebody to be purged, and what would show that something is left.

    Attributes:
        files: her images.
        marks: bytes that stand in nobody else's, each with what it is.
    """

    id: str
    files: list[Path]
    marks: dict[bytes, str] = field(default_factory=dict)


@dataclass
class Scene:
    """An agent under load.

    Attributes:
        damaged: what was done to a header, so that purge may say that it can't read it.
    """

    agent: Agent
    load: Load
    folder: Path
    bundle: Path
    damaged: bool = False

    @property
    def data(self) -> Path:
        return self.agent.data

    def send(self, patients: list[Patient]) -> None:
        files = [file for patient in patients for file in patient.files]
        command = [find_tool_or_exit("storescu"), "-aec", "SCANSIDE", HOST, str(self.agent.port), *files]

        def sent() -> bool:
            self.agent.keep_alive()
            return subprocess.run(command, check=False, capture_output=True).returncode == 0

        wait_for(sent, "a send")

    def remove_index(self) -> None:
        for path in self.data.glob(f"{NAME}*"):
            path.unlink()


def _index_deleted(scene: Scene, patients: list[Patient]) -> Path:
    scene.send(patients)
    scene.agent.stop()
    scene.remove_index()
    scene.agent.start()
    return scene.data


def _restored(scene: Scene, patients: list[Patient]) -> Path:
    """From a backup that was made while the agent ran; no agent is started on it."""
    scene.send(patients)
    backup, restored = scene.folder / "backup", scene.folder / "restored"
    for path in (backup, restored):
        shutil.rmtree(path, ignore_errors=True)
    _edge("backup", "--data", str(scene.data), str(backup))
    _edge("restore", "--data", str(restored), str(backup))
    return restored


def _rebuilt(scene: Scene, patients: list[Patient]) -> Path:
    scene.send(patients)
    scene.agent.stop()
    _edge("rebuild", "--data", str(scene.data))
    scene.agent.start()
    return scene.data


def _damaged_index(scene: Scene, patients: list[Patient]) -> Path:
    scene.send(patients)
    scene.agent.stop()
    index = scene.data / NAME
    index.write_bytes(b"\xa5" * index.stat().st_size)
    scene.agent.start()
    return scene.data


def _not_scoring(scene: Scene, patients: list[Patient]) -> Path:
    scene.agent.stop()
    config = scene.folder / "edge.toml"
    config.write_text('runtimes = ["tensorrt:fp16"]\n')  # none is here
    scene.agent.options = ["--config", str(config)]
    scene.agent.start()
    scene.agent.options = []
    scene.send(patients)
    return scene.data


def _backlog(scene: Scene, patients: list[Patient]) -> Path:
    scene.agent.stop()
    spool = Spool(scene.data / "spool")
    for file in (file for patient in patients for file in patient.files):
        receive(spool, file)
    scene.agent.start()
    return scene.data


def _damaged_header(scene: Scene, patients: list[Patient]) -> Path:
    """The first image of each hides her: at an element before her, at her own, or from the first byte on."""
    scene.send(patients)
    scene.agent.stop()
    scene.remove_index()
    for number, patient in enumerate(patients):
        path = next(p for p in (scene.data / "spool").glob("*.dcm") if patient.id.encode() in p.read_bytes())
        content = bytearray(path.read_bytes())
        tag = (b"\x08\x00\x60\x00", b"\x10\x00\x10\x00", None)[number % 3]
        if tag is None:
            content[132:300] = b"\xff" * 168
        else:
            at = content.index(tag)
            content[at + 4 : at + 8] = b"SQ\xff\xff"
        path.write_bytes(content)
    scene.agent.start()
    scene.damaged = True
    return scene.data


SITUATIONS: dict[str, Callable[[Scene, list[Patient]], Path]] = {
    "index deleted": _index_deleted,
    "backup restored, not started": _restored,
    "after edge rebuild": _rebuilt,
    "index damaged": _damaged_index,
    "agent scores nothing": _not_scoring,
    "just started on a backlog": _backlog,
    "damaged header": _damaged_header,
}


@dataclass
class Count:
    """What became of the purges of one situation.

    Attributes:
        clean: nothing is left.
        named: something is left in files that purge has named, with exit code 1.
        faults: something else is left, or "nothing is kept" was said although something was.
    """

    clean: int = 0
    named: int = 0
    faults: list[str] = field(default_factory=list)


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for made in ("bundle", "images", "load"):
            (folder / made).mkdir()
        bundle = make_bundle(folder / "bundle", clinical=False)
        agent = Agent(folder, bundle)
        load = Load(folder / "load", lambda: agent.port, 5, args.rate)
        load.start()
        try:
            return _purge_all(args, Scene(agent, load, folder, bundle))
        finally:
            load.end()
            load.join()
            agent.stop()


def _purge_all(args: argparse.Namespace, scene: Scene) -> int:
    counts: dict[str, Count] = defaultdict(Count)
    gone: list[Patient] = []
    end, number = time.monotonic() + 60 * args.minutes, 0
    while number < args.purges and time.monotonic() < end:
        for name, arrange in SITUATIONS.items():
            patients = [
                _patient(scene.folder / "images", number + at)
                for at in range(min(args.at_once, args.purges - number))
            ]
            number += len(patients)
            scene.damaged = False
            data = arrange(scene, patients)
            for patient in patients:
                _purge(scene, data, patient, counts[name])
                if data != scene.data:  # the folder from which it was backed up has her, too
                    _purge(scene, scene.data, patient, Count())
            if name == "agent scores nothing":
                scene.agent.stop()
                scene.agent.start()
            gone += patients
    return _report(scene, counts, gone)


def _purge(scene: Scene, data: Path, patient: Patient, count: Count) -> None:
    for mark in _pictures(data, patient):
        patient.marks[mark] = "picture"
    done = _purge_once(data, patient)
    left = _left(data, [patient])
    said = done.stdout + done.stderr
    named = {path for path in left if path.relative_to(data).as_posix() in said}
    if set(left) - named or _NOTHING in said:
        count.faults.append(f"{patient.id}: {left or 'nothing left'}; said: {said.strip()}")
        print(count.faults[-1], flush=True)
    elif left:
        count.named += done.returncode == 1
        if done.returncode != 1:
            count.faults.append(f"{patient.id}: exit {done.returncode} although {left}")
    elif done.returncode and not scene.damaged:
        count.faults.append(f"{patient.id}: exit {done.returncode}; said: {said.strip()}")
        print(count.faults[-1], flush=True)
    else:
        count.clean += 1
    if scene.damaged:  # nobody can say whose the rest is: it goes before the next patient comes
        _purge_once(data, patient, "--unreadable")
        if left := _left(data, [patient]):
            count.faults.append(f"{patient.id}: after --unreadable {left}")


def _purge_once(data: Path, patient: Patient, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [*_EDGE, "purge", "--patient", patient.id, "--data", str(data), "--yes", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _left(data: Path, patients: list[Patient]) -> dict[Path, list[str]]:
    """Files in which something of them stands, the audit trail apart, and what it is."""
    every = {mark: what for patient in patients for mark, what in patient.marks.items()}
    any_of_them = re.compile(b"|".join(map(re.escape, every)))
    found = {}
    for path in data.rglob("*"):
        if path.is_file() and "audit" not in path.relative_to(data).parts:
            with contextlib.suppress(FileNotFoundError):  # moved or removed as it was listed
                if marks := set(any_of_them.findall(path.read_bytes())):
                    found[path] = sorted({every[mark] for mark in marks})
    return found


def _patient(folder: Path, number: int) -> Patient:
    """Somebody with stills and a cine, in whose pixels stand bytes that are nobody else's."""
    person = Person(f"ZZPURGED{number:04}^ZOE", f"PURGED-{number:04}")
    patient = Patient(person.id, [])
    patient.marks = {person.id.encode(): "ID", person.name.encode(): "name"}
    noise = np.random.default_rng(10_000 + number)
    seed = _SEEDS * (number + 1)
    for frames in (*[1] * _STILLS, 2):
        pixels = [make_frame(seed + frame).pixels[::4, ::4].copy() for frame in range(frames)]
        seed += frames
        mark = noise.integers(1, 255, _MARK_BYTES, dtype=np.uint8)
        row = pixels[0][len(pixels[0]) // 2].reshape(-1)
        row[len(row) // 2 : len(row) // 2 + _MARK_BYTES] = mark
        patient.marks[mark.tobytes()] = "pixels"
        instance = make_instance(pixels, maker=MAKERS[0], patient=person)
        patient.marks[str(instance.SOPInstanceUID).encode()] = "UID"
        patient.files.append(folder / f"{instance.SOPInstanceUID}.dcm")
        instance.save_as(patient.files[-1], enforce_file_format=True)
        stored = bytes(pydicom.dcmread(patient.files[-1]).PixelData)
        if mark.tobytes() not in stored:
            raise AssertionError("the pixels are not stored as they are: nothing could be found")
    return patient


def _pictures(data: Path, patient: Patient) -> Iterator[bytes]:
    """Pieces of her pictures as they stand in the index, where she has some there."""
    rows = []
    with contextlib.suppress(ScansideError, sqlite3.Error), contextlib.closing(read_index(data)) as index:
        rows = index.execute(
            "SELECT preview, prepared FROM pictures JOIN frames USING (sop_instance_uid, frame) "
            "WHERE patient_id = ?",
            (patient.id,),
        ).fetchall()
    for picture in (text for row in rows for text in row if text):
        coded = max(re.findall(r"[A-Za-z0-9+/]{200,}", picture), key=len, default="")
        middle = len(coded) // 2
        for at in range(middle, min(middle + _PIECES * _MARK_BYTES, len(coded)) - _MARK_BYTES, _MARK_BYTES):
            if len(set(coded[at : at + _MARK_BYTES])) > 20:  # not black
                yield coded[at : at + _MARK_BYTES].encode()


def _edge(*arguments: str) -> None:
    done = subprocess.run([*_EDGE, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"edge {' '.join(arguments)}: {done.stderr}")


def _report(scene: Scene, counts: dict[str, Count], gone: list[Patient]) -> int:
    def scored() -> bool:
        scene.agent.keep_alive()
        return scene.agent.status() is not None and is_scored(scene.data, scene.load)

    scene.load.pause()
    wait_for(scored, "the results")
    scene.agent.stop()
    left, kept = _left(scene.data, gone), look(scene.data, scene.load)
    print(f"{'situation':30} {'purges':>7} {'nothing left':>13} {'left, and named':>16} {'faults':>7}")
    for name, count in counts.items():
        sum_ = count.clean + count.named + len(count.faults)
        print(f"{name:30} {sum_:7} {count.clean:13} {count.named:16} {len(count.faults):7}")
    print(f"{'pieces of pictures searched':30} {sum(p.marks[m] == 'picture' for p in gone for m in p.marks)}")
    print(f"{'files with something at the end':30} {len(left)} {left or ''}")
    print(f"{'others: sent, acknowledged':30} {scene.load.sent}, {len(scene.load.acknowledged)}")
    for what, figure in kept.lines():
        print(f"{'others: ' + what:30} {figure}")
    faults = [fault for count in counts.values() for fault in count.faults]
    return 0 if gone and not faults and not left and kept.is_whole else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--purges", type=int, default=100, help="how many (100)")
    parser.add_argument("--at-once", type=int, default=3, help="patients each time (3)")
    parser.add_argument("--minutes", type=float, default=9.0, help="no new round after that (9)")
    parser.add_argument("--rate", type=float, default=4.0, help="others' images a second at most (4)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
