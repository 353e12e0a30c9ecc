"""The queue's order, and which frames of a cine loop are scored."""

import threading

import pytest

from edge.scoring.jobs import Job, JobQueue, Priority
from scanside.scan.cine import frames_to_score


def test_headers_first_then_stills_then_cine() -> None:
    queue = JobQueue()
    order = [Priority.CINE, Priority.STILL, Priority.INSPECT, Priority.CINE, Priority.STILL]
    for number, priority in enumerate(order):
        queue.put(Job(priority, str(number), "", ""))
    assert len(queue) == 5
    assert [job.file for _ in order if (job := queue.get())] == ["2", "1", "4", "0", "3"]


def test_what_came_before_the_start_waits_for_what_comes_now() -> None:
    queue = JobQueue(began="2026-01-02")
    order = [
        ("old header", Priority.INSPECT, "2026-01-01"),
        ("old cine", Priority.CINE, "2026-01-01"),
        ("old still", Priority.STILL, "2026-01-01"),
        ("new cine", Priority.CINE, "2026-01-02"),
        ("new header", Priority.INSPECT, "2026-01-03"),
    ]
    for name, priority, received_at in order:
        queue.put(Job(priority, name, "", received_at))
    served = [job.file for _ in order if (job := queue.get())]
    assert served == ["new header", "new cine", "old still", "old cine", "old header"]


def test_a_closed_queue_gives_nothing_more() -> None:
    queue = JobQueue()
    got: list[Job | None] = []
    waiting = threading.Thread(target=lambda: got.append(queue.get()))
    waiting.start()
    assert not queue.wait_closed(0.01)
    queue.put(Job(Priority.STILL, "a", "", ""))
    waiting.join(5)
    queue.put(Job(Priority.STILL, "b", "", ""))
    queue.close()
    assert [job and job.file for job in got] == ["a"] and queue.get() is None


@pytest.mark.parametrize(
    ("count", "at_most", "frames"),
    [
        (0, 5, []),
        (1, 5, [1]),
        (3, 5, [1, 2, 3]),
        (30, 1, [1]),
        (30, 2, [1, 30]),
        (9, 5, [1, 3, 5, 7, 9]),
        (30, 5, [1, 8, 15, 23, 30]),
        (6, 5, [1, 2, 3, 5, 6]),
    ],
)
def test_frames_are_evenly_spaced(count: int, at_most: int, frames: list[int]) -> None:
    assert frames_to_score(count, at_most) == frames


@pytest.mark.parametrize("at_most", [1, 2, 5, 7, 100])
def test_no_frame_twice_and_none_beyond_the_end(at_most: int) -> None:
    for count in range(1, 300):
        frames = frames_to_score(count, at_most)
        assert len(frames) == len(set(frames)) == min(count, at_most)
        assert frames[0] == 1 and frames[-1] <= count and frames == sorted(frames)
