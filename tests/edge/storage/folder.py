"""A data folder with studies in it, made without an agent."""

import contextlib
import json
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from edge.entries.desk import Entered
from edge.entries.finding import Found, ScanFound
from edge.entries.study import describe_study
from edge.protocol.json import to_json
from edge.protocol.row import SCORED, Patient, Preview, Row, now
from edge.storage.aside import Note
from edge.storage.custody import Custody
from edge.storage.entered import ASKED, CENTRE, FINAL_AFTER_S, UNKNOWN
from edge.storage.intake import take
from edge.storage.reading import read_rows
from edge.storage.spool import Spool, Spooled
from edge.storage.store import NAME, Store
from edge.trail.log import AuditLog
from scanside.assess.cases import CaseRisk

CASES = [
    CaseRisk({"menopausal_status": status}, risk, {"benign": 1 - risk, "malignant": risk})
    for status, risk in (("premenopausal", 0.2), ("postmenopausal", 0.6))
]


def days_ago(days: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(days=days)).isoformat(timespec="microseconds")


class Folder:
    """A data folder with instances in it, as an agent leaves it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.spool, self.store = Spool(data / "spool"), Store(data)
        self.store.settle({CENTRE: UNKNOWN, ASKED: '["menopausal_status"]', FINAL_AFTER_S: "120"})
        self.custody = Custody(data, self.spool, self.store, AuditLog(data, "AGENT"))

    def add(
        self,
        name: str,
        patient: str,
        study: str,
        received_at: str,
        uid: str = "",
        done: bool = True,
        image: str | None = None,
        pictures: tuple[Preview, ...] = (),
        name_of: str | None = None,
    ) -> str:
        """An instance of 1000 bytes; `done`: it has its result. `image`: what it shows, by its digest.

        Args:
            name_of: the patient's name; else made of the ID.
        """
        file, uid = f"{name}.dcm", uid or f"1.2.{len(name)}.{name}"
        self.spool.path(file).write_bytes(bytes(1000))
        receipt = take(self.spool, self.store, Spooled(file, uid, received_at)).spooled.receipt
        self.store.expand(receipt, study, Patient(name_of or "NAME^" + patient, patient), [1])
        if done:
            self.finish(file, uid, study, received_at, image or name, pictures)
        return file

    def finish(
        self,
        file: str,
        uid: str,
        study: str,
        received_at: str,
        image: str,
        pictures: tuple[Preview, ...] = (),
    ) -> None:
        """Its result: .2, and .6 after the menopause. `pictures`: its preview, and what the network got."""
        row = Row(uid, 1, study, state=SCORED, received_at=received_at, image_digest=image, bundle_digest="b")
        row = replace(row, assessed_at=now())
        found = Found(0.5, [ScanFound(CASES, [], "contour", 1.0, (0, 0, 9, 9))])
        self.store.finish(self.receipt(file), row, pictures[0] if pictures else None, found, pictures[1:])

    def rows(self) -> dict[str, dict[str, Any]]:
        """By the name of the instance."""
        rows = json.loads(to_json(read_rows(self.data)))
        return {row["sop_instance_uid"].rpartition(".")[2]: row for row in rows}

    def study(self, study: str, patient: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(
            to_json(describe_study(self.store.study(study, patient), may_follow=False))
        )
        return said

    def enter(self, study: str, patient: str, **what: Any) -> Entered:
        return self.custody.desk.enter({"study": study, "patient": patient, "by": "Dr. Who", **what}, "who")

    def quarantine(self, file: str) -> None:
        known = self.store.instance(file)
        assert known is not None
        self.spool.quarantine.put(
            Note(
                file,
                known.sop_instance_uid,
                known.received_at,
                known.study_instance_uid,
                known.patient_id,
                "why",
            )
        )
        self.store.fail(self.receipt(file), "why")

    def receipt(self, file: str) -> int:
        """What a job about this file names now; 0 where there is none."""
        with contextlib.closing(sqlite3.connect(self.data / NAME)) as db:
            found = db.execute("SELECT receipt FROM frames WHERE file = ?", (file,)).fetchone()
        return int(found[0]) if found else 0

    def files(self) -> set[str]:
        return {
            path.relative_to(self.data / "spool").as_posix() for path in (self.data / "spool").rglob("*.dcm")
        }
