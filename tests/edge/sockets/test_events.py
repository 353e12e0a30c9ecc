"""The socket that views listen on: docs/watch-protocol.md, and no view ever slows the agent."""

import base64
import socket
import time
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.protocol.agent import AgentState, ModelInfo
from edge.protocol.row import PENDING, SCORED, ShownRow
from edge.sockets.events import EventHub, socket_address
from tests.edge.conftest import MakeImage
from tests.edge.running import RunningAgent, listen, wait_for
from tests.synth.dicom import Patient

AGENT, MODEL = ({field.name for field in fields(kind)} for kind in (AgentState, ModelInfo))
VIEW_ROW = {field.name for field in fields(ShownRow)}


def test_a_view_hears_of_a_scan_from_pending_to_scored(agent: RunningAgent, image: MakeImage) -> None:
    messages = listen(agent.data)
    snapshot = next(messages)
    assert snapshot["event"] == "snapshot" and snapshot["rows"] == []
    assert set(snapshot["agent"]) == AGENT and set(snapshot["model"]) == MODEL
    assert snapshot["agent"]["state"] == "ready" and snapshot["agent"]["latency_p50_ms"] is None
    assert snapshot["model"]["test_only"] is True and snapshot["model"]["threshold_note"]

    agent.send(image(1, patient=Patient(name="SYNTHETIC^ANNA", id="SYN-7")))
    rows = []
    for message in messages:
        if message["event"] == "row":
            rows.append(message["row"])
            if rows[-1]["state"] == SCORED:
                break
    assert all(set(row) == VIEW_ROW for row in rows)
    assert [row["state"] for row in rows] == [PENDING, PENDING, SCORED]
    assert (rows[0]["patient_name"], rows[0]["study_instance_uid"]) == ("", None)
    assert (rows[1]["patient_name"], rows[1]["patient_id"]) == ("SYNTHETIC^ANNA", "SYN-7")
    assert rows[1]["study_instance_uid"] and rows[1]["preview"] is None

    preview = rows[-1]["preview"]
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(preview["png"]), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (preview["height"], preview["width"], 3) and preview["width"] <= 320
    assert preview["outline"] and all(len(polygon) >= 3 for polygon in preview["outline"])
    for polygon in preview["outline"]:
        assert all(0 <= x < preview["width"] and 0 <= y < preview["height"] for x, y in polygon)

    heartbeat = next(message for message in messages if message["event"] == "heartbeat")
    assert heartbeat["agent"]["received"] == 1 and heartbeat["agent"]["latency_p50_ms"] > 0


def test_the_preview_shows_the_frame_and_outlines_the_lesion(agent: RunningAgent, image: MakeImage) -> None:
    from tests.synth.scans import make_frame

    truth = make_frame(1)
    agent.send(image(1))
    agent.results(1)
    preview = next(listen(agent.data))["rows"][-1]["preview"]
    size = (preview["width"], preview["height"])
    outlined = cv2.fillPoly(np.zeros(size[::-1], np.uint8), [np.array(p) for p in preview["outline"]], 1) > 0
    lesion = cv2.resize(truth.lesion.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    assert (outlined & lesion).sum() > 0.3 * (outlined | lesion).sum()
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(preview["png"]), np.uint8), cv2.IMREAD_COLOR)
    expected = cv2.resize(truth.pixels, size, interpolation=cv2.INTER_AREA)[..., ::-1]
    assert np.abs(picture.astype(int) - expected).mean() < 1


def test_a_snapshot_has_the_newest_rows_and_one_preview(agent: RunningAgent, image: MakeImage) -> None:
    agent.send(*(image(seed) for seed in range(1, 5)))
    results = agent.results(4)
    rows = next(listen(agent.data))["rows"]
    assert [row["sop_instance_uid"] for row in rows] == [row["sop_instance_uid"] for row in results]
    assert [row["preview"] is not None for row in rows] == [False, False, False, True]


def test_a_view_that_never_reads_is_dropped_and_slows_nothing(agent: RunningAgent, image: MakeImage) -> None:
    files = [image(seed) for seed in range(1, 4)]
    agent.send(files[0])
    agent.results(1)
    stopped = [socket.socket(socket.AF_UNIX) for _ in range(5)]
    for one in stopped:
        with socket_address(agent.data) as address:
            one.connect(address)
    agent.send(*files[1:])
    latencies = [row["latency_ms"] for row in agent.results(3)]
    assert max(latencies[1:]) < 5_000
    assert agent.health()["state"] == "ready"
    for one in stopped:
        one.close()


def test_a_full_queue_drops_its_viewer_alone(tmp_path: Path) -> None:
    hub = EventHub(tmp_path, lambda: {"event": "snapshot"}, lambda: {"event": "heartbeat"})
    hub.start()
    with socket.socket(socket.AF_UNIX) as dead:
        with socket_address(tmp_path) as address:
            dead.connect(address)
        good = listen(tmp_path)
        assert next(good) == {"event": "snapshot"}
        message = {"event": "row", "filling": "x" * 100_000}
        start = time.monotonic()
        for number in range(600):
            hub.publish({**message, "number": number})
            heard = next(m for m in good if m["event"] == "row")
            assert heard["number"] == number
        assert time.monotonic() - start < 30
        dead.settimeout(10)
        received = 0
        while chunk := dead.recv(1 << 20):
            received += len(chunk)
        assert received < 600 * 100_000  # it was cut off on the way
    hub.close()


def test_a_socket_in_a_deep_folder_works(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 20) / ("deeper" * 20)
    data.mkdir(parents=True)
    hub = EventHub(data, lambda: {"event": "snapshot"}, lambda: {"event": "heartbeat"})
    hub.start()
    messages = listen(data)
    assert [next(messages)["event"], next(messages)["event"]] == ["snapshot", "heartbeat"]
    hub.close()


@pytest.mark.parametrize("gone", ["at once", "after the snapshot"])
def test_views_come_and_go(gone: str, agent: RunningAgent, image: MakeImage) -> None:
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as view:
            with socket_address(agent.data) as address:
                view.connect(address)
            if gone == "after the snapshot":
                view.recv(100)
    agent.send(image(1))
    agent.results(1)
    wait_for(lambda: agent.health()["queue"] == 0, "an empty queue")
    assert oct((agent.data / "watch.sock").stat().st_mode & 0o777) == "0o600"
