"""What people should see beside the state: settings not taken over, who was refused, who is silent."""

from collections.abc import Sequence

from edge.protocol.agent import RefusedPeer, ScannerState
from edge.protocol.row import milliseconds

REFUSED_FOR_S = 3600.0  # after its last refusal a peer is no news any more
_MOST_REFUSED = 4


def remarks(
    settings: str,
    scanners: Sequence[ScannerState],
    refused: Sequence[RefusedPeer],
    started_at: str,
    now: str,
) -> list[str]:
    """One sentence each, the gravest first.

    Args:
        settings: what became of the last change of the settings; empty when there is nothing to say.
        scanners, refused: as in docs/operations.md.
        started_at, now: when the agent started, and the time, as in a row.
    """
    recent = [one for one in refused if milliseconds(one.last_at, now) < 1e3 * REFUSED_FOR_S]
    said = [settings, *(f"{one.who}: {one.why}" for one in recent[:_MOST_REFUSED])]
    if len(recent) > _MOST_REFUSED:
        said.append(f"{len(recent) - _MOST_REFUSED} others were refused; see: edge status")
    said += [silence(one, started_at, now) for one in scanners]
    return [one for one in said if one]


def silence(scanner: ScannerState, started_at: str, now: str) -> str:
    """That nothing was heard of a scanner for longer than its setting says; empty else."""
    since = scanner.last_seen_at or started_at
    hours = milliseconds(since, now) / 3.6e6
    if not scanner.silent_after_h or hours < scanner.silent_after_h:
        return ""
    return f"scanner {scanner.name}: nothing for {duration(hours)}"


def duration(hours: float) -> str:
    """Hours as people say them."""
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
