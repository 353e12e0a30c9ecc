"""From the spool into the index: what a new file there means for what was known of its instance."""

import contextlib
from dataclasses import dataclass, replace

from edge.protocol.row import Patient, ShownRow
from edge.storage.aside import Note
from edge.storage.label import write_received
from edge.storage.spool import Spool, Spooled
from edge.storage.store import Indexed, Store


@dataclass(frozen=True)
class Taken:
    """What came of one file.

    Attributes:
        row: the new pending row; None when there is none, the file being known or older than what is.
        spooled: the instance, with its receipt where there is a row.
        before: what the index knew of the instance until now.
        replaced: whether a version of it was put aside.
    """

    row: ShownRow | None
    spooled: Spooled
    before: Indexed | None
    replaced: bool


def take(spool: Spool, store: Store, spooled: Spooled, *, found: bool = False) -> Taken:
    """Index one instance; of two contents under one UID the earlier is put aside.

    Args:
        found: it did not arrive now: the older of two gives way.
    """
    before = store.instance_of(spooled.sop_instance_uid)
    places = spool.path, spool.replaced.path, spool.quarantine.path
    if not any(place(spooled.file).exists() for place in places):  # purged since it was received
        return Taken(None, spooled, before, False)
    label = spool.label(spooled.file)
    known = spool.label(before.file) if found and before else None
    added = store.add(spooled, found=found, label=label, known_at=known.last_at if known else "")
    outdated = added.outdated
    if outdated:
        spool.quarantine.take_back(outdated)
        spool.replaced.put(_note(before, outdated, spooled))
    if added.row is None:
        if outdated is None and spool.quarantine.path(spooled.file).exists():
            spool.remove(spooled.file)  # sent again while in quarantine: it stays there
    elif spool.path(spooled.file).exists():
        if spool.replaced.path(spooled.file).exists():
            spool.replaced.remove(spooled.file)  # it counts again
    else:  # put aside in the moment in which it came again
        spool.replaced.take_back(spooled.file)
    if added.row is not None:
        received_at = added.row.received_at or spooled.received_at
        spooled = replace(spooled, receipt=added.receipt, received_at=received_at)
        if label is not None and label.received_at != spooled.received_at:
            with contextlib.suppress(OSError):  # then a rebuild dates it by the first time that it came
                write_received(spool.path(spooled.file), spooled.received_at, spooled.clock)
    return Taken(added.row, spooled, before, outdated is not None)


def recover(spool: Spool, store: Store) -> list[str]:
    """Take back the newest earlier version of each instance that has no current one.

    A copy of the spool that something else made while it changed may lack the current version.

    Returns:
        The instances, by SOP Instance UID.
    """
    lacking: dict[str, tuple[str, Note]] = {}
    for note in spool.replaced.notes():
        label = spool.label(note.file)
        at, uid = label.last_at if label else note.received_at, note.sop_instance_uid
        if uid and at and store.instance_of(uid) is None and at >= lacking.get(uid, ("", note))[0]:
            lacking[uid] = at, note
    for _, note in lacking.values():
        spool.replaced.take_back(note.file)
    return sorted(lacking)


def take_up(spool: Spool, store: Store, known_bad: set[str] | None = None) -> list[Taken]:
    """Index all that `store` does not know of `spool`.

    Args:
        known_bad: files that can't be read; they are not read again, and new ones are added.

    Returns:
        What is new.
    """
    bad = set() if known_bad is None else known_bad
    known = store.files()
    unknown = spool.files() - known - bad
    taken = []
    for spooled in spool.read(unknown):
        unknown.discard(spooled.file)
        taken.append(take(spool, store, spooled, found=True))
    bad |= {file for file in unknown if spool.path(file).exists()}
    for note in spool.quarantine.notes():
        if note.file not in known and note.received_at:
            label = spool.label(note.file)
            at, clock = (label.received_at, label.clock) if label else (note.received_at, None)
            one = Spooled(note.file, note.sop_instance_uid, at, clock=clock)
            added = store.add(one, found=True, label=label)
            if added.row is not None:
                if note.study_instance_uid:
                    store.expand(added.receipt, note.study_instance_uid, Patient(id=note.patient_id), [1])
                store.fail(added.receipt, note.reason)
    return taken


def _note(before: Indexed | None, outdated: str, newer: Spooled) -> Note:
    reason = "another content came under its UID"
    if before is None or before.file != outdated:
        return Note(outdated, newer.sop_instance_uid, newer.received_at, reason=reason)
    return Note(
        outdated,
        before.sop_instance_uid,
        before.received_at,
        before.study_instance_uid,
        before.patient_id,
        reason,
    )
