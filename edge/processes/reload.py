"""SIGHUP: what of changed settings is taken over as the agent runs, and what waits for its next start."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from edge.settings import Settings

# What only decides about the next connection or association.
TAKEN_OVER = frozenset(
    {
        "scanners",
        "check_called_ae_title",
        "blank_ae_titles",
        "private_classes",
        "tls_certificate",
        "tls_key",
        "tls_ca",
        "max_associations",
        "max_associations_per_peer",
        "max_connections",
        "max_connections_per_peer",
        "max_pdu_bytes",
        "connect_timeout_s",
        "pdu_timeout_s",
        "association_timeout_s",
        "association_limit_s",
    }
)


@dataclass(frozen=True)
class Reloaded:
    """What came of reading the settings again.

    Attributes:
        settings: to go on with.
        taken_over: names of what changed and is in force from now on.
        restart: names of what changed and waits for the next start.
    """

    settings: Settings
    taken_over: list[str]
    restart: list[str]


def reload(current: Settings, read: Callable[[], Settings]) -> Reloaded:
    """Read the settings again and find what can be taken over; the TLS files are tried too.

    Args:
        current: as they were read before.

    Raises:
        SettingError: they are wrong, and none is taken over.
    """
    from edge.network.access import Access
    from edge.network.tls import Tls

    new = read()
    changed = [one.name for one in fields(Settings) if getattr(new, one.name) != getattr(current, one.name)]
    taken_over = [name for name in changed if name in TAKEN_OVER]
    settings = replace(current, **{name: getattr(new, name) for name in taken_over})
    Access(settings)
    Tls.from_settings(settings)
    return Reloaded(settings, taken_over, [name for name in changed if name not in taken_over])
