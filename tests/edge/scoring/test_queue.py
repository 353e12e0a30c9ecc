"""The queue's order: one slot in turn for each scanner, and in it the newest study first."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from edge.scoring.jobs import Job, Priority
from edge.scoring.queue import JobQueue


def _ago(seconds: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def _header(name: str, source: str = "A", ago_s: float = 0.0) -> Job:
    return Job(Priority.INSPECT, name, 0, name, _ago(ago_s), source)


def _still(name: str, study: str, source: str = "A", ago_s: float = 0.0) -> Job:
    return Job(Priority.STILL, name, 0, name, _ago(ago_s), source, study_instance_uid=study)


def _cine(name: str, study: str, count: int) -> list[Job]:
    return [
        Job(Priority.CINE, f"{name}{turn}", 0, name, _ago(0), "A", study_instance_uid=study, turn=turn)
        for turn in range(count)
    ]


def _queue(jobs: Iterable[Job]) -> JobQueue:
    queue = JobQueue()
    for job in jobs:
        queue.put(job)
    return queue


def _order(queue: JobQueue) -> list[str]:
    return [job.file for _ in range(len(queue)) if (job := queue.get())]


def test_each_scanner_has_one_slot_in_turn() -> None:
    many = [_still(f"a{number}", "1", "A") for number in range(4)]
    queue = _queue([*many, _still("b0", "2", "B"), _still("b1", "2", "B"), _still("c0", "3", "C")])
    assert _order(queue) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_a_scanner_that_was_silent_has_the_next_slot() -> None:
    queue = _queue([_still(f"{name}{number}", name, name) for name in "ABC" for number in range(9)])
    for _ in range(10):
        queue.get()
    queue.put(_header("new", "D"))
    assert (job := queue.get()) and job.file == "new"
    queue.put(_still("new", "4", "D"))  # its header was read: the slot is still this scanner's
    assert (job := queue.get()) and job.file == "new"


def test_the_newest_study_of_a_scanner_comes_first() -> None:
    queue = _queue(
        [_still("old", "1", ago_s=9), _still("new", "2", ago_s=1), _still("old, too", "1", ago_s=8)]
    )
    assert _order(queue) == ["new", "old", "old, too"]


def test_within_a_study_stills_come_before_cines_and_cines_take_turns() -> None:
    queue = _queue([*_cine("a", "1", 3), *_cine("b", "1", 2), _still("still", "1")])
    assert _order(queue) == ["still", "a0", "b0", "a1", "b1", "a2"]


def test_headers_hold_no_result_up() -> None:
    queue = _queue([_still("frame", "1"), *(_header(f"{number}") for number in range(1000))])
    assert "frame" in [job.file for _ in range(10) if (job := queue.get())]


def test_what_has_just_come_is_known_before_a_backlog() -> None:
    backlog = [_header(f"{number}", ago_s=3600 - number) for number in range(2500)]
    queue = _queue([*backlog, _header("fresh")])
    assert _order(queue)[0] == "fresh"


def test_a_backlog_and_a_burst_are_read_in_the_order_of_reception() -> None:
    backlog = [_header(f"{number}", ago_s=3600 - 60 * number) for number in range(30)]
    assert _order(_queue(backlog)) == [job.file for job in backlog]
    burst = [_header(f"{number}", ago_s=1 - number / 100) for number in range(30)]
    assert _order(_queue(burst)) == [job.file for job in burst]


def test_in_a_flood_of_one_scanner_the_last_image_waits_for_a_burst_at_most() -> None:
    flood = [_header(f"{number}", ago_s=9 - number / 1000) for number in range(9000)]
    queue = _queue([*flood, *(_still(f"frame {number}", "1", ago_s=9) for number in range(100))])
    order = _order(queue)
    assert order.index("8999") < 40


def test_the_queue_says_what_waits_longest() -> None:
    new, old = _header("new", ago_s=1), _still("old", "1", "B", ago_s=7)
    queue = _queue([new, old])
    assert queue.oldest() == old.received_at
    assert _order(queue) == ["new", "old"] and len(queue) == 0
    assert queue.oldest() == old.received_at  # it has no result yet
    queue.close()
    assert queue.get() is None and queue.oldest() is None


def test_what_is_scored_again_holds_up_nothing_that_has_just_come() -> None:
    again = [replace(_header(f"{number}", ago_s=3600), again=True) for number in range(50)]
    queue = _queue([_header("fresh"), *again, _header("fresher")])
    assert _order(queue)[:2] == ["fresh", "fresher"]
    stills = [replace(_still(f"{number}", "1"), again=True) for number in range(50)]
    assert _order(_queue([*stills, _still("new in the same study", "1")]))[0] == "new in the same study"


def test_nobody_waits_for_what_is_scored_again() -> None:
    queue = _queue([replace(_header("again", ago_s=3600), again=True)])
    assert queue.oldest() is None
    queue.put(waiting := _header("new", ago_s=1))
    assert queue.oldest() == waiting.received_at
    assert _order(queue) == ["new", "again"] and queue.oldest() is None


def test_a_closed_queue_gives_nothing_more() -> None:
    queue = JobQueue()
    got: list[Job | None] = []
    waiting = threading.Thread(target=lambda: got.append(queue.get()))
    waiting.start()
    assert not queue.wait_closed(0.01)
    queue.put(_still("a", "1"))
    waiting.join(5)
    queue.put(_still("b", "1"))
    queue.close()
    assert [job and job.file for job in got] == ["a"] and queue.get() is None


def test_a_job_that_is_put_later_waits_all_the_while() -> None:
    queue = JobQueue()
    job = _still("a", "1", ago_s=60)
    queue.put_later(job, 0.2)
    assert len(queue) == 1 and queue.oldest() == job.received_at and queue.get(0.01) is None
    assert queue.get(60) == job and len(queue) == 0
