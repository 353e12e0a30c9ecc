"""TLS as PS3.15 B.12 asks for it: BCP 195 (RFC 8996, RFC 9325), both sides with a certificate.

TLS 1.2 and 1.3; of 1.2 the cipher suites that RFC 9325 4.2 recommends, forward secret and authenticated.
"""

import logging
import ssl
import threading
import time
from pathlib import Path

from edge.network.expiry import days_in_words, expiries
from edge.settings import Settings
from scanside.errors import SettingError

CIPHERS_TLS12 = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
)
_SOON_DAYS = 30
_log = logging.getLogger(__name__)


class Tls:
    """The agent's certificates, read again when a file changes; open associations go on as they are.

    Args:
        certificate, key, ca: PEM files, see the settings.

    Raises:
        SettingError: they can't be used.
    """

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        self._certificate, self._key, self._ca = certificate, key, ca
        self._lock = threading.Lock()
        self._stamp = self._stamps()
        self._context = self._load()
        self._report()

    @classmethod
    def from_settings(cls, settings: Settings) -> "Tls | None":
        """None when the settings ask for no TLS.

        Raises:
            SettingError: some are missing, or can't be used.
        """
        files = (settings.tls_certificate, settings.tls_key, settings.tls_ca)
        certificate, key, ca = files
        if certificate is None or key is None or ca is None:
            if any(files):
                raise SettingError("tls_certificate, tls_key and tls_ca: set all three, or none.")
            return None
        return cls(certificate, key, ca)

    def context(self) -> ssl.SSLContext:
        """For the next connection. Files that changed but can't be used leave the former ones in force."""
        with self._lock:
            stamp = self._stamps()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._context = self._load()
                except SettingError as error:
                    _log.error("the former certificates stay in use: %s", error)
                else:
                    _log.info("certificates read anew")
                    self._report()
            return self._context

    def days_left(self) -> float:
        """Days until the certificates in use no longer serve; negative after that."""
        return (self._expires - time.time()) / 86400

    def warning(self) -> str:
        """What people have to know of the certificates; empty while they serve for long."""
        return _warning(self.days_left())

    def _load(self) -> ssl.SSLContext:
        names = ("setting tls_ca", "setting tls_certificate", "setting tls_key")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _restrict(context)
        context.verify_mode = ssl.CERT_REQUIRED
        _load_files(context, self._ca, self._certificate, self._key, names)
        try:
            self._expires = _expires(self._certificate, self._ca)
        except ValueError as error:
            raise SettingError(f"setting tls_certificate or tls_ca: {error}.") from error
        return context

    def _stamps(self) -> list[tuple[int, int]]:
        """What changes with the files."""
        stamps = []
        for path in (self._certificate, self._key, self._ca):
            try:
                stat = path.stat()
                stamps.append((stat.st_mtime_ns, stat.st_ino))
            except OSError:
                stamps.append((0, 0))
        return stamps

    def _report(self) -> None:
        if warning := self.warning():
            _log.warning("%s", warning)


def client_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """What a sender needs that speaks to the agent, by the same profile; the agent's name is checked.

    Raises:
        SettingError: a file can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _restrict(context)
    _load_files(context, ca, certificate, key, ("option --tls-ca", "option --certificate", "option --key"))
    return context


def expiry_warning(settings: Settings) -> str:
    """The same of the files that `settings` name, without a word in the log; empty without TLS."""
    if settings.tls_certificate is None or settings.tls_ca is None:
        return ""
    try:
        expires = _expires(settings.tls_certificate, settings.tls_ca)
    except (OSError, ValueError) as error:
        return f"the certificates can't be read: {error}"
    return _warning((expires - time.time()) / 86400)


def _restrict(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(CIPHERS_TLS12))
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION


def _load_files(
    context: ssl.SSLContext, ca: Path, certificate: Path, key: Path, names: tuple[str, str, str]
) -> None:
    """Load PEM files, which messages call by their `names`."""
    for name, path in zip(names, (ca, certificate, key), strict=True):
        try:
            path.read_bytes()
        except OSError as error:
            raise SettingError(f"{name}: {path} can't be read: {error.strerror}.") from error
    try:
        # OpenSSL would ask for a password on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise SettingError(
            f"{names[1]}: {certificate} with the key {key} can't be used: "
            f"{error}. Both must be PEM, belong together, and the key have no password."
        ) from error
    try:
        context.load_verify_locations(ca)
    except (ssl.SSLError, ValueError) as error:
        raise SettingError(f"{names[0]}: {ca} can't be used: {error}.") from error


def _expires(certificate: Path, ca: Path) -> float:
    """Of several authorities one that is valid will do."""
    return min(*expiries(certificate), max(expiries(ca)))


def _warning(days: float) -> str:
    if days >= _SOON_DAYS:
        return ""
    told = days_in_words(abs(days))
    when = f"expires in {told}" if days > 0 else f"expired {told} ago"
    return f"a certificate of the agent or its authority {when}"
