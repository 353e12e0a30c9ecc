"""An audit message as the XML of DICOM PS3.15 A.5.1."""

import re
from typing import Any
from xml.etree import ElementTree

from edge.trail.message import TEXT, Message

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_xml(message: Message) -> bytes:
    """The message as a UTF-8 document without line breaks."""
    root = ElementTree.Element("AuditMessage")
    _fill(root, message)
    document: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document.replace(b"\n", b"", 1)


def _fill(element: ElementTree.Element, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name == TEXT:
            element.text = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
        elif isinstance(value, str):
            element.set(name, _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value))
        else:
            for one in value if isinstance(value, list) else [value]:
                _fill(ElementTree.SubElement(element, name), one)
