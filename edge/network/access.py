"""Who may connect and associate: the scanners of the settings, by address and AE title."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from edge.network.refusals import Reason
from edge.network.titles import Title
from edge.scanners import Scanner, check_names
from edge.settings import Settings
from edge.trail.message import Origin
from scanside.errors import SettingError

# Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21).
REJECTIONS = {
    Reason.CALLING: (1, 1, 3),
    Reason.BLANK_CALLING: (1, 1, 3),
    Reason.CALLED: (1, 1, 7),
    Reason.BLANK_CALLED: (1, 1, 7),
    Reason.ASSOCIATIONS: (2, 3, 2),
}

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Access:
    """The answer to "may this peer?", made of the settings once.

    Raises:
        SettingError: an address is none, or the agent would listen for nobody that it knows.
    """

    def __init__(self, settings: Settings) -> None:
        check_names(settings.scanners, "setting scanners")
        self._scanners = [(scanner, scanner.networks) for scanner in settings.scanners]
        self._takes_blank = settings.blank_ae_titles
        self._called = settings.ae_title.strip() if settings.check_called_ae_title else None
        networks = [network for _, its in self._scanners for network in its]
        if not _is_loopback(settings.host) and all(network.is_loopback for network in networks):
            raise SettingError(
                f"the agent would listen on {settings.host} but knows nobody there. Add a [[scanners]] table "
                "with the addresses that may send, or let `edge init --scanner-address ADDRESS` do it. "
                'addresses = ["0.0.0.0/0", "::/0"] lets anybody in.'
            )

    def knows(self, peer: str) -> bool:
        """Whether something at the address `peer` may connect."""
        return bool(self._at(peer))

    def scanner(self, peer: str, title: str) -> Scanner | None:
        """The scanner that sends from the address `peer` under an AE title.

        One that names the title comes before one that takes any. A blank title, where such are taken, is
        that of the first scanner at the address.
        """
        there = self._at(peer)
        named = [one for one in there if one.ae_title and one.ae_title.strip() == title]
        any_title = [one for one in there if not one.ae_title]
        found = named or any_title or (there if not title and self._takes_blank else [])
        return found[0] if found else None

    def refusal(self, peer: str, calling: Title, called: Title, *, stores: bool) -> Reason | None:
        """Why an association from `peer` between these AE titles is rejected; None when it is not.

        Args:
            stores: whether more than a C-ECHO is asked for; an echo any title may have, to try the line.
        """
        if self._called is not None and called.text != self._called:
            if called.text:
                return Reason.CALLED
            if not self._takes_blank:
                return Reason.BLANK_CALLED
        if not stores:
            return None
        if not calling.text and not self._takes_blank:
            return Reason.BLANK_CALLING
        return None if self.scanner(peer, calling.text) else Reason.CALLING

    def _at(self, peer: str) -> list[Scanner]:
        try:
            address = _address(peer)
        except ValueError:
            return []
        return [scanner for scanner, its in self._scanners if any(address in network for network in its)]


def scanner_names(settings: Settings) -> Callable[[Origin], str]:
    """Says the name of the scanner that a kept file came from; empty where the settings know none.

    Raises:
        SettingError: see `Access`.
    """
    access = Access(settings)

    def name_of(origin: Origin) -> str:
        scanner = access.scanner(origin.address, origin.calling)
        return scanner.name if scanner else ""

    return name_of


def _address(text: str) -> _Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)  # how a socket for both families names IPv4
    return mapped or address


def _is_loopback(host: str) -> bool:
    addresses: Sequence[str]
    try:
        addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(host, None)]
        return all(_address(address).is_loopback for address in addresses)
    except (OSError, ValueError) as error:
        raise SettingError(f"setting host: '{host}' is no address of this machine: {error}.") from error
