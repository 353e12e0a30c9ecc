"""The services of an association: C-ECHO and C-STORE requests, and what answers them (PS3.7 9.1, PS3.4 B).

pynetdicom chooses the service by the class that a request names, leaves a request without an answer where one
of its elements is missing, and ends the association where one has a wrong value. Here the presentation
context decides, and each request has an answer of its own.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from pydicom.uid import UID
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE

from edge.network.contexts import VERIFICATION, is_storage
from edge.network.pdu import Violation

# PS3.4 table B.2-1, PS3.7 annex C.
SUCCESS, PROCESSING_FAILURE, CLASS_NOT_SUPPORTED = 0x0000, 0x0110, 0x0122
OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0xA700, 0xC000
_ELEMENTS = ("MessageID", "AffectedSOPClassUID", "AffectedSOPInstanceUID")
_log = logging.getLogger(__name__)


def as_request(message: DIMSEMessage) -> C_STORE | C_ECHO | None:
    """The request in a whole message; what of it is missing or no valid value is None. None for a C-CANCEL.

    Elements that nothing here hangs on (priority, who moved it) are not looked at.

    Raises:
        Violation: it asks for a service that is not here.
    """
    kind = type(message).__name__
    if kind == "C_CANCEL_RQ":  # nothing here can be cancelled
        return None
    if kind not in ("C_STORE_RQ", "C_ECHO_RQ"):
        raise Violation(f"a {kind.replace('_', '-')}, for which there is no service here")
    request = C_STORE() if kind == "C_STORE_RQ" else C_ECHO()
    for keyword in _ELEMENTS:
        with contextlib.suppress(Exception):  # pydicom and pynetdicom raise many kinds on wrong values
            setattr(request, keyword, first(message.command_set.get(keyword)))
    if isinstance(request, C_STORE):
        request.DataSet = message.data_set
    request._context_id = message.context_id
    return request


def first(value: Any) -> Any:
    """The value, or the first where there are several."""
    return value if value is None or isinstance(value, str | int) else value[0]


def stored_class(requested: Any, context: Any) -> UID:
    """The class under which an instance is kept: as its request says, if that is a storage class at all."""
    uid = UID(str(requested or ""))
    return uid if is_storage(uid, private=True) else UID(str(context.abstract_syntax))


class Services:
    """Answers the requests of one association, each by the presentation context that it came in.

    Args:
        association: pynetdicom's.
        store: keeps what a C-STORE request brings and says its status.
        echoed: told of each C-ECHO.
    """

    def __init__(
        self, association: Any, store: Callable[[Any, C_STORE, Any], int], echoed: Callable[[], None]
    ) -> None:
        self._association, self._store, self._echoed = association, store, echoed

    def serve(self, request: C_STORE | C_ECHO, context_id: int) -> None:
        """Do what is asked, and answer."""
        association = self._association
        context = association._accepted_cx.get(context_id)
        if context is None:  # its encoding is not known, and no answer may be sent in it
            _log.warning(
                "%s: aborted: a request in presentation context %s, which was not accepted",
                association.requestor.address,
                context_id,
            )
            association.abort()
            return
        answer: Any = type(request)()
        answer.MessageIDBeingRespondedTo = request.MessageID or 0
        answer.AffectedSOPClassUID = request.AffectedSOPClassUID
        if isinstance(request, C_STORE):
            answer.AffectedSOPInstanceUID = request.AffectedSOPInstanceUID
            answer.Status = self._status(request, context)
        else:
            self._echoed()
            answer.Status = SUCCESS
        if association.is_established:
            association.dimse.send_msg(answer, context_id)

    def _status(self, request: C_STORE, context: Any) -> int:
        missing = [keyword for keyword in _ELEMENTS if getattr(request, keyword) is None]
        if missing:
            self._refused(request, f"without a valid {' and '.join(missing)}")
            return CANNOT_UNDERSTAND
        if context.abstract_syntax == VERIFICATION:
            self._refused(request, "in a presentation context for C-ECHO")
            return CLASS_NOT_SUPPORTED
        status = self._store(self._association, request, context)
        if status == SUCCESS and request.AffectedSOPClassUID != context.abstract_syntax:
            _log.warning(
                "%.64s was sent as class %s in a presentation context of class %s; it is kept",
                request.AffectedSOPInstanceUID,
                request.AffectedSOPClassUID,
                context.abstract_syntax,
            )
        return status

    def _refused(self, request: Any, why: str) -> None:
        peer = self._association.requestor.address
        _log.warning("not stored, %.64s of %s: a request %s", request.AffectedSOPInstanceUID, peer, why)
