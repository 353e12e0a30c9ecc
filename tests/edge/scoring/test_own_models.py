"""Which model a study goes on under, and what becomes of it where that can't be used."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.protocol.row import SCORED, Patient, Row
from edge.scoring.jobs import Job, Priority
from edge.scoring.own_models import OwnModels
from edge.scoring.worker import Worker, WorkerLost
from edge.storage.bundles import KeptBundles
from edge.storage.spool import Spooled
from edge.storage.store import Store
from scanside.model.bundle import MANIFEST, NETWORK, Bundle, load_bundle
from scanside.runtime.preference import RuntimeOptions

OLD, NEW = "a" * 64, "b" * 64


def _at(hour: int) -> str:
    return f"2026-01-01T{hour:02}:00:00.000000+00:00"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def _own(store: Store, open_h: float = 5.0) -> OwnModels:
    kept = KeptBundles(Path("nowhere"))
    return OwnModels(NEW, kept, store, open_h, lambda _: pytest.fail("no worker is needed"))  # type: ignore[arg-type]


def _add(
    store: Store, name: str, at: str, study: str = "1.2", patient: str = "P", scored_by: str = ""
) -> Job:
    receipt = store.add(Spooled(f"{name}.dcm", name, at)).receipt
    store.expand(receipt, study, Patient(id=patient), [1])
    if scored_by:
        row = Row(name, 1, study, state=SCORED, received_at=at, bundle_digest=scored_by)
        store.finish(receipt, row, None)
    return Job(Priority.STILL, f"{name}.dcm", receipt, name, at, study_instance_uid=study)


def test_a_study_goes_on_under_its_model_until_no_image_came_for_so_long(store: Store) -> None:
    _add(store, "1", _at(1), scored_by=OLD)
    _add(store, "2", _at(4), scored_by=OLD)
    assert _own(store).model_of(_add(store, "3", _at(9))) == OLD
    assert _own(store).model_of(_add(store, "4", _at(10))) is None
    assert _own(store, open_h=0).model_of(_add(store, "5", _at(5))) is None


def test_another_study_and_the_same_one_of_another_patient_get_the_present_model(store: Store) -> None:
    _add(store, "1", _at(1), scored_by=OLD)
    own = _own(store)
    assert own.model_of(_add(store, "2", _at(1), study="1.3")) is None
    assert own.model_of(_add(store, "3", _at(1), patient="Q")) is None
    assert own.model_of(_add(store, "4", _at(1))) == OLD


def test_after_its_newest_slide_a_study_goes_on(store: Store) -> None:
    """One that two models scored is not put together in any case; it does not change once more."""
    _add(store, "1", _at(1), scored_by=OLD)
    _add(store, "2", _at(2), scored_by=NEW)
    assert _own(store).model_of(_add(store, "3", _at(3))) is None
    assert store.models_of_open(_at(0)) == {NEW}


def test_what_is_scored_again_gets_the_present_model_beside_slides_that_keep_theirs(store: Store) -> None:
    """A slide whose file is gone, or that was being scored, keeps the former model's result."""
    again = _add(store, "1", _at(1), scored_by=OLD)
    _add(store, "2", _at(2), scored_by=OLD)
    (spooled,) = store.score_again(["1.dcm"])
    assert spooled.again
    job = replace(again, receipt=spooled.receipt, again=spooled.again)
    assert _own(store).model_of(job) is None
    (left,) = store.pending()  # the same after a restart
    assert left.again
    store.date("1.dcm", _at(0), None)  # the clock was wrong as it came
    (left,) = store.pending()
    assert left.again and left.received_at == _at(0)


def test_a_second_worker_that_does_not_answer_is_ended(store: Store) -> None:
    class Hung:
        alive, ended = True, False

        def ping(self) -> None:
            raise WorkerLost("gave no answer")

        def stop(self) -> None:
            self.ended = True

    own, hung = _own(store), Hung()
    own.try_worker()
    own._digest, own._worker = OLD, hung  # type: ignore[assignment]
    own.try_worker()
    assert hung.ended and own.worker is None and not own.problems


def test_the_models_of_open_studies_are_known(store: Store) -> None:
    _add(store, "1", _at(1), study="1.1", scored_by=OLD)
    _add(store, "2", _at(4), study="1.2", scored_by=NEW)
    assert store.models_of_open(_at(1)) == {OLD, NEW}
    assert store.models_of_open(_at(2)) == {NEW}
    _add(store, "3", _at(1), study="1.1")  # it waits for its result
    assert store.models_of_open(_at(5)) == {OLD}


def test_a_large_study_costs_no_more_than_a_small_one(store: Store) -> None:
    """The newest scored slide is found by an index alone, however many there are."""
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    store.scored_by(_add(store, "1", _at(1), scored_by=OLD).receipt)
    store._db.set_trace_callback(None)
    (question,) = (one for one in asked if "bundle_digest" in one and one.startswith("SELECT"))
    plan = " ".join(str(step) for step in store._db.execute(f"EXPLAIN QUERY PLAN {question}").fetchall())
    assert "by_scored" in plan and "TEMP B-TREE" not in plan


def test_a_model_that_does_not_reproduce_its_golden_case_is_not_used(
    bundle: Path, store: Store, tmp_path: Path
) -> None:
    """Its digests are right, as where it was damaged before they were taken."""
    whole = load_bundle(bundle, allow_test_only=True)
    network = whole.files[NETWORK][:-300]
    document = {**whole.manifest.document}
    document["files"] = {**document["files"], NETWORK: hashlib.sha256(network).hexdigest()}
    raw = json.dumps(document).encode()
    damaged = replace(
        whole,
        files={**whole.files, NETWORK: network},
        manifest_bytes=raw,
        digest=hashlib.sha256(raw).hexdigest(),
    )
    kept = KeptBundles(tmp_path, allow_test_only=True)
    kept.keep(damaged)
    assert (tmp_path / "bundles" / damaged.digest / MANIFEST).read_bytes() == raw

    def make(found: Bundle) -> Worker:
        return Worker(found, tmp_path / "spool", RuntimeOptions(threads=1), 60.0)

    own = OwnModels(NEW, kept, store, 5.0, make)
    assert own.worker_of(damaged.digest) is None and own.worker is None
    assert "xport" in own.problems[damaged.digest]
    _add(store, "1", _at(1), scored_by=damaged.digest)
    assert own.model_of(_add(store, "2", _at(1))) is None  # the present one, from now on
