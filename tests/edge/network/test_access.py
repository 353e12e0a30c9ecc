"""Which addresses may connect, and settings by which nobody or anybody could."""

import pytest

from edge.network.access import Access, scanner_names
from edge.network.refusals import Reason
from edge.network.titles import Title
from edge.scanners import Scanner
from edge.settings import Settings
from edge.trail.message import Origin
from scanside.errors import SettingError


@pytest.mark.parametrize(
    ("addresses", "address", "known"),
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
def test_addresses(addresses: tuple[str, ...], address: str, known: bool) -> None:
    assert Access(Settings(scanners=(Scanner("US", addresses),))).knows(address) == known


def test_a_title_counts_at_its_own_address_alone() -> None:
    one, two = Scanner("room 1", ("10.1.0.1",), "US1"), Scanner("room 2", ("10.1.0.2",), "US2")
    any_title = Scanner("the rest", ("10.1.0.0/24",))
    access = Access(Settings(host="0.0.0.0", scanners=(one, two)))
    called = Title.of(b"SCANSIDE")

    def refusal(peer: str, title: bytes) -> Reason | None:
        return access.refusal(peer, Title.of(title), called, stores=True)

    assert refusal("10.1.0.1", b"US1") is None and refusal("10.1.0.2", b"US2") is None
    assert refusal("10.1.0.2", b"US1") == refusal("10.1.0.1", b"US2") == Reason.CALLING
    assert access.refusal("10.1.0.2", Title.of(b"US1"), called, stores=False) is None
    access = Access(Settings(host="0.0.0.0", scanners=(any_title, one)))
    assert access.scanner("10.1.0.1", "US1") == one  # who is named comes before who has any title
    assert access.scanner("10.1.0.1", "US9") == access.scanner("10.1.0.3", "US1") == any_title


def test_a_kept_file_has_the_name_of_its_scanner() -> None:
    name_of = scanner_names(Settings(scanners=(Scanner("room 1", ("10.1.0.1",), "US1"),)))
    assert name_of(Origin("US1", "SCANSIDE", "10.1.0.1")) == "room 1"
    assert name_of(Origin("US2", "SCANSIDE", "10.1.0.1")) == name_of(Origin()) == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(host="0.0.0.0"), "knows nobody there"),
        (Settings(host="::"), "knows nobody there"),
        (Settings(scanners=(Scanner("US", ("10.1.2.300",)),)), "'US': '10.1.2.300' is neither"),
        (Settings(scanners=(Scanner("US"), Scanner("US"))), "two scanners are called 'US'"),
        (Settings(host="no.such.host.invalid"), "is no address"),
    ],
)
def test_settings_that_would_serve_nobody_or_anybody(settings: Settings, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Access(settings)
