"""A folder of the spool for what is put aside: a file keeps its name, and a note beside it says why."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.durable import replace_file, sync_folder
from edge.protocol.row import now


@dataclass(frozen=True)
class Note:
    """What is known of a file that was put aside.

    Attributes:
        file: its name in the spool.
        sop_instance_uid, received_at: as in a row.
        study_instance_uid, patient_id: empty where its header was not read before.
        reason: why it was put aside.
        since: when; ISO 8601, UTC.
    """

    file: str
    sop_instance_uid: str
    received_at: str
    study_instance_uid: str = ""
    patient_id: str = ""
    reason: str = ""
    since: str = ""


class Aside:
    """The folder `name` in the spool at `spool`, made when missing.

    The note is written before the file is moved, and both folders are synced: after a power cut a file
    is at the one place or the other, and never without its note.

    Raises:
        OSError: the folder can't be made or read.
    """

    def __init__(self, spool: Path, name: str) -> None:
        self._spool, self._folder = spool, spool / name
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._folder.chmod(0o700)

    def sweep(self) -> None:
        """Remove notes that were half written; for whoever alone puts files aside, before the first."""
        for part in self._folder.glob("*.part"):
            part.unlink()

    def put(self, note: Note) -> None:
        """Move a file of the spool here; nothing happens when it is gone.

        Raises:
            OSError: the disk is full or read-only.
        """
        text = json.dumps({**asdict(note), "since": note.since or now()}).encode()
        replace_file(self._note(note.file), text)
        try:
            (self._spool / note.file).rename(self._folder / note.file)
        except FileNotFoundError:
            if not (self._folder / note.file).exists():
                self._note(note.file).unlink()
        self._sync()

    def notes(self) -> list[Note]:
        """What lies here, the first put aside first."""
        found = []
        for path in self._folder.glob("*.dcm"):
            try:
                found.append(Note(**json.loads(self._note(path.name).read_bytes())))
            except (OSError, ValueError, TypeError):  # damaged or removed by hand: the file still counts
                found.append(Note(path.name, "", "", reason="its note can't be read"))
        return sorted(found, key=lambda note: (note.since, note.file))

    def take_back(self, file: str) -> bool:
        """Move a file back into the spool; whether it was here."""
        try:
            (self._folder / file).rename(self._spool / file)
        except FileNotFoundError:
            return False
        self._note(file).unlink(missing_ok=True)
        self._sync()
        return True

    def remove(self, file: str) -> None:
        (self._folder / file).unlink(missing_ok=True)
        self._note(file).unlink(missing_ok=True)
        sync_folder(self._folder)

    def path(self, file: str) -> Path:
        return self._folder / file

    def _note(self, file: str) -> Path:
        return self._folder / f"{file}.json"

    def _sync(self) -> None:
        sync_folder(self._folder)
        sync_folder(self._spool)
