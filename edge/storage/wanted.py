"""Which results a reader of the index wants: by study, patient and time of reception, or the newest."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any


@dataclass(frozen=True)
class Wanted:
    """A choice of rows; what is None chooses nothing.

    Attributes:
        study: Study Instance UID.
        patient: Patient ID, as it came.
        since: received at this time or later; with a time zone.
        last: of these the newest so many, at least 1.
    """

    study: str | None = None
    patient: str | None = None
    since: datetime | None = None
    last: int | None = None

    def where(self) -> tuple[str, list[Any]]:
        """A condition on `frames` and its values."""
        conditions, values = ["TRUE"], []
        if self.study is not None:
            conditions.append("json_extract(frames.row, '$.study_instance_uid') = ?")
            values.append(self.study)
        if self.patient is not None:
            conditions.append("frames.patient_id = ?")
            values.append(self.patient)
        if self.since is not None:
            conditions.append("frames.received_at >= ?")
            values.append(self.since.astimezone(timezone.utc).isoformat(timespec="microseconds"))
        condition = " AND ".join(conditions)
        if self.last is None:
            return condition, values
        newest = f"SELECT rowid FROM frames WHERE {condition} ORDER BY received_at DESC, frame DESC LIMIT ?"
        return f"frames.rowid IN ({newest})", [*values, self.last]


EVERYTHING = Wanted()
