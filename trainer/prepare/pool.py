"""Many files over many processes; a file that crashes its process is named, and the others go on."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_all(
    work: Callable[[Job], Result], jobs: Iterable[Job], processes: int
) -> Generator[tuple[Job, Result | None], None, None]:
    """Yield each job with its result as they come (of one process: in order); None where it took it down.

    A process that dies does not tell its job, so all jobs under way are tried again, each alone.
    """
    waiting = deque(jobs)
    while waiting:
        suspects = yield from _run_jobs(work, waiting, processes)
        for suspect in suspects:
            single = deque([suspect])
            if (yield from _run_jobs(work, single, 1)):
                yield suspect, None


def _run_jobs(
    work: Callable[[Job], Result], waiting: deque[Job], processes: int
) -> Generator[tuple[Job, Result | None], None, list[Job]]:
    """Yield results; return the jobs under way when a process died."""
    pool = ProcessPoolExecutor(
        min(processes, len(waiting)), multiprocessing.get_context("spawn"), initializer=obey_parent
    )
    under_way: dict[Future[Result], Job] = {}
    try:
        while waiting or under_way:
            while waiting and len(under_way) < 2 * processes:
                job = waiting.popleft()
                try:
                    under_way[pool.submit(work, job)] = job
                except BrokenProcessPool:
                    waiting.appendleft(job)
                    return list(under_way.values())
            done = wait(under_way, return_when=FIRST_COMPLETED).done
            for future in [one for one in under_way if one in done]:
                if isinstance(future.exception(), BrokenProcessPool):
                    return list(under_way.values())
                yield under_way.pop(future), future.result()
        return []
    finally:
        pool.shutdown(cancel_futures=True)


def obey_parent() -> None:
    """Ctrl-C reaches every process of a terminal: the first one ends the others, or they end after it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
