"""The room on the disk of the data folder: numbers for programs, words for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from edge.storage.room import Room

_LOW_MB, _LOW_IMAGES = 1024, 200  # left before nothing is taken: less than a day's work


def disk(room: Room, sizes: Sequence[int]) -> dict[str, Any]:
    """The keys of the agent's part of docs/watch-protocol.md that speak of it.

    Args:
        sizes: of the last images received, bytes.
    """
    if room.free_bytes is None:
        return {"disk_free_mb": None, "disk_limit_mb": room.limit_bytes >> 20, "disk_images": None,
                "disk_low": True}  # fmt: skip
    left = max(0, room.free_bytes - room.limit_bytes)
    images = left * len(sizes) // sum(sizes) if sizes else None
    low = left < _LOW_MB << 20 or (images is not None and images < _LOW_IMAGES)
    return {
        "disk_free_mb": room.free_bytes >> 20,
        "disk_limit_mb": room.limit_bytes >> 20,
        "disk_images": images,
        "disk_low": low,
    }


def in_words(agent: Mapping[str, Any]) -> str:
    """How much is free, rounded: "41 GB free"; empty where that is not known."""
    free_mb = agent.get("disk_free_mb")
    if free_mb is None:
        return ""
    if free_mb < 1000:
        return f"{free_mb} MB free"
    return f"{free_mb / 1024:.{int(free_mb < 10 * 1024)}f} GB free"


def warning(agent: Mapping[str, Any]) -> str:
    """What to know when it gets low; else empty."""
    if not agent.get("disk_low") or not (free := in_words(agent)):
        return ""
    images = agent["disk_images"]
    room = "" if images is None else f", room for {images} image{'s' * (images != 1)}"
    return f"disk low: {free}{room}; below {agent['disk_limit_mb']} MB none is received"
