"""Bad input: a message that says what, where and what to do, or a reason; the agent goes on."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest

from edge.protocol.row import NOT_SCORED, SCORED
from scanside.model.bundle import DENOISER, MANIFEST, NETWORK, REFERENCE
from tests.edge.conftest import MakeImage, real_files
from tests.edge.running import RunningAgent, edge, wait_for
from tests.synth.bundle import make_bundle


def _assess(bundle: Path, *files: Path) -> tuple[int, Sequence[dict[str, object]], str]:
    done = edge("assess", *files, "--json", "--bundle", bundle, "--allow-test-bundle", cwd=bundle)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def _files(folder: Path, image: MakeImage) -> dict[str, Path]:
    """Files that can't be scored, by what their reason must say."""
    whole = image(1)
    text, empty, cut, header, blank = (
        folder / f"{n}.dcm" for n in ("text", "empty", "cut", "header", "blank")
    )
    text.write_text("Dear colleague")
    empty.touch()
    cut.write_bytes(whole.read_bytes()[:-50_000])
    dataset = pydicom.dcmread(whole)
    del dataset.PixelData
    dataset.save_as(header)
    dataset = pydicom.dcmread(whole)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(blank)
    (scan,) = real_files(["CT_small.dcm"])
    return {
        "is not a DICOM file": text,
        "no 'DICM' after the preamble": empty,
        "it is truncated": cut,
        "has no pixel data": header,
        "no scan found": blank,
        "not an ultrasound image: CT Image Storage": scan,
        "does not exist": folder / "nowhere.dcm",
    }


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.dcm")  # to open it is to wait for its writer
    return folder / "pipe.dcm"


def test_assess_says_why_and_goes_on(image: MakeImage, bundle: Path, tmp_path: Path) -> None:
    files = _files(tmp_path, image)
    good = image(2)
    code, rows, errors = _assess(bundle, *files.values(), good)
    assert code == 1
    assert [row["state"] for row in rows] == [NOT_SCORED] * len(files) + [SCORED]
    for (reason, path), row in zip(files.items(), rows, strict=False):
        assert reason in str(row["reason"]), path
        assert row["risk"] is None and row["risk_if"] == {} and row["above_threshold"] is None
    assert "text.dcm: the image is not a DICOM file" in errors and str(good) not in errors


def test_names_from_outside_cannot_steer_the_terminal(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "\x1b[2Jscan\u202e.dcm"
    path.write_text("no DICOM")
    for words in (["assess", path], ["assess", "--explain-preparation", path, "--out", tmp_path / "a.png"]):
        done = edge(*words, "--bundle", bundle, "--allow-test-bundle", cwd=bundle)
        assert done.returncode == 1 and "is not a DICOM file" in done.stderr
        assert not {"\x1b", "\u202e"} & set(done.stdout + done.stderr)


def test_assess_of_pixels_that_cannot_be_decoded(bundle: Path, tmp_path: Path) -> None:
    (whole,) = real_files(["examples_jpeg2k.dcm"])
    content = bytearray(whole.read_bytes())
    content[-100_000:-50] = bytes(100_000 - 50)
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(content)
    code, (row,), errors = _assess(bundle, damaged)
    assert code == 1 and row["state"] == NOT_SCORED
    assert "among its fragments: it is damaged" in str(row["reason"]) and str(row["reason"]) in errors


def test_assess_of_an_unscorable_image_is_a_result(image: MakeImage, bundle: Path, tmp_path: Path) -> None:
    blank = _files(tmp_path, image)["no scan found"]
    code, rows, _ = _assess(bundle, blank)
    assert code == 0 and rows[0]["state"] == NOT_SCORED
    assert rows[0]["found_by"] == "contour"


def test_pushed_bad_files_end_with_a_reason_and_the_agent_goes_on(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    files = _files(tmp_path, image)
    sendable = [files[key] for key in ("has no pixel data", "no scan found")]
    sendable += real_files(["CT_small.dcm"])
    alone = pydicom.dcmread(files["has no pixel data"])  # the first two are one instance
    alone.SOPInstanceUID = alone.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    alone.save_as(tmp_path / "alone.dcm")
    assert [sent.problem for sent in agent.send(*sendable, tmp_path / "alone.dcm")] == [None] * 4
    agent.send(image(2))
    rows = agent.results(4)
    assert "the image has no pixel data. Send the image, not only its header." in map(_reason, rows)
    states = {row["state"]: row["reason"] for row in rows}
    assert states.keys() == {NOT_SCORED, SCORED}
    assert all(row["reason"] for row in rows if row["state"] == NOT_SCORED)
    assert not any(".dcm" in _reason(row) for row in rows)  # in the spool a file is named by a hash


def _reason(row: dict[str, object]) -> str:
    return str(row["reason"])


def test_send_reports_each_file_and_fails(agent: RunningAgent, image: MakeImage, tmp_path: Path) -> None:
    files = _files(tmp_path, image)
    given = [files["is not a DICOM file"], files["does not exist"], _pipe(tmp_path), image(3)]
    done = edge("send", *given, "--port", agent.port, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "accepted" in done.stdout and len(done.stdout.splitlines()) == 1
    assert "text.dcm: not a DICOM file" in done.stderr and "No such file" in done.stderr
    assert "pipe.dcm: can't be read: it is not a file" in done.stderr
    assert edge("send", image(4), "--port", agent.port, cwd=tmp_path).returncode == 0


def test_send_to_nobody_says_so(image: MakeImage, tmp_path: Path) -> None:
    done = edge("send", image(1), "--port", _free_port(), cwd=tmp_path)
    assert done.returncode == 1 and "does not answer" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["nowhere.invalid", "fe80::1%none", f"{'a' * 64}.org"])
def test_send_to_a_name_that_nobody_has(host: str, image: MakeImage, tmp_path: Path) -> None:
    done = edge("send", image(1), "--host", host, cwd=tmp_path)
    assert done.returncode == 1 and f"host {host}: no machine" in done.stderr


@pytest.mark.parametrize("damage", ["missing", "altered", "incomplete", "no manifest", "for tests"])
def test_a_bad_bundle_is_refused(damage: str, bundle: Path, image: MakeImage, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    options = ["--bundle", str(copy), "--allow-test-bundle"]
    if damage == "missing":
        shutil.rmtree(copy)
    elif damage == "altered":
        content = bytearray((copy / NETWORK).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / NETWORK).write_bytes(content)
    elif damage == "incomplete":
        (copy / NETWORK).unlink()
    elif damage == "no manifest":
        (copy / MANIFEST).write_text("{")
    else:
        options.pop()
    done = edge("assess", image(1), *options, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("edge: ") and "bundle" in done.stderr and "Traceback" not in done.stderr


def test_with_a_damaged_bundle_images_are_received_and_none_is_scored(
    bundle: Path, image: MakeImage, tmp_path: Path
) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    (copy / NETWORK).unlink()
    agent = RunningAgent(tmp_path / "data", copy, state="not scoring")
    try:
        assert [sent.problem for sent in agent.send(image(1))] == [None]
        done = edge("health", "--data", agent.data)
        assert done.returncode == 1 and "not scoring: " in done.stderr and NETWORK in done.stderr
        wait_for(agent.results, "a row")
        assert [row["state"] for row in agent.results()] == ["pending"]
        shown = edge("watch", "--once", "--data", agent.data)
        assert shown.returncode == 0 and "NOT SCORING" in shown.stdout
        assert agent.stop() == 0
        shutil.copy(bundle / NETWORK, copy / NETWORK)
        agent.start()
        assert [row["state"] for row in agent.results(1)] == ["scored"]
    finally:
        agent.kill()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (DENOISER, "can't load the denoiser"),
        (REFERENCE, "reference.npz of the bundle can't be read"),
    ],
)
def test_a_bundle_that_was_damaged_before_its_digests_were_taken(
    name: str, message: str, image: MakeImage, tmp_path: Path
) -> None:
    """Its SHA-256 is right, so only the worker that opens it can tell: a wrong input all the same."""
    folder = make_bundle(tmp_path / "bundle", denoiser=True)
    damaged = (folder / name).read_bytes()[:-300]
    (folder / name).write_bytes(damaged)
    document = json.loads((folder / MANIFEST).read_text())
    document["files"][name] = hashlib.sha256(damaged).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(document))
    done = edge("assess", image(1), "--bundle", folder, "--allow-test-bundle", cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("edge: ") and message in done.stderr and "xport" in done.stderr


def test_with_trusted_keys_only_what_one_of_them_signed_is_loaded(
    bundle: Path, image: MakeImage, tmp_path: Path
) -> None:
    pytest.importorskip(
        "cryptography", reason="cryptography is not installed: pip install 'scanside[signing]'"
    )
    from export.pack import pack
    from export.sign import keygen, sign

    signed = tmp_path / "signed"
    shutil.copytree(bundle, signed)
    keygen(tmp_path / "ours.key")
    keygen(tmp_path / "theirs.key")
    sign(signed, tmp_path / "theirs.key")
    (tmp_path / "edge.toml").write_text("trusted_keys = ['ours.key.pub']\n")

    def assess(*options: object) -> "subprocess.CompletedProcess[str]":
        words = ["assess", image(1), "--config", "edge.toml", "--allow-test-bundle", *options]
        return edge(*map(str, words), cwd=tmp_path)

    for options, message in (
        (["--bundle", bundle], "is not signed, and trusted_keys is set"),
        (["--bundle", signed], "not among trusted_keys"),
        ([], "is not signed, and trusted_keys is set"),  # the installed one
    ):
        done = assess(*options)
        assert done.returncode == 1 and done.stderr.startswith("edge: ") and message in done.stderr
        assert "Traceback" not in done.stderr and done.stdout == ""
    sign(signed, tmp_path / "ours.key")
    pack(signed, tmp_path / "ours.zip")
    for path in (signed, tmp_path / "ours.zip"):
        done = assess("--bundle", path)
        assert done.returncode == 0, done.stderr
    (tmp_path / "edge.toml").write_text("trusted_keys = ['nowhere.pub']\n")
    done = assess("--bundle", signed)
    assert done.returncode == 1 and "trusted_keys: 'nowhere.pub' is neither" in done.stderr


def test_a_port_in_use_is_named(bundle: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        options = ["--data", tmp_path / "data", "--bundle", bundle, "--allow-test-bundle"]
        done = edge("serve", "--port", port, *options, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"port {port}" in done.stderr and "--port" in done.stderr


def test_an_unknown_setting_is_named(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("cine_frame = 3\n")
    done = edge("serve", "--config", "edge.toml", "--bundle", bundle, "--allow-test-bundle", cwd=tmp_path)
    assert done.returncode == 1
    assert "unknown setting 'cine_frame'. Did you mean 'cine_frames'?" in done.stderr


@pytest.mark.parametrize("kind", ["file", "below a file"])
def test_a_data_folder_that_is_none(kind: str, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = tmp_path / "file" if kind == "file" else tmp_path / "file" / "data"
    options = ["--port", "0", "--bundle", bundle, "--allow-test-bundle"]
    done = edge("serve", "--data", data, *options, cwd=tmp_path)
    assert done.returncode == 1 and str(data) in done.stderr and "Traceback" not in done.stderr


def test_results_without_or_with_a_damaged_store(tmp_path: Path) -> None:
    done = edge("results", "--data", tmp_path, "--json", cwd=tmp_path)
    assert done.returncode == 1 and "no results in" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "results.sqlite").write_bytes(b"this is no database" * 100)
    done = edge("results", "--data", tmp_path, "--json", cwd=tmp_path)
    assert done.returncode == 1 and "built anew from the spool" in done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
