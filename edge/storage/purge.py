"""What is kept of a patient or a study, wherever it lies: the files say so, the index only helps.

An index may be missing, new or behind. Of a file that it does not know, or knows no patient of, the header is
read; of one whose header is damaged, its bytes are searched.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.storage.spool import Spool
from edge.storage.store import Store
from edge.storage.whose import Whose, person

SPOOL, REPLACED, QUARANTINE, NOWHERE = "spool", "spool/replaced", "spool/quarantine", ""


@dataclass(frozen=True)
class Wanted:
    """Whose is to be removed: a patient's, by ID and perhaps its issuer, or a study's."""

    patient: str | None = None
    issuer: str | None = None
    study: str | None = None

    def takes(self, one: Whose) -> bool:
        if self.study is not None:
            return one.study == self.study
        return one.patient_id == self.patient and self.issuer in (None, one.issuer)

    def may_hide_in(self, one: Whose) -> bool:
        """Whether a file of which not all could be read may be one of them."""
        return not one.is_sure and not (one.patient_id if self.study is None else one.study)


@dataclass(frozen=True)
class Held:
    """A file that is held, or a row of the index whose file is gone.

    Attributes:
        file, place: its name, and the folder that it lies in (NOWHERE: gone).
        instance: its SOP Instance UID, where index or note has it.
        whose: None where its header has to be read.
    """

    file: str
    place: str
    path: Path
    instance: str
    whose: Whose | None


@dataclass(frozen=True)
class Removed:
    """What a purge removes, or has removed.

    Attributes:
        instances: files of the spool, with their results and pictures.
        replaced: earlier versions of instances.
        quarantined: instances in quarantine.
        indexes: damaged indexes that were put aside; nobody can say what is in them, so they go whole.
        entries: what people entered, and lines of the journal that nobody can read.
        people: whose it is, for each name, ID and issuer the studies.
        looked_at: how many files are held, all of which were looked at.
        unreadable: those that stay since nobody can say whose they are.
        log_is_kept: another program reads the index, whose log still has what was removed.
    """

    instances: int = 0
    replaced: int = 0
    quarantined: int = 0
    indexes: int = 0
    entries: int = 0
    people: tuple[Mapping[str, Any], ...] = ()
    looked_at: int = 0
    unreadable: tuple[str, ...] = ()
    log_is_kept: bool = False


@dataclass(frozen=True)
class Chosen:
    """The files that go, and those of which nobody can say whose they are."""

    mine: list[tuple[Held, Whose]]
    unreadable: list[Held]


def held_files(spool: Spool, store: Store, issuer_matters: bool = False) -> list[Held]:
    """Everything that is held, by the folders, with what index and notes know of it.

    Args:
        issuer_matters: notes do not have the issuer of a patient's ID.
    """
    indexed = {one.file: one for one in store.instances()}
    held = []
    for place, folder in ((SPOOL, None), (QUARANTINE, spool.quarantine), (REPLACED, spool.replaced)):
        notes = {note.file: note for note in folder.notes()} if folder else {}
        names = notes.keys() if folder else spool.files()
        for file in sorted(names):
            path = folder.path(file) if folder else spool.path(file)
            known, note, whose = indexed.get(file), notes.get(file), None
            if known and place != REPLACED and known.patient_id and known.study_instance_uid:
                whose = Whose(
                    known.patient_id, known.patient_issuer, known.patient_name, study=known.study_instance_uid
                )
            elif note and note.patient_id and note.study_instance_uid and not issuer_matters:
                whose = Whose(note.patient_id, study=note.study_instance_uid)
            instance = known.sop_instance_uid if known else note.sop_instance_uid if note else ""
            held.append(Held(file, place, path, instance, whose))
    there = {one.file for one in held if one.place != REPLACED}
    for file, known in indexed.items():
        if file not in there:
            whose = Whose(
                known.patient_id, known.patient_issuer, known.patient_name, study=known.study_instance_uid
            )
            held.append(Held(file, NOWHERE, spool.path(file), known.sop_instance_uid, whose))
    return held


def unread(held: Iterable[Held], wanted: Wanted, read: Mapping[Path, Whose]) -> list[Held]:
    """Those whose headers have to be read: to know whose they are, and of each study one for its date."""
    missing = [one for one in held if one.whose is None and one.path not in read]
    studies = set()
    for one in held:
        if one.whose is not None and one.place != NOWHERE and wanted.takes(one.whose):
            study = one.whose.patient_id, one.whose.issuer, one.whose.name, one.whose.study
            if study not in studies and one.path not in read:
                missing.append(one)
            studies.add(study)
    return missing


def choose(held: Iterable[Held], wanted: Wanted, read: Mapping[Path, Whose]) -> Chosen:
    """Find what is wanted among what is held.

    With an instance its earlier versions go. A file that hides its patient goes with its study, where that is
    nobody else's.
    """
    known = [(one, one.whose or read[one.path]) for one in held]
    mine = [pair for pair in known if wanted.takes(pair[1])]
    instances = {one.instance for one, _ in mine if one.instance and one.place != REPLACED}
    studies = {whose.study for _, whose in mine if whose.study}
    studies -= {whose.study for _, whose in known if whose.patient_id and not wanted.takes(whose)}
    chosen, hidden = [], []
    for one, whose in known:
        follows = (one.place == REPLACED and one.instance in instances) or (
            wanted.may_hide_in(whose) and whose.study in studies
        )
        if wanted.takes(whose) or follows:
            chosen.append((one, whose))
        elif wanted.may_hide_in(whose):
            hidden.append(one)
    return Chosen(chosen, hidden)


def people(mine: Iterable[tuple[Held, Whose]], read: Mapping[Path, Whose]) -> tuple[Mapping[str, Any], ...]:
    """Whose files these are: each name, ID and issuer once, with the studies.

    A file that says no name is counted with the first who has its ID.
    """
    known = sorted((read.get(one.path, said) for one, said in mine), key=lambda whose: not whose.name)
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    studies: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for whose in known:
        key = whose.patient_id, whose.issuer, person(whose.name)
        if not whose.name:
            key = next((one for one in found if one[:2] == key[:2]), key)
        who = found.setdefault(
            key,
            {"patient_id": whose.patient_id, "issuer": whose.issuer, "name": whose.name, "birth_date": ""},
        )
        who["birth_date"] = who["birth_date"] or whose.birth_date
        study = studies[key].setdefault(whose.study, {"study": whose.study, "date": "", "files": 0})
        study["date"] = study["date"] or whose.study_date
        study["files"] += 1
    return tuple({**who, "studies": list(studies[key].values())} for key, who in found.items())
