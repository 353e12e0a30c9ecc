"""What is acknowledged is on the disk, it came there in bounded memory, and a full disk is said in time."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pynetdicom.dsutils import create_file_meta

from edge.network.streaming import DataSetStream
from edge.sockets.requests import running
from edge.storage.reading import read_rows
from edge.storage.spool import Spool
from edge.storage.store import Store
from scanside.errors import ScansideError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import HOST, RunningAgent, edge, listen, wait_for
from tests.edge.storage.received import receive
from tests.outside import needs_tools, require_tool

MB = 1 << 20
FRAME_BYTES = 1024 * 768 * 3

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc (Linux)")


def _cine(template: Path, path: Path, frames: int) -> Path:
    """A raw RGB cine of 1024 x 768 pixels; 60 frames are 142 MB."""
    dataset = pydicom.dcmread(template)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = 768, 1024, frames
    noise = np.random.default_rng(frames).integers(0, 256, FRAME_BYTES, dtype=np.uint8).tobytes()
    dataset.PixelData = noise * frames
    dataset.save_as(path)
    return path


def _storescu(agent: RunningAgent, path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [require_tool("storescu"), "-v", "-R", "-xe", "-aec", "SCANSIDE", HOST, str(agent.port), path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _peak_bytes(pid: int) -> int:
    (kilobytes,) = re.findall(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) << 10


def _arriving(agent: RunningAgent) -> list[Path]:
    """What is arriving, and not what the agent writes there to try the disk."""
    return [path for path in (agent.data / "spool" / "incoming").iterdir() if path.name != "check.part"]


def _parts(agent: RunningAgent) -> list[Path]:
    return [path for path in (agent.data / "spool" / "incoming").iterdir() if path.stat().st_size > MB]


@pytest.mark.parametrize("frames", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_four_raw_cines_at_once_take_no_memory(
    frames: int, agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    """12 frames are 28 MB, so four whole in memory are 113 MB; 60 are 142 MB, so four are 566 MB."""
    cines = [_cine(image(1), tmp_path / f"{number}.dcm", frames) for number in range(4)]
    before = _peak_bytes(agent.pid("receiver"))
    senders = [_storescu(agent, cine) for cine in cines]
    assert [sender.wait(120) for sender in senders] == [0] * 4
    peak = _peak_bytes(agent.pid("receiver"))
    assert peak - before < 28 * MB and peak < 200 * MB
    stored = [pydicom.dcmread(path) for path in (agent.data / "spool").glob("*.dcm")]
    assert {dataset.SOPInstanceUID for dataset in stored} == {
        pydicom.dcmread(cine, stop_before_pixels=True).SOPInstanceUID for cine in cines
    }
    sent = pydicom.dcmread(cines[0]).PixelData
    assert all(dataset.PixelData == sent for dataset in stored)
    assert not _arriving(agent)


def test_what_a_killed_sender_began_is_removed(agent: RunningAgent, image: MakeImage, tmp_path: Path) -> None:
    sender = _storescu(agent, _cine(image(1), tmp_path / "cine.dcm", 60))
    (part,) = wait_for(lambda: _parts(agent), "a part of the cine in the spool")
    sender.kill()
    sender.wait()
    wait_for(lambda: not part.exists(), "its removal")
    assert agent.results() == [] and not list((agent.data / "spool").glob("*.dcm"))


def test_what_a_killed_agent_had_begun_is_removed_at_its_start(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    sender = _storescu(agent, _cine(image(1), tmp_path / "cine.dcm", 60))
    (part,) = wait_for(lambda: _parts(agent), "a part of the cine in the spool")
    agent.kill()
    sender.wait(60)
    assert part.exists() and sender.returncode != 0
    agent.start()
    assert not part.exists() and agent.results() == []


def test_the_stream_takes_the_place_of_pynetdicoms_buffer() -> None:
    """What edge/network/streaming.py relies on: messages have a `data_set` to write to, passed on."""
    from pynetdicom.dimse_messages import C_STORE_RQ
    from pynetdicom.dimse_primitives import C_STORE

    request = C_STORE()
    request.MessageID, request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = 1, "1.2", "1.3"
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    stream = DataSetStream(message, None, None)  # type: ignore[arg-type]  # nothing is written
    message.data_set = stream
    assert message.message_to_primitive().DataSet is stream


@needs_tools("storescu", "strace")
def test_success_is_said_after_write_sync_rename_and_sync_of_the_folder(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    calls = "trace=openat,write,pwrite64,fsync,rename,renameat,renameat2,sendto"
    tracer = subprocess.Popen(
        [require_tool("strace"), "-f", "-y", "-e", calls, "-o", trace, "-p", str(agent.pid("receiver"))],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    if "attached" not in (said := tracer.stderr.readline()):
        pytest.skip(f"strace may not attach here: {said.strip()}")
    sender = _storescu(agent, image(1))
    assert sender.wait(60) == 0
    tracer.send_signal(signal.SIGINT)
    tracer.communicate(timeout=60)
    steps = [step for line in trace.read_text().splitlines() if (step := _step(line, agent.data))]
    merged = [step for before, step in zip(["", *steps], steps, strict=False) if step != before]
    # The first answer accepts the association, the last one its release.
    assert merged == ["answer", "write", "fsync", "rename", "fsync folder", "answer"]


def _step(line: str, data: Path) -> str | None:
    """What a line of the trace does to the spool or says to the sender; the receiver's own check is none."""
    spool = re.escape(str(data / "spool"))
    steps = {
        rf"write\(\d+<{spool}/incoming/[0-9a-f]{{32}}\.part>": "write",
        rf"fsync\(\d+<{spool}/incoming/[0-9a-f]{{32}}\.part>": "fsync",
        rf"rename\w*\(.*\"{spool}/incoming/[0-9a-f]{{32}}\.part\", .*\"{spool}/\w+\.dcm\"": "rename",
        rf"fsync\(\d+<{spool}>": "fsync folder",
        r"sendto\(\d+<(?:TCP|socket)": "answer",
    }
    return next((step for pattern, step in steps.items() if re.search(pattern, line)), None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 48 MB, where the first agent's data will lie."""
    folder = tmp_path / "agent-0"
    folder.mkdir()
    _mount(folder, "size=48m")
    yield folder
    _unmount(folder)


def _mount(folder: Path, options: str) -> None:
    """Put a file system in memory over a folder, or skip the test where that is not allowed."""
    command = [require_tool("mount"), "-t", "tmpfs", "-o", options, "none", folder]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")


def _remount(folder: Path, options: str) -> None:
    subprocess.run([require_tool("mount"), "-o", f"remount,{options}", folder], check=True)


def _unmount(folder: Path) -> None:
    subprocess.run([require_tool("umount"), "--lazy", folder], check=True)


def test_a_disk_nearly_full_is_said_before_it_is_full_and_passes_by_itself(
    small_disk: Path, start_agent: StartAgent, image: MakeImage, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("min_free_mb = 16\n")
    agent = start_agent("--config", str(config))
    cine, small = _cine(image(1), tmp_path / "cine.dcm", 12), image(2)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(8 * MB))

    refused = _storescu(agent, cine)  # 28 MB find 40, of which 16 are to stay free
    assert b"OutOfResources" in refused.communicate(timeout=60)[0]
    assert not _arriving(agent) and agent.results() == []
    assert agent.health()["state"] == "ready"

    filler.write_bytes(bytes(36 * MB))
    assert agent.health()["state"].startswith("not receiving: the disk is nearly full")
    refused = _storescu(agent, small)
    assert b"OutOfResources" in refused.communicate(timeout=60)[0]
    assert agent.results() == [] and shutil.disk_usage(small_disk).free > 8 * MB

    filler.unlink()
    assert agent.health()["state"] == "ready"
    assert [_storescu(agent, path).wait(60) for path in (small, cine)] == [0, 0]
    assert len(agent.results(6)) == 6


def test_a_disk_out_of_file_numbers_is_said_too(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    _mount(folder, "size=8m,nr_inodes=1004")
    try:
        problem = Spool(folder / "spool").nearly_full()
        assert problem == "the disk is nearly full: it has room for 999 files more"
        _remount(folder, "nr_inodes=2000")
        assert Spool(folder / "spool").nearly_full() is None
    finally:
        _unmount(folder)


def test_a_read_only_disk_is_said_and_passes_by_itself(
    small_disk: Path, start_agent: StartAgent, image: MakeImage
) -> None:
    agent = start_agent("--config", str(_config(small_disk.parent)))
    spool = agent.data / "spool"
    assert agent.stop() == 0
    _mount(spool, "size=8m,mode=700")
    try:
        agent.start()
        _remount(spool, "ro")
        assert agent.health()["state"].startswith("not receiving: the disk is read-only")
        refused = _storescu(agent, image(1))
        assert b"OutOfResources" in refused.communicate(timeout=60)[0]
        _remount(spool, "rw")
        assert agent.health()["state"] == "ready"
        assert _storescu(agent, image(1)).wait(60) == 0
        assert len(agent.results(1)) == 1
    finally:
        agent.kill()
        _unmount(spool)


def _config(folder: Path) -> Path:
    path = folder / "edge.toml"
    path.write_text("min_free_mb = 1\n")
    return path


def test_times_of_receipt_never_go_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path)

    def receive(number: int, at: str) -> str:
        uids = {"sop_class_uid": "1.2", "sop_instance_uid": f"1.{number}"}
        meta = create_file_meta(**uids, transfer_syntax="1.2.840.10008.1.2")
        arrival = spool.begin(meta)
        arrival.write(bytes([number]))
        return spool.keep(arrival, at).received_at

    assert receive(1, "2026-05-01T00:00:00.000000+00:00") == "2026-05-01T00:00:00.000000+00:00"
    assert receive(2, "2026-01-01T00:00:00.000000+00:00") == "2026-05-01T00:00:00.000001+00:00"
    again = Spool(tmp_path)
    again.sweep()
    spool = again  # a receiver that was started anew
    assert receive(3, "2026-01-01T00:00:00.000000+00:00") == "2026-05-01T00:00:00.000002+00:00"
    assert receive(4, "2026-06-01T00:00:00.000000+00:00") == "2026-06-01T00:00:00.000000+00:00"
    found = [one.received_at for one in spool.read(spool.files())]
    assert found == sorted(found) and found[1].endswith("00.000001+00:00")


def test_an_agent_process_that_dies_on_a_full_disk_comes_up_and_serves_what_there_is(
    small_disk: Path, start_agent: StartAgent, image: MakeImage
) -> None:
    agent = start_agent("--config", str(_config(small_disk.parent)))
    agent.send(image(1))
    agent.results(1)
    filler = _filled(small_disk)
    before = agent.pid("agent")
    os.kill(before, signal.SIGKILL)
    status = wait_for(lambda: _status_of_another(agent, before), "a status of the next process", 60)
    assert status["agent"]["state"].startswith("not receiving: the disk is nearly full")
    assert any("the index can't be written" in warning for warning in status["warnings"])
    assert [row["state"] for row in next(listen(agent.data))["rows"]] == ["scored"]
    assert "Traceback" not in agent.log
    filler.unlink()
    wait_for(lambda: agent.health()["state"] == "ready", "an agent that is ready again")
    assert [sent.problem for sent in agent.send(image(2))] == [None]
    assert len(agent.results(2)) == 2
    assert not any("can't be written" in warning for warning in agent.status()["warnings"])


def test_an_agent_starts_on_a_full_disk_that_has_no_room_for_what_readers_of_the_index_share(
    small_disk: Path, start_agent: StartAgent, image: MakeImage
) -> None:
    """As after a restart of the machine: SQLite's -wal and -shm are made as the index is opened."""
    agent = start_agent("--config", str(_config(small_disk.parent)))
    agent.send(image(1))
    agent.results(1)
    assert agent.stop() == 0 and not (agent.data / "results.sqlite-shm").exists()
    filler = _filled(small_disk)
    agent.start(state="not receiving: the disk is nearly full")
    assert any("the index can't be written" in warning for warning in agent.status()["warnings"])
    assert [row["state"] for row in next(listen(agent.data))["rows"]] == ["scored"]
    read = edge("results", "--data", agent.data)
    assert read.returncode == 1 and "rebuild" not in read.stderr and "edge status" in read.stderr
    filler.unlink()
    wait_for(lambda: agent.health()["state"] == "ready", "an agent that is ready again")
    assert agent.send(image(2))[0].problem is None
    assert len(agent.results(2)) == 2  # other programs read the index again
    assert "Traceback" not in agent.log


def test_an_index_that_is_opened_alone_is_shared_again_with_what_was_written_meanwhile(
    small_disk: Path, image: MakeImage
) -> None:
    data = small_disk / "data"
    spool = Spool(data / "spool")
    with contextlib.closing(Store(data)) as store:
        assert not store.is_alone
    filler = _filled(small_disk)
    with contextlib.closing(Store(data)) as store:
        assert store.is_alone
        store.share()
        assert store.is_alone  # there is no more room than before
        filler.unlink()
        first = store.add(receive(spool, image(1)))
        store.share()
        assert not store.is_alone
        assert store.add(receive(spool, image(2))).receipt > first.receipt > 0
        assert len(read_rows(data)) == 2


def _filled(disk: Path) -> Path:
    """A file that takes all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while True:
            stream.write(bytes(4096))
    return filler


def _status_of_another(agent: RunningAgent, before: int | None) -> "dict[str, Any] | None":
    """The status once another agent process than `before` answers."""
    try:
        status = running(agent.data, 5.0)
    except ScansideError:
        return None
    return (
        status if status and status["processes"].get("agent", {}).get("pid") not in (None, before) else None
    )
