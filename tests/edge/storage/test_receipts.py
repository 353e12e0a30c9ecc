"""A result belongs to a file, a receipt and a job: in every order the last image speaks."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from edge.monitor.condition import Health
from edge.protocol.row import NEW_VERSION, SCORED, Row
from edge.scoring.inference import Inference, inspect
from edge.scoring.jobs import Inspection, Job, Priority, Result
from edge.scoring.loop import Scoring
from edge.scoring.queue import JobQueue
from edge.storage.intake import Taken, take, take_up
from edge.storage.spool import Spool
from edge.storage.store import NAME, Store
from scanside.model.bundle import load_bundle
from scanside.runtime.preference import RuntimeOptions
from tests.edge.conftest import MakeImage
from tests.edge.storage.received import receive
from tests.synth.dicom import Patient

UID = "1.2.826.0.1.3680043.2.1143.77"


class Agent:
    """What an agent does with what it receives, one step at a time and without a process.

    Args:
        answer: what the worker says to a job about the file at a path.
    """

    def __init__(self, data: Path, answer: Callable[[Path, Job], Inspection | Result]) -> None:
        data.mkdir(exist_ok=True)
        self.spool, self.store, self.queue = Spool(data / "spool"), Store(data), JobQueue()
        self._answer = answer
        self.scoring = Scoring(
            self.queue,
            None,
            self.store,
            Health("T", "h"),
            5,
            lambda _view: None,
            lambda *_: [],  # type: ignore[arg-type]
        )

    def receive(self, content: Path) -> None:
        """Keep a file's data set as the receiver does, and take it into the index."""
        self.taken(take(self.spool, self.store, receive(self.spool, content)))

    def taken(self, taken: Taken) -> None:
        if taken.row is not None:
            one = taken.spooled
            self.queue.put(
                Job(Priority.INSPECT, one.file, one.receipt, one.sop_instance_uid, one.received_at)
            )

    def again(self) -> None:
        """Have all that it holds scored again."""
        for one in self.store.score_again(self.spool.files()):
            job = Job(Priority.INSPECT, one.file, one.receipt, one.sop_instance_uid, one.received_at)
            self.queue.put(replace(job, again=one.again))

    def ask(self) -> tuple[Job, Inspection | Result] | None:
        """The next job and its answer; None when none waits."""
        if not len(self.queue):
            return None
        job = self.queue.get()
        assert job is not None
        return job, self._answer(self.spool.folder / job.file, job)

    def apply(self, answered: tuple[Job, Inspection | Result]) -> None:
        self.scoring._apply(*answered)

    def finish(self) -> None:
        while answered := self.ask():
            self.apply(answered)


@pytest.fixture(scope="module")
def answer(bundle: Path) -> Callable[[Path, Job], Inspection | Result]:
    """The worker's own functions; what a frame gives is computed once for each content."""
    inference = Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions(threads=1))
    known: dict[tuple[str, str | None, bool], Result] = {}

    def answered(path: Path, job: Job) -> Inspection | Result:
        if job.priority is Priority.INSPECT:
            return inspect(path)
        key = job.file, job.previous and job.previous.image_digest, job.again
        about = path, UID, job.study_instance_uid, job.frame, job.previous
        if not path.exists():
            return inference.assess(*about)
        if key not in known:
            known[key] = inference.assess(*about, may_reuse=not job.again)
        return known[key]

    return answered


@pytest.fixture(scope="module")
def contents(image: MakeImage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three contents of one UID: another patient and image, and another patient of the first image."""
    made = {}
    for name, seed in (("X", 1), ("other image", 2), ("other patient", 1)):
        dataset = pydicom.dcmread(image(seed, patient=Patient(f"NAME^{name.upper()}", name)))
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID
        dataset.StudyInstanceUID = "1.2.3.1"
        made[name] = tmp_path_factory.mktemp("contents") / "x.dcm"
        dataset.save_as(made[name], enforce_file_format=True)
    return made


def _orders(arrivals: int, worker_steps: int) -> Iterator[list[bool]]:
    """Every order of arrivals (True) and of the worker's steps (False): ask a job, apply its answer."""
    for places in itertools.combinations(range(arrivals + worker_steps), arrivals):
        yield [place in places for place in range(arrivals + worker_steps)]


@pytest.mark.parametrize(
    "names",
    [
        ("X", "other image", "X"),
        ("X", "other patient", "X"),
        pytest.param(("X", "other image", "X", "other patient", "X"), marks=pytest.mark.slow),
    ],
)
def test_the_row_is_the_last_content_s_with_its_patient_in_every_order(
    names: tuple[str, ...],
    answer: Callable[[Path, Job], Inspection | Result],
    contents: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # nothing here is about power cuts
    for number, order in enumerate(_orders(len(names), 6)):
        agent = Agent(tmp_path / str(number), answer)
        waiting, told = iter(names), None
        for arrives in order:
            if arrives:
                agent.receive(contents[next(waiting)])
            elif told is None:
                told = agent.ask()
            else:
                told = agent.apply(told)
        if told is not None:
            agent.apply(told)
        agent.finish()
        (row,) = agent.store.newest(9)
        assert (row.state, row.patient_id) == (SCORED, names[-1]), order
        assert row.patient_name == f"NAME^{names[-1].upper()}", order
        (indexed,) = agent.store.instances()
        assert agent.spool.path(indexed.file).exists() and indexed.study_instance_uid == "1.2.3.1", order
        assert agent.store.study("1.2.3.1", names[-1]).waiting == 0, order
        agent.store.close()


def test_an_index_made_anew_has_the_content_that_came_last(
    answer: Callable[[Path, Job], Inspection | Result], contents: dict[str, Path], tmp_path: Path
) -> None:
    agent = Agent(tmp_path, answer)
    agent.receive(contents["X"])
    agent.receive(contents["other image"])
    agent.store.close()
    (tmp_path / NAME).unlink()
    agent = Agent(tmp_path, answer)
    for taken in take_up(agent.spool, agent.store):
        agent.taken(taken)
    agent.finish()
    (row,) = agent.store.newest(9)
    assert row.patient_id == "other image"


def test_scored_again_an_image_keeps_what_was_said_of_it(
    answer: Callable[[Path, Job], Inspection | Result], contents: dict[str, Path], tmp_path: Path
) -> None:
    agent = Agent(tmp_path, answer)
    for name in ("X", "other image"):
        agent.receive(contents[name])
        agent.finish()
    (before,) = agent.store.newest(9)
    assert NEW_VERSION in before.flags and before.superseded
    agent.again()
    agent.finish()
    (after,) = agent.store.newest(9)
    assert after.assessed_at and before.assessed_at and after.assessed_at > before.assessed_at
    differs = {"assessed_at": None, "timings_ms": {}, "latency_ms": None}
    assert replace(after, **differs) == replace(before, **differs)


@pytest.mark.parametrize("restarts", [False, True])
def test_other_content_that_comes_while_an_image_is_scored_again_counts(
    restarts: bool,
    answer: Callable[[Path, Job], Inspection | Result],
    contents: dict[str, Path],
    tmp_path: Path,
) -> None:
    agent = Agent(tmp_path, answer)
    agent.receive(contents["X"])
    agent.finish()
    agent.again()
    asked = agent.ask()
    assert asked is not None and asked[0].again
    if restarts:
        agent.store.close()
        agent = Agent(tmp_path, answer)
        (pending,) = agent.store.pending()
        assert pending.again  # known from the index alone
    agent.receive(contents["other image"])
    assert not agent.store.pending()[0].again
    agent.apply(asked)
    agent.finish()
    (row,) = agent.store.newest(9)
    assert (row.state, row.patient_id) == (SCORED, "other image")


def test_a_result_without_its_receipt_is_dropped(tmp_path: Path, contents: dict[str, Path]) -> None:
    agent = Agent(tmp_path / "agent", lambda *_: Inspection())
    agent.receive(contents["X"])
    (pending,) = agent.store.pending()
    row = Row(UID, 1, "1.2.3.1", state=SCORED, risk=0.5)
    assert agent.store.finish(pending.receipt + 1, row, None) is None
    assert agent.store.taken(pending.receipt + 1) is None and agent.store.taken(pending.receipt) is not None
    assert agent.store.fail(pending.receipt + 1, "why") == []
