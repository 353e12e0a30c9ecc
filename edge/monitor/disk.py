"""The room on the disk of the data folder: numbers for programs, words for people."""

from collections.abc import Sequence

from edge.protocol.agent import DiskState
from edge.storage.room import Room

_LOW_MB, _LOW_IMAGES = 1024, 200  # left before nothing is taken: less than a day's work


def measure_disk(room: Room, sizes: Sequence[int]) -> DiskState:
    """Say how much room there is, and whether that is little.

    Args:
        sizes: of the last images received, bytes.
    """
    if room.free_bytes is None:
        return DiskState(None, room.limit_bytes >> 20, None, disk_low=True)
    left = max(0, room.free_bytes - room.limit_bytes)
    images = left * len(sizes) // sum(sizes) if sizes else None
    low = left < _LOW_MB << 20 or (images is not None and images < _LOW_IMAGES)
    return DiskState(room.free_bytes >> 20, room.limit_bytes >> 20, images, low)


def in_words(free_mb: int | None) -> str:
    """How much is free, rounded: "41 GB free"; empty where that is not known."""
    if free_mb is None:
        return ""
    if free_mb < 1000:
        return f"{free_mb} MB free"
    return f"{free_mb / 1024:.{int(free_mb < 10 * 1024)}f} GB free"


def warn_of_disk(disk: DiskState) -> str:
    """What to know when it gets low; else empty."""
    if not disk.disk_low or not (free := in_words(disk.disk_free_mb)):
        return ""
    images = disk.disk_images
    room = "" if images is None else f", room for {images} image{'s' * (images != 1)}"
    return f"disk low: {free}{room}; below {disk.disk_limit_mb} MB none is received"
