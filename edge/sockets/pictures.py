"""The pictures that a view may ask for, one at a time: all of them were made when the frame was scored."""

from collections.abc import Mapping
from typing import Any

from edge.protocol.picture import PictureAnswer
from edge.protocol.row import PENDING, Preview
from edge.storage.store import Store
from scanside.errors import SettingError

PREVIEW, PREPARED, SALIENCY = "preview", "prepared", "saliency"


def answer_picture(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request of docs/watch-protocol.md.

    Raises:
        SettingError: it is none of them.
    """
    match request:
        case {"want": "picture", "sop_instance_uid": str(uid), "frame": int(frame), "kind": str(kind)} if (
            kind in (PREVIEW, PREPARED, SALIENCY) and type(frame) is int and 0 < frame < 2**31
        ):
            found, reason, image = _found(store, uid, frame, kind)
        case _:
            raise SettingError("a view may ask for pictures alone.")
    answer = PictureAnswer(uid, frame, kind, found, None if found else reason, image)
    return {"event": "picture", **vars(answer)}


def _found(store: Store, uid: str, frame: int, kind: str) -> tuple[Preview | None, str, str | None]:
    """The picture, why there is none, and the digest of the image that it shows."""
    if kind == SALIENCY:
        return None, "this model exports no saliency", None
    row = store.row(uid, frame)
    if row is None:
        return None, "no such slide is held", None
    if row.state == PENDING:
        return None, "it waits for its result", None
    if kind == PREVIEW:
        return row.preview, row.reason or "there is no picture of it", row.image_digest
    found, image = store.prepared(uid, frame)
    return found, row.reason or "its input was not kept", image
