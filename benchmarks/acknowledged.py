"""What senders were told of a running agent, and what its data folder holds of it afterwards.

DCMTK's storescu sends small copies of one scan, each a new instance; and one instance more that comes again
and again with the one of two contents, of two patients, that it did not come with before.
"""

import argparse
import collections
import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import generate_uid

from edge.protocol.row import PENDING
from edge.storage.index import read_index
from edge.trail.log import CUT_OFF, verify
from tests.outside import find_tool_or_exit
from tests.synth.dicom import MAKERS, Patient, make_instance
from tests.synth.scans import make_frame

HOST = "127.0.0.1"
_PEOPLE = (Patient("EVEN^EVE", "EVEN"), Patient("ODD^OTTO", "ODD"))
_SUCCESS, _UNREACHED_S = b"Received Store Response (Success)", 0.3


def add_load_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how much a `Load` sends, and the seed of what happens meanwhile."""
    parser.add_argument("--batch", type=int, default=20, help="instances per association (20)")
    parser.add_argument("--rate", type=float, default=15.0, help="instances a second at most (15)")
    parser.add_argument("--seed", type=int, default=1)


class Load(threading.Thread):
    """Sends batch after batch, each over an association of its own, and notes what was acknowledged and when.

    Args:
        folder: where files lie until they are sent.
        port: where the agent listens now.
        batch: instances per association.
        rate: instances a second at most, so that no more comes than can be scored before the end.

    Attributes:
        acknowledged: new instances whose success was read.
        replacements: patient ID of each content of the one instance that was begun to be sent, in order, and
            whether its success was read.
        sent: new instances that were begun to be sent.
    """

    def __init__(self, folder: Path, port: Callable[[], int], batch: int, rate: float) -> None:
        super().__init__(daemon=True)
        self._folder, self._port, self._batch, self._pause_s = folder, port, batch, batch / rate
        self._storescu = find_tool_or_exit("storescu")
        self._template = make_instance([make_frame(1).pixels[::4, ::4]], maker=MAKERS[0])
        self.replaced = str(generate_uid())
        self._contents = [self._content(number, person) for number, person in enumerate(_PEOPLE)]
        self._noting, self._sending = threading.Lock(), threading.Lock()
        self.acknowledged: set[str] = set()
        self.replacements: list[tuple[str, bool]] = []
        self.sent = 0
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.stopped = threading.Event()

    @property
    def study(self) -> str:
        """The study and the patient of the new instances."""
        return str(self._template.StudyInstanceUID)

    @property
    def patient(self) -> str:
        return str(self._template.PatientID)

    def run(self) -> None:
        while not self.stopped.is_set():
            self.goes_on.wait()
            with self._sending:
                self._send_new()
                self._replace()
            time.sleep(self._pause_s)

    def end(self) -> None:
        """Send no more, also where it pauses; `join` waits for what is under way."""
        self.stopped.set()
        self.goes_on.set()

    def pause(self) -> None:
        """Send nothing more until `goes_on` is set."""
        self.goes_on.clear()
        with self._sending:  # what is under way has ended
            pass

    def told(self) -> "tuple[set[str], list[tuple[str, bool]]]":
        """What was acknowledged up to now: new instances, and each content of the one."""
        with self._noting:
            return set(self.acknowledged), list(self.replacements)

    def forget_after(self, told: "tuple[set[str], list[tuple[str, bool]]]") -> None:
        """Take back what was acknowledged after `told`; that it was sent stays."""
        with self._noting:
            self.acknowledged, before = told
            self.replacements = before + [(whose, False) for whose, _ in self.replacements[len(before) :]]

    def _send_new(self) -> None:
        uids = self._write()
        files = [self._folder / f"{uid}.dcm" for uid in uids]
        self._send(files, partial(self._note, uids))
        self.sent += len(uids)
        for file in files:
            file.unlink()

    def _replace(self) -> None:
        number = len(self.replacements) % len(_PEOPLE)
        with self._noting:
            self.replacements.append((_PEOPLE[number].id, False))
        at = len(self.replacements) - 1
        self._send([self._contents[number]], partial(self._note_replacement, at))

    def _note(self, uids: list[str], number: int) -> None:
        with self._noting:
            self.acknowledged.add(uids[number])

    def _note_replacement(self, at: int, _number: int) -> None:
        with self._noting:
            self.replacements[at] = (self.replacements[at][0], True)

    def _send(self, files: list[Path], note: Callable[[int], None]) -> None:
        """Send in order; storescu ends at the first failure. Each success is noted as it is read."""
        command = [self._storescu, "-v", "-aec", "SCANSIDE", HOST, str(self._port()), *files]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as sender:
            assert sender.stdout is not None
            count = 0
            for line in sender.stdout:
                if _SUCCESS in line:
                    note(count)
                    count += 1
        if not count:
            time.sleep(_UNREACHED_S)

    def _content(self, number: int, person: Patient) -> Path:
        dataset = make_instance([make_frame(2 + number).pixels[::4, ::4]], maker=MAKERS[0], patient=person)
        return self._save(dataset, self.replaced, f"content-{number}")

    def _write(self) -> list[str]:
        uids = [str(generate_uid()) for _ in range(self._batch)]
        for uid in uids:
            self._save(self._template, uid, uid)
        return uids

    def _save(self, dataset: pydicom.FileDataset, uid: str, name: str) -> Path:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
        path = self._folder / f"{name}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        return path


@dataclass(frozen=True)
class Kept:
    """What a data folder holds of what was acknowledged.

    Attributes:
        states: how many rows have each state.
        lost: instances that were acknowledged and have no result, or no file.
        doubled: instances with more than one row, or more than one file that counts.
        without_identity: instances with a result and no patient.
        of_another: instances whose file is another's by its header.
        stale: whether the replaced instance shows neither the last content that was acknowledged nor one that
            was sent later.
        half_way: files that arrivals left behind.
        trail_cut: lines of the audit trail that were cut off: those that no answer waits for are not synced.
        trail_faults: what else is wrong with the trail's chain.
    """

    states: dict[str, int]
    lost: list[str]
    doubled: list[str]
    without_identity: list[str]
    of_another: list[str]
    stale: bool
    half_way: int
    trail_cut: int
    trail_faults: list[str]

    @property
    def is_whole(self) -> bool:
        broken = self.lost, self.doubled, self.without_identity, self.of_another, self.trail_faults
        return not any(broken) and not self.stale

    def lines(self) -> list[tuple[str, Any]]:
        """What a person reads: names and figures."""
        return [
            ("rows by state", self.states),
            ("acknowledged and lost", len(self.lost)),
            ("with more than one", len(self.doubled)),
            ("without identity", len(self.without_identity)),
            ("under another's identity", len(self.of_another)),
            ("replaced one is stale", "yes" if self.stale else "no"),
            ("audit trail: lines cut off", self.trail_cut),
            ("audit trail: other faults", len(self.trail_faults)),
            ("files left half-way", self.half_way),
        ]


def is_scored(data: Path, load: Load) -> bool:
    """Whether each instance that was acknowledged has a row, and no row waits."""
    acknowledged, replacements = load.told()
    if any(told for _, told in replacements):
        acknowledged.add(load.replaced)
    rows = _rows(data)
    return acknowledged <= {row[0] for row in rows} and not any(row[2] == PENDING for row in rows)


def look(data: Path, load: Load) -> Kept:
    """Compare what was acknowledged with what the folder holds: index, files and audit trail."""
    acknowledged, replacements = load.told()
    rows, files = _rows(data), _files(data)
    told = [number for number, (_, was_told) in enumerate(replacements) if was_told]
    if told:
        acknowledged.add(load.replaced)
    may_show = {patient for patient, _ in replacements[told[-1] :]} if told else set()
    faults = verify(data).faults
    breaks = [fault for fault in faults if not fault.endswith(CUT_OFF)]
    uids = [uid for uid, *_ in rows], [uid for uid, _ in files.values()]
    return Kept(
        dict(collections.Counter(state for _, _, state, _ in rows)),
        sorted(acknowledged - {uid for uid, file, state, _ in rows if state != PENDING and file in files}),
        sorted({uid for all_ in uids for uid, often in collections.Counter(all_).items() if often > 1}),
        [uid for uid, _, state, patient in rows if state != PENDING and not patient],
        [
            uid
            for uid, file, _, patient in rows
            if patient and file in files and files[file] != (uid, patient)
        ],
        any(uid == load.replaced and patient not in may_show for uid, _, _, patient in rows if told),
        sum(path.name != "check.part" for path in (data / "spool" / "incoming").iterdir()),
        len(faults) - len(breaks),
        breaks,
    )


def _rows(data: Path) -> list[tuple[str, str, str, str]]:
    """UID, file, state and patient ID of each row; all instances here have one frame."""
    with contextlib.closing(read_index(data)) as index:
        return index.execute("SELECT sop_instance_uid, file, state, patient_id FROM frames").fetchall()


def _files(data: Path) -> dict[str, tuple[str, str]]:
    """UID and patient ID of each file that counts, by its header."""
    found = {}
    for path in (data / "spool").glob("*.dcm"):
        header = pydicom.dcmread(path, specific_tags=["SOPInstanceUID", "PatientID"], stop_before_pixels=True)
        found[path.name] = str(header.SOPInstanceUID), str(header.PatientID)
    return found
