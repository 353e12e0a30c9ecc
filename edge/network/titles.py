"""AE titles as machines really send them: padded with NUL, with control or non-ASCII bytes, all blank.

PS3.8 table 9-11 has 16 bytes of the default character repertoire without control characters, padded with
spaces. What else comes is cleaned before anything is compared, and shown as it came.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Title:
    """One AE title of an association request.

    Attributes:
        raw: the 16 bytes as they came.
        text: what is left of them: printable ASCII without backslash, spaces around it removed. A NUL ends
            it, since what follows in such a field is whatever lay in the sender's memory.
    """

    raw: bytes
    text: str

    @classmethod
    def of(cls, raw: bytes) -> "Title":
        """The title in `raw`."""
        begun = raw.lstrip(b"\0 ").partition(b"\0")[0]
        kept = (chr(byte) for byte in begun if 0x20 <= byte < 0x7F and byte != 0x5C)
        return cls(bytes(raw), "".join(kept).strip())

    @property
    def is_clean(self) -> bool:
        """Whether it came as the standard wants it."""
        return bool(self.text) and self.raw.strip(b" ") == self.text.encode()

    @property
    def shown(self) -> str:
        """The title; where it did not come clean, its bytes, escaped. Always printable ASCII."""
        return self.text if self.is_clean else escaped(self.raw.rstrip(b" ")) or "16 spaces"


def escaped(raw: bytes) -> str:
    """Bytes for people: printable ASCII as it is, everything else as `\\xNN`."""
    return "".join(chr(one) if 0x20 <= one < 0x7F and one != 0x5C else f"\\x{one:02x}" for one in raw)
