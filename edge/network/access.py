"""Who may connect and associate: addresses, AE titles."""

import ipaddress
import socket
from collections.abc import Sequence

from edge.network.refusals import Reason
from edge.network.titles import Title
from edge.settings import Settings, check_ae_title
from scanside.errors import SettingError

# Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21).
REJECTIONS = {
    Reason.CALLING: (1, 1, 3),
    Reason.BLANK_CALLING: (1, 1, 3),
    Reason.CALLED: (1, 1, 7),
    Reason.BLANK_CALLED: (1, 1, 7),
    Reason.ASSOCIATIONS: (2, 3, 2),
}

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Access:
    """The answer to "may this peer?", made of the settings once.

    Raises:
        SettingError: a peer or a title is none, or the agent would listen for nobody that it knows.
    """

    def __init__(self, settings: Settings) -> None:
        self._networks = [_network(text) for text in settings.peers]
        for title in settings.calling_ae_titles:
            check_ae_title(title, "setting calling_ae_titles")
        self._calling = {title.strip() for title in settings.calling_ae_titles}
        self._takes_blank = settings.blank_ae_titles
        self._called = settings.ae_title.strip() if settings.check_called_ae_title else None
        if not _is_loopback(settings.host) and all(network.is_loopback for network in self._networks):
            raise SettingError(
                f"the agent would listen on {settings.host} but knows nobody there. Name the addresses that "
                "may send in the setting `peers`, or let `edge init --scanner-address ADDRESS` do it. "
                'peers = ["0.0.0.0/0", "::/0"] lets anybody in.'
            )

    def knows(self, peer: str) -> bool:
        """Whether something at the address `peer` may connect."""
        try:
            address = _address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def refusal(self, calling: Title, called: Title, *, stores: bool) -> Reason | None:
        """Why an association between these AE titles is rejected; None when it is not.

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
        if calling.text and self._calling and calling.text not in self._calling:
            return Reason.CALLING
        return None


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise SettingError(
            f"setting peers: '{text}' is neither an IP address nor a network like 10.1.2.0/24."
        ) from None


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
