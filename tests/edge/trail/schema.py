"""The schema of DICOM PS3.15 A.5.1 as a table, written from its text, and a check against it."""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

MANY = 10**6
TOKEN, BOOLEAN, INTEGER = ".*", "true|false|0|1", "[+-]?[0-9]+"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
BASE64 = "[A-Za-z0-9+/]*={0,2}"


def up_to(last: int) -> str:
    return "|".join(map(str, range(1, last + 1)))


@dataclass(frozen=True)
class Kind:
    """An element: attributes with their pattern, those that are required, child elements in order."""

    attributes: dict[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    children: tuple[tuple[str, "Kind", int, int], ...] = ()  # name, kind, at least, at most
    text: bool = False


CODED = Kind(
    {"csd-code": TOKEN, "codeSystemName": TOKEN, "displayName": TOKEN, "originalText": TOKEN},
    frozenset({"csd-code", "codeSystemName", "originalText"}),
)
TEXT = Kind(text=True)
UID = Kind({"UID": TOKEN}, frozenset({"UID"}))
DESCRIPTION = Kind(
    children=(
        ("MPPS", UID, 0, MANY),
        ("Accession", Kind({"Number": TOKEN}, frozenset({"Number"})), 0, MANY),
        (
            "SOPClass",
            Kind(
                {"UID": TOKEN, "NumberOfInstances": INTEGER},
                frozenset({"NumberOfInstances"}),
                (("Instance", UID, 0, MANY),),
            ),
            0,
            MANY,
        ),
        ("ParticipantObjectContainsStudy", Kind(children=(("StudyIDs", UID, 0, MANY),)), 0, 1),
        ("Encrypted", TEXT, 0, 1),
        ("Anonymized", TEXT, 0, 1),
    )
)
MESSAGE = Kind(
    children=(
        (
            "EventIdentification",
            Kind(
                {
                    "EventActionCode": "[CRUDE]",
                    "EventDateTime": TIME,
                    "EventOutcomeIndicator": "0|4|8|12",
                },
                frozenset({"EventDateTime", "EventOutcomeIndicator"}),
                (
                    ("EventID", CODED, 1, 1),
                    ("EventTypeCode", CODED, 0, MANY),
                    ("EventOutcomeDescription", TEXT, 0, 1),
                ),
            ),
            1,
            1,
        ),
        (
            "ActiveParticipant",
            Kind(
                {
                    "UserID": TOKEN,
                    "AlternativeUserID": TOKEN,
                    "UserName": TOKEN,
                    "UserIsRequestor": BOOLEAN,
                    "NetworkAccessPointID": TOKEN,
                    "NetworkAccessPointTypeCode": up_to(5),
                },
                frozenset({"UserID", "UserIsRequestor"}),
                (
                    ("RoleIDCode", CODED, 0, MANY),
                    ("MediaIdentifier", Kind(children=(("MediaType", CODED, 1, 1),)), 0, 1),
                ),
            ),
            1,
            MANY,
        ),
        (
            "AuditSourceIdentification",
            Kind(
                {"AuditEnterpriseSiteID": TOKEN, "AuditSourceID": TOKEN},
                frozenset({"AuditSourceID"}),
                (("AuditSourceTypeCode", Kind({"csd-code": up_to(9)}, frozenset({"csd-code"})), 0, MANY),),
            ),
            1,
            1,
        ),
        (
            "ParticipantObjectIdentification",
            Kind(
                {
                    "ParticipantObjectID": TOKEN,
                    "ParticipantObjectTypeCode": up_to(4),
                    "ParticipantObjectTypeCodeRole": up_to(26),
                    "ParticipantObjectDataLifeCycle": up_to(15),
                    "ParticipantObjectSensitivity": TOKEN,
                },
                frozenset({"ParticipantObjectID"}),
                (
                    ("ParticipantObjectIDTypeCode", CODED, 1, 1),
                    (
                        "ParticipantObjectName",
                        TEXT,
                        1,
                        1,
                    ),  # or Query: nothing here has it
                    (
                        "ParticipantObjectDetail",
                        Kind({"type": TOKEN, "value": BASE64}, frozenset({"type", "value"})),
                        0,
                        MANY,
                    ),
                    ("ParticipantObjectDescription", DESCRIPTION, 0, MANY),
                ),
            ),
            0,
            MANY,
        ),
    )
)


def faults(element: Element, kind: Kind = MESSAGE) -> list[str]:
    """What the schema does not allow, each with the element's name."""
    found = [
        f"{element.tag}: {name}={value!r}"
        for name, value in element.attrib.items()
        if not re.fullmatch(kind.attributes.get(name, "(?!)"), value, re.DOTALL)
    ]
    found += [f"{element.tag} lacks {name}" for name in kind.required - element.attrib.keys()]
    if (element.text or "") and not kind.text:
        found.append(f"{element.tag}: text {element.text!r}")
    left = list(element)
    for name, child, least, most in kind.children:
        same = []
        while left and left[0].tag == name:
            same.append(left.pop(0))
        if not least <= len(same) <= most:
            found.append(f"{element.tag}: {len(same)} {name}")
        for one in same:
            found += faults(one, child)
    return found + [f"{element.tag}: {one.tag} is not allowed here" for one in left]
