"""Until when an X.509 certificate is valid. Python's ssl tells that of a peer's certificate only."""

import re
import ssl
from datetime import datetime, timezone
from pathlib import Path

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME = 0xA0, 0x17


def expiries(path: Path) -> list[float]:
    """When each certificate in a PEM file expires, seconds since 1970, in the file's order.

    Raises:
        ValueError: there is none, or one is no certificate.
        OSError: the file can't be read.
    """
    found = [not_after(ssl.PEM_cert_to_DER_cert(text)) for text in _PEM.findall(path.read_text("latin-1"))]
    if not found:
        raise ValueError(f"{path} holds no certificate in PEM")
    return found


def days_in_words(days: float) -> str:
    """A number of days, not negative, as people say it."""
    whole = round(days)
    return "less than a day" if days < 1 else f"{whole} day{'s' * (whole != 1)}"


def not_after(certificate: bytes) -> float:
    """The end of validity in a DER certificate (RFC 5280 4.1), seconds since 1970.

    Raises:
        ValueError: it is none.
    """
    try:
        signed = _values(_values(certificate)[0][1])[0][1]  # Certificate -> TBSCertificate
        fields = [field for field in _values(signed) if field[0] != _VERSION]
        kind, text = _values(fields[3][1])[1]  # serial number, signature, issuer, validity -> notAfter
        form = "%y%m%d%H%M%SZ" if kind == _UTC_TIME else "%Y%m%d%H%M%SZ"
        # RFC 5280 4.1.2.5.1: years of two digits from 50 on are of the last century; Python says from 69 on,
        # and no certificate is older than X.509.
        return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=timezone.utc).timestamp()
    except IndexError:
        raise ValueError("not a certificate") from None


def _values(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each value that follows another in `data` (X.690, definite lengths)."""
    found = []
    while data:
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        if start + length > len(data):
            raise ValueError("not a certificate")
        found.append((tag, data[start : start + length]))
        data = data[start + length :]
    return found
