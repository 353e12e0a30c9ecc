"""Crashes: of the worker, of the agent, of both; nothing is lost and nothing is doubled."""

import json
import os
import signal
from pathlib import Path

import pytest

from edge.monitor.condition import Health
from edge.protocol.row import FAILED, PENDING, SCORED
from edge.scoring.jobs import Job, Priority
from edge.scoring.loop import Scoring
from edge.scoring.queue import JobQueue
from edge.scoring.worker import Worker
from edge.storage.spool import Spooled
from edge.storage.store import Store
from export.bundle import write_bundle
from scanside.errors import RunnerError
from scanside.model.bundle import GOLDEN, MODEL_CARD, NETWORK, REFERENCE, load_bundle
from scanside.runtime.preference import RuntimeOptions
from tests.edge.conftest import HangOn, MakeImage, StartAgent
from tests.edge.running import RunningAgent, alive, edge, freeze, wait_for

PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the worker by /proc (Linux)")


@PROC
def test_a_worker_that_is_killed_is_replaced(agent: RunningAgent, image: MakeImage) -> None:
    (worker,) = agent.workers()
    freeze(worker)  # so that the job is surely in its hands
    agent.send(image(1))
    wait_for(lambda: agent.results(), "a row")
    os.kill(worker, signal.SIGKILL)
    assert agent.results(1)[0]["state"] == SCORED
    assert agent.workers() != [worker]
    assert "the worker process crashed" in agent.log


@PROC
def test_a_worker_that_hangs_is_replaced(start_agent: StartAgent, image: MakeImage, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("worker_timeout_s = 3\n")
    agent = start_agent("--config", str(config))
    (worker,) = agent.workers()
    freeze(worker)
    agent.send(image(1))
    assert agent.results(1)[0]["state"] == SCORED
    assert not alive(worker)
    assert "no answer within 3 s" in agent.log


def test_a_job_that_takes_the_worker_down_three_times_has_failed(
    tmp_path: Path, bundle: Path, image: MakeImage, hang_on: HangOn
) -> None:
    hang_on("hangs.dcm")
    (tmp_path / "hangs.dcm").write_bytes(image(2).read_bytes())
    (tmp_path / "good.dcm").write_bytes(image(1).read_bytes())
    store, queue, health = Store(tmp_path), JobQueue(), Health("T", "h")
    worker = Worker(
        load_bundle(bundle, allow_test_only=True), tmp_path, RuntimeOptions(threads=1), timeout_s=0.5
    )
    done: list[dict[str, object]] = []
    scoring = Scoring(
        queue, worker, store, health, 5, done.append, lambda job, reason: store.fail(job.receipt, reason)
    )
    for file, uid in (("hangs.dcm", "1.1"), ("good.dcm", "1.2")):
        spooled = Spooled(file, uid, "2026-01-01T00:00:00.000000+00:00")
        receipt = store.add(spooled).receipt
        queue.put(Job(Priority.INSPECT, file, receipt, uid, spooled.received_at))
    scoring.start()
    wait_for(lambda: [row for row in done if row.state == SCORED], "the good one's result")
    queue.close()
    scoring.join()
    (failed,) = [row for row in done if row.state == FAILED]
    assert failed.sop_instance_uid == "1.1"
    assert "no answer within 0.5 s, 3 times" in str(failed.reason)
    store.close()


@PROC
def test_after_a_power_cut_all_is_finished_and_nothing_doubled(agent: RunningAgent, image: MakeImage) -> None:
    agent.send(image(1))
    (finished,) = agent.results(1)
    (worker,) = agent.workers()
    freeze(worker)
    agent.send(image(2), image(3, frames=8))
    wait_for(lambda: len(agent.results()) == 3, "three rows")
    agent.kill()
    wait_for(agent.ended, "the end of the others")  # before that the worker's answers would still count
    os.kill(worker, signal.SIGCONT)
    wait_for(lambda: not alive(worker), "the end of the worker without its agent")
    assert sorted(row["state"] for row in agent.results()) == [PENDING, PENDING, SCORED]
    agent.start()
    rows = agent.results(1 + 1 + 5)
    assert {row["state"] for row in rows} == {SCORED} and len(rows) == 7
    assert finished in rows


def test_the_index_is_built_anew_from_the_spool(agent: RunningAgent, image: MakeImage) -> None:
    agent.send(image(1), image(2, frames=3))
    before = agent.results(4)
    assert agent.stop() == 0
    for file in agent.data.glob("results.sqlite*"):
        file.unlink()
    agent.start()
    after = agent.results(4)
    key = "sop_instance_uid", "frame", "risk", "state", "received_at"
    assert [[row[k] for k in key] for row in after] == [[row[k] for k in key] for row in before]


def test_remains_of_a_broken_write_are_cleared_and_a_damaged_file_does_no_harm(
    agent: RunningAgent, image: MakeImage
) -> None:
    agent.stop()
    spool = agent.data / "spool"
    (spool / "0123.part").write_bytes(b"half a file")
    (spool / "4567.dcm").write_bytes(b"not DICOM at all")
    agent.start()
    agent.send(image(1))
    assert [row["state"] for row in agent.results(1)] == [SCORED]
    assert not list(spool.glob("*.part")) and (spool / "4567.dcm").exists()
    assert "4567.dcm can't be read" in agent.log


@PROC
def test_stopping_finishes_the_current_job(agent: RunningAgent, image: MakeImage) -> None:
    (worker,) = agent.workers()
    freeze(worker)
    agent.send(image(1))
    wait_for(lambda: agent.results(), "a row")
    agent.process.terminate()
    wait_for(lambda: "stopping" in agent.log, "the agent to stop")
    os.kill(worker, signal.SIGCONT)
    assert agent.process.wait(60) == 0
    wait_for(lambda: not alive(worker), "the end of the worker")
    assert "Traceback" not in agent.log
    agent.start()
    assert [row["state"] for row in agent.results(1)] == [SCORED]


def test_interrupt_stops_it_too(agent: RunningAgent) -> None:
    agent.process.send_signal(signal.SIGINT)
    assert agent.process.wait(60) == 0
    assert not (agent.data / "watch.sock").exists()


def test_a_second_agent_on_the_same_data_is_refused(agent: RunningAgent, bundle: Path) -> None:
    options = ("--data", agent.data, "--port", "0", "--bundle", bundle, "--allow-test-bundle")
    done = edge("serve", *options, cwd=agent.data.parent)
    assert done.returncode == 1
    assert "another agent uses the data folder" in done.stderr and "Traceback" not in done.stderr
    assert agent.health()["state"] == "ready"


def test_a_model_that_does_not_reproduce_its_golden_case_scores_nothing(
    start_agent: StartAgent, image: MakeImage, bundle: Path, tmp_path: Path
) -> None:
    wrong = _with_wrong_golden_case(bundle, tmp_path / "wrong")
    agent = start_agent(bundle=wrong, state="not scoring")
    assert [sent.problem for sent in agent.send(image(1))] == [None]
    state = agent.health()["state"]
    assert "does not reproduce the bundle's golden case" in state
    assert [row["state"] for row in agent.results()] == [PENDING]
    assert agent.stop() == 0
    done = edge("assess", image(1), "--bundle", wrong, "--allow-test-bundle", cwd=tmp_path)
    assert done.returncode == 2 and "golden case" in done.stderr and "Traceback" not in done.stderr


def test_a_worker_answers_nothing_before_its_model_has_proved_itself(bundle: Path, tmp_path: Path) -> None:
    wrong = load_bundle(_with_wrong_golden_case(bundle, tmp_path / "wrong"), allow_test_only=True)
    worker = Worker(wrong, tmp_path, RuntimeOptions(threads=1), timeout_s=5)
    with pytest.raises(RunnerError, match="golden case"):
        worker.start()
    assert not worker.alive


def _with_wrong_golden_case(bundle: Path, folder: Path) -> Path:
    good = load_bundle(bundle, allow_test_only=True)
    golden = good.arrays(GOLDEN)
    golden["out_class_probability"] = golden["out_class_probability"][:, ::-1].copy()
    document = {k: v for k, v in good.manifest.document.items() if k not in ("schema", "files")}
    write_bundle(
        folder,
        document,
        network=good.files[NETWORK],
        golden=golden,
        reference=good.arrays(REFERENCE),
        model_card=good.files[MODEL_CARD].decode(),
    )
    return folder


def test_assess_says_so_when_a_file_takes_its_worker_down(
    tmp_path: Path, bundle: Path, image: MakeImage, hang_on: HangOn
) -> None:
    hang_on("hangs.dcm")
    (tmp_path / "hangs.dcm").write_bytes(image(2).read_bytes())
    (tmp_path / "edge.toml").write_text("worker_timeout_s = 5\n")  # time for the good one on a busy machine
    good = image(1)
    done = edge(
        "assess", "hangs.dcm", good, "--json", "--config", "edge.toml", "--bundle", bundle,
        "--allow-test-bundle", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    failed, scored = json.loads(done.stdout)
    assert (failed["state"], failed["risk"]) == ("failed", None)
    assert "no answer within 5 s; the image may be damaged" in failed["reason"]
    assert scored["state"] == "scored"
    assert "Traceback" not in done.stderr
