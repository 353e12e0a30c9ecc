"""The room on the disk as numbers and in words, and when it is called low."""

import pytest

from edge.monitor.condition import Health
from edge.monitor.disk import in_words, measure_disk, warn_of_disk
from edge.protocol.agent import DiskState
from edge.storage.room import Room

MB, GB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("free", "sizes", "images", "low"),
    [
        (41 * GB, [], None, False),
        (41 * GB, [MB, 3 * MB], (41 * 1024 - 256) // 2, False),
        (GB + 256 * MB, [MB], 1024, False),
        (GB + 255 * MB, [MB], 1023, True),
        (10 * GB, [100 * MB], 99, True),  # cines
        (256 * MB, [MB], 0, True),
        (0, [MB], 0, True),
    ],
)
def test_how_much_more_can_be_received(free: int, sizes: list[int], images: int | None, low: bool) -> None:
    said = measure_disk(Room(free, 256 * MB), sizes)
    assert said == DiskState(free // MB, 256, images, low)
    assert bool(warn_of_disk(said)) is low


def test_the_words() -> None:
    assert [in_words(free_mb) for free_mb in (999, 1000, 9 * 1024, 41 * 1024)] == [
        "999 MB free", "1.0 GB free", "9.0 GB free", "41 GB free",
    ]  # fmt: skip
    low = measure_disk(Room(270 * MB, 256 * MB), [7 * MB])
    assert warn_of_disk(low) == "disk low: 270 MB free, room for 2 images; below 256 MB none is received"
    assert warn_of_disk(measure_disk(Room(263 * MB, 256 * MB), [7 * MB])).count("room for 1 image;") == 1
    assert "room for" not in warn_of_disk(measure_disk(Room(270 * MB, 256 * MB), []))


def test_a_disk_that_tells_nothing() -> None:
    said = measure_disk(Room(None, 256 * MB, "the spool can't be reached"), [MB])
    assert (said.disk_free_mb, in_words(said.disk_free_mb), warn_of_disk(said)) == (None, "", "")


def test_the_disk_is_looked_at_once_for_each_message() -> None:
    looks = []

    def room() -> Room:
        looks.append(1)
        return Room(41 * GB, 256 * MB)

    health = Health("T", "h", room)
    for size in (MB, 3 * MB):
        health.received("2026-01-01T10:00:00.000000+00:00", size)
    assert looks == []
    assert health.message(0).disk_images == (41 * 1024 - 256) // 2
    assert looks == [1]


def test_the_last_contact_is_an_image_or_what_the_receiver_met() -> None:
    health = Health("T", "h")
    assert health.message(0).last_contact_at is None
    health.goes_on("2026-01-01T09:00:00.000000+00:00")
    assert health.message(0).last_contact_at == "2026-01-01T09:00:00.000000+00:00"
    assert health.processes({"port": 1, "last_contact_at": "2026-01-01T10:00:00.000000+00:00"}) is False
    assert health.message(0).last_contact_at == "2026-01-01T10:00:00.000000+00:00"
    assert health.message(0).last_received_at == "2026-01-01T09:00:00.000000+00:00"
    health.received("2026-01-01T10:05:00.000000+00:00", MB)
    assert health.message(0).last_contact_at == "2026-01-01T10:05:00.000000+00:00"
    later = "2026-01-01T10:06:00.000000+00:00"
    assert health.processes({"port": 1, "last_contact_at": later}) is False  # no news: told with the next
    assert health.message(0).last_contact_at == later
