"""The machines that may send: a `[[scanners]]` table each in edge.toml, with name, addresses and AE title."""

import difflib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from scanside.errors import SettingError

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAX_NAME = 32
_MAX_SCANNERS = 64


def _key(default: T, text: str) -> T:
    return field(default=default, metadata={"text": text})


@dataclass(frozen=True)
class Scanner:
    """One machine that may send; each key of its table is a field here."""

    name: str = _key("", "What people call it, as in rows and in the view.")
    addresses: tuple[str, ...] = _key((), "IP addresses and networks that it sends from, as 10.1.2.0/24.")
    ae_title: str = _key("", "Its AE title. Empty: any.")
    silent_after_h: float = _key(
        0.0, "Hours without a sign of it after which that is a warning. 0: its silence is none."
    )

    @property
    def networks(self) -> list[Network]:
        """Raises a SettingError where an address is none."""
        return [_network(text, self.name) for text in self.addresses]


THIS_MACHINE = Scanner("this machine", ("127.0.0.0/8", "::1"))


def read_scanners(value: Any, where: str) -> tuple[Scanner, ...]:
    """The scanners of a list of tables.

    Raises:
        SettingError: a key or a value is wrong, or two have one name.
    """
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise SettingError(f"{where}: scanners must be tables, each under its own line [[scanners]].")
    if len(value) > _MAX_SCANNERS:
        raise SettingError(f"{where}: {len(value)} scanners; there may be {_MAX_SCANNERS}.")
    scanners = tuple(_scanner(table, f"{where}: scanner {n}") for n, table in enumerate(value, 1))
    check_names(scanners, where)
    return scanners


def check_names(scanners: Sequence[Scanner], where: str) -> None:
    """Raises a SettingError where two have one name."""
    names = [scanner.name for scanner in scanners]
    for name in names:
        if names.count(name) > 1:
            raise SettingError(f"{where}: two scanners are called '{name}'. Give each a name of its own.")


def scanner_tables(scanners: Sequence[Scanner], toml: Any) -> list[str]:
    """Lines of edge.toml; the first table explains its keys."""
    lines: list[str] = []
    for number, scanner in enumerate(scanners):
        lines += ["", "[[scanners]]"]
        for one in fields(Scanner):
            if number == 0:
                lines.append(f"# {one.metadata['text']}")
            lines.append(f"{one.name} = {toml(getattr(scanner, one.name))}")
    return lines


def _scanner(table: Mapping[str, Any], where: str) -> Scanner:
    known = {one.name: one for one in fields(Scanner)}
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known are: {', '.join(known)}."
            raise SettingError(f"{where}: unknown key '{key}'. {hint}")
    scanner = Scanner(**{key: _checked(known[key], value, where) for key, value in table.items()})
    if not scanner.name or not scanner.addresses:
        raise SettingError(f"{where}: it needs a name and addresses.")
    assert scanner.networks
    return scanner


def _checked(key: "Field[Any]", value: Any, where: str) -> Any:
    name, default = key.name, key.default
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise SettingError(f"{where}: {name} must be a list of texts, not {value!r}.")
        return tuple(value)
    if isinstance(default, float):
        if type(value) not in (int, float) or not 0 <= value <= 8760:
            raise SettingError(f"{where}: {name} must be a number of hours from 0 to 8760, not {value!r}.")
        return float(value)
    if not isinstance(value, str):
        raise SettingError(f"{where}: {name} must be a text, not {value!r}.")
    if name == "name" and not (
        0 < len(value) <= _MAX_NAME and value.isprintable() and value.strip() == value
    ):
        raise SettingError(f"{where}: name is {value!r}; it must have 1 to {_MAX_NAME} printable characters.")
    if name == "ae_title" and value:
        check_ae_title(value, where)
    return value


def check_ae_title(title: str, where: str) -> None:
    """PS3.5 6.2, value representation AE.

    Raises:
        SettingError: no valid title.
    """
    if not (len(title.strip()) > 0 and len(title) <= 16 and title.isascii() and title.isprintable()):
        raise SettingError(f"{where}: '{title}' is no AE title: 1 to 16 ASCII letters, digits or signs.")
    if "\\" in title:
        raise SettingError(f"{where}: '{title}' is no AE title: no backslash is allowed.")


def _network(text: str, name: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise SettingError(
            f"scanner '{name}': '{text}' is neither an IP address nor a network like 10.1.2.0/24."
        ) from None
