"""Audit messages of DICOM PS3.15 A.5.3, as plain values.

A message has the names and the nesting of the schema in A.5.1. Texts are its attributes; dictionaries and
lists of them are its elements, in the schema's order; what holds a text itself is {TEXT: "..."}.
Patients are named by their ID alone, and only where A.5.3 demands it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.protocol.row import now

Message = dict[str, Any]
Object = dict[str, Any]

TEXT = ""
_LONGEST = 256  # of a text that a stranger wrote
_SUCCESS, _MINOR_FAILURE, _SERIOUS_FAILURE = "0", "4", "8"
CREATE, READ, UPDATE, DELETE, EXECUTE = "C", "R", "U", "D", "E"  # EventActionCode


@dataclass(frozen=True)
class Origin:
    """Who sent an instance to whom, as its file meta information says, and what it is."""

    calling: str = ""
    called: str = ""
    address: str = ""
    sop_class: str = ""

    @property
    def source(self) -> str:
        """The scanner: its AE title and its address."""
        return f"{self.calling} at {self.address}" if self.address else self.calling


def application_started(agent: str) -> Message:
    """A.5.3.1."""
    return _application(agent, _dcm("110120", "Application Start"))


def application_stopped(agent: str) -> Message:
    """A.5.3.1."""
    return _application(agent, _dcm("110121", "Application Stop"))


def instances_transferred(agent: str, origin: Origin, action: str, study: str, patient_id: str) -> Message:
    """A.5.3.7: one instance came; CREATE: new, READ: held already, UPDATE: another version was held."""
    return _message(
        agent,
        _event(_dcm("110104", "DICOM Instances Transferred"), action),
        [
            _participant(origin.calling, True, _dcm("110153", "Source Role ID"), address=origin.address),
            _participant(origin.called or agent, False, _dcm("110152", "Destination Role ID")),
        ],
        [_study(study, {origin.sop_class: 1} if origin.sop_class else {}), _patient(patient_id)],
    )


def study_deleted(agent: str, by: str, study: str, patient_id: str, instances: int) -> Message:
    """A.5.3.8: `by`, a person or the agent itself, removed what was held of a study."""
    return _message(
        agent,
        _event(_dcm("110105", "DICOM Study Deleted"), DELETE),
        [_participant(by, True)],
        [_study(study, {"": instances}), _patient(patient_id)],
    )


def patient_record_updated(
    agent: str, by: str, account: str, patient_id: str, what: str, *, done: bool = True
) -> Message:
    """A.5.3.14: a person entered a fact about a patient. What it is stands here, its value does not.

    Args:
        done: False: it was not kept.
    """
    return _message(
        agent,
        _entered(_dcm("110110", "Patient Record"), what, done),
        [_participant(by, True, account=account)],
        [_patient(patient_id)],
    )


def procedure_record_updated(
    agent: str, by: str, account: str, study: str, patient_id: str, what: str, *, done: bool = True
) -> Message:
    """A.5.3.15: a person entered something about a slide of a study; likewise."""
    return _message(
        agent,
        _entered(_dcm("110111", "Procedure Record"), what, done),
        [_participant(by, True, account=account)],
        [_study(study, {}), _patient(patient_id)],
    )


def study_scored_again(
    agent: str, by: str, account: str, study: str, patient_id: str, slides: int
) -> Message:
    """A.5.3.15: a person had the slides of a study scored again."""
    what = f"{slides} slides are scored again"
    return _message(
        agent,
        _event(_dcm("110111", "Procedure Record"), UPDATE, description=what),
        [_participant(by, True, account=account)],
        [_study(study, {}), _patient(patient_id)],
    )


def association_refused(agent: str, calling: str, address: str, why: str) -> Message:
    """A.5.3.11, node authentication: somebody was not let in."""
    kind, caller = _dcm("110126", "Node Authentication"), _participant(calling, True, address=address)
    return _security_alert(agent, kind, _MINOR_FAILURE, why, [caller], [_node(address)])


def runtime_fallback(agent: str, runtime: str, refused: str) -> Message:
    """A.5.3.11: the network runs in another runtime than is preferred; `refused` says which and why."""
    kind = _dcm("110131", "Software Configuration")
    return _security_alert(agent, kind, _MINOR_FAILURE, f"fallback to {runtime}, not {refused}")


def trail_damaged(agent: str, where: str) -> Message:
    """A.5.3.11: a record of the audit trail is broken, by a power cut or by a person."""
    kind = _dcm("110135", "Object Security Attributes Changed")
    return _security_alert(agent, kind, _SERIOUS_FAILURE, f"the audit trail is broken: {where}")


def _entered(code: Object, what: str, done: bool) -> Object:
    outcome, verb = (_SUCCESS, "entered") if done else (_SERIOUS_FAILURE, "not kept")
    return _event(code, UPDATE, outcome=outcome, description=f"{verb}: {what}")


def _security_alert(
    agent: str,
    kind: Object,
    outcome: str,
    description: str,
    others: Sequence[Object] = (),
    objects: Sequence[Object] = (),
) -> Message:
    event = _event(_dcm("110113", "Security Alert"), EXECUTE, kind, outcome=outcome, description=description)
    return _message(agent, event, [_participant(agent, False), *others], objects)


def _message(agent: str, event: Object, participants: Sequence[Object], objects: Sequence[Object]) -> Message:
    return {
        "EventIdentification": event,
        "ActiveParticipant": list(participants),
        "AuditSourceIdentification": {
            "AuditSourceID": _clipped(agent),
            "AuditSourceTypeCode": {"csd-code": "4"},
        },
        "ParticipantObjectIdentification": list(objects),
    }


def _application(agent: str, kind: Object) -> Message:
    event = _event(_dcm("110100", "Application Activity"), EXECUTE, kind)
    return _message(agent, event, [_participant(agent, False, _dcm("110150", "Application"))], [])


def _event(
    code: Object, action: str, *kinds: Object, outcome: str = _SUCCESS, description: str = ""
) -> Object:
    return {
        "EventActionCode": action,
        "EventDateTime": now(),
        "EventOutcomeIndicator": outcome,
        "EventID": code,
        "EventTypeCode": list(kinds),
        **({"EventOutcomeDescription": {TEXT: _clipped(description)}} if description else {}),
    }


def _participant(user: str, requestor: bool, *roles: Object, address: str = "", account: str = "") -> Object:
    place = {"NetworkAccessPointID": _clipped(address), "NetworkAccessPointTypeCode": "2"} if address else {}
    return {
        "UserID": _clipped(user),
        **({"AlternativeUserID": _clipped(account)} if account else {}),
        "UserIsRequestor": "true" if requestor else "false",
        **place,
        "RoleIDCode": list(roles),
    }


def _study(uid: str, classes: dict[str, int]) -> Object:
    held = [
        {**({"UID": _clipped(sop_class)} if sop_class else {}), "NumberOfInstances": str(count)}
        for sop_class, count in classes.items()
    ]
    return {
        "ParticipantObjectID": _clipped(uid),
        "ParticipantObjectTypeCode": "2",
        "ParticipantObjectTypeCodeRole": "3",
        "ParticipantObjectIDTypeCode": _dcm("110180", "Study Instance UID"),
        "ParticipantObjectName": {TEXT: ""},  # the schema wants one
        "ParticipantObjectDescription": {"SOPClass": held},
    }


def _patient(identity: str) -> Object:
    return {
        "ParticipantObjectID": _clipped(identity),
        "ParticipantObjectTypeCode": "1",
        "ParticipantObjectTypeCodeRole": "1",
        "ParticipantObjectIDTypeCode": _code("2", "RFC-3881", "Patient Number"),
        "ParticipantObjectName": {TEXT: ""},  # the schema wants one; the ID is enough
    }


def _node(address: str) -> Object:
    return {
        "ParticipantObjectID": _clipped(address),
        "ParticipantObjectTypeCode": "4",
        "ParticipantObjectIDTypeCode": _dcm("110182", "Node ID"),
        "ParticipantObjectName": {TEXT: ""},
    }


def _dcm(value: str, meaning: str) -> Object:
    return _code(value, "DCM", meaning)


def _code(value: str, system: str, meaning: str) -> Object:
    return {"csd-code": value, "codeSystemName": system, "originalText": meaning}


def _clipped(text: str) -> str:
    return text[:_LONGEST]
