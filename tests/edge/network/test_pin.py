"""edge/network overrides inner parts of pynetdicom: they must be those it was written against.

When this fails: read what changed, mend stack.py and server.py, run tests/edge/network/test_limits.py and
test_associations.py, then take the new digests.
"""

import hashlib
import inspect
from importlib.metadata import version
from typing import Any

import pytest
from pynetdicom import acse, association, dimse, dimse_messages, dul, fsm, pdu_primitives, timer, transport

# What is overridden, and what the overrides rely on.
PARTS: dict[str, Any] = {
    "transport.AssociationSocket": transport.AssociationSocket,
    "transport.RequestHandler": transport.RequestHandler,
    "transport.AssociationServer": transport.AssociationServer,
    "transport.ThreadedAssociationServer": transport.ThreadedAssociationServer,
    "dul.DULServiceProvider": dul.DULServiceProvider,
    "dimse.DIMSEServiceProvider": dimse.DIMSEServiceProvider,
    "dimse_messages.DIMSEMessage": dimse_messages.DIMSEMessage,
    "acse.ACSE": acse.ACSE,
    "association.Association.run_reactor": association.Association.run_reactor,
    "association.Association._run_reactor": association.Association._run_reactor,
    "association.Association._serve_request": association.Association._serve_request,
    "association.Association.kill": association.Association.kill,
    "fsm": fsm,
    "timer.Timer": timer.Timer,
    "pdu_primitives.P_DATA": pdu_primitives.P_DATA,
}
DIGESTS = {
    "timer.Timer": "77ddae7423f544b1",
    "pdu_primitives.P_DATA": "19c1aa5d5ee978f7",
    "transport.AssociationSocket": "4f95b1dce6067f32",
    "transport.RequestHandler": "e2184a069d1f8e5a",
    "transport.AssociationServer": "43a9a62b2c40dea4",
    "transport.ThreadedAssociationServer": "dbf94911169aa5f2",
    "dul.DULServiceProvider": "c0a5c6a4618efd94",
    "dimse.DIMSEServiceProvider": "3bb7d2ea221570d7",
    "dimse_messages.DIMSEMessage": "9488c644a86ff086",
    "acse.ACSE": "354ae4ec296b8adb",
    "association.Association.run_reactor": "ed8bbbe3b3d6ddae",
    "association.Association._run_reactor": "f28838c5559e462a",
    "association.Association._serve_request": "2f24c1759cdf6c8c",
    "association.Association.kill": "8f9713666a7f4cff",
    "fsm": "2fc1cecfa043749e",
}


def test_the_version_is_the_one_that_is_pinned() -> None:
    assert version("pynetdicom") == "3.0.4"


@pytest.mark.parametrize("name", PARTS)
def test_what_is_overridden_has_not_changed(name: str) -> None:
    assert _digest(PARTS[name]) == DIGESTS[name]


def _digest(part: Any) -> str:
    return hashlib.sha256(inspect.getsource(part).encode()).hexdigest()[:16]
