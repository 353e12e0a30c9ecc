"""Which addresses may connect, and settings by which nobody or anybody could."""

import pytest

from edge.network.access import Access
from edge.settings import Settings
from scanside.errors import SettingError


@pytest.mark.parametrize(
    ("peers", "address", "known"),
    [
        (("10.1.2.0/24",), "10.1.2.77", True),
        (("10.1.2.0/24",), "10.1.3.1", False),
        (("10.1.2.3",), "::ffff:10.1.2.3", True),  # how a socket for both families names IPv4
        (("10.1.2.3/24",), "10.1.2.9", True),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("fe80::/10",), "nonsense", False),
        (("0.0.0.0/0",), "::1", False),
    ],
)
def test_addresses(peers: tuple[str, ...], address: str, known: bool) -> None:
    assert Access(Settings(peers=peers)).knows(address) == known


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(host="0.0.0.0"), "knows nobody there"),
        (Settings(host="::"), "knows nobody there"),
        (Settings(peers=("10.1.2.300",)), "'10.1.2.300' is neither"),
        (Settings(calling_ae_titles=("TOO LONG FOR A TITLE",)), "is no AE title"),
        (Settings(host="no.such.host.invalid"), "is no address"),
    ],
)
def test_settings_that_would_serve_nobody_or_anybody(settings: Settings, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Access(settings)
