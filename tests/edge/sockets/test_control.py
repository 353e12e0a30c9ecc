"""The socket that commands ask on: it answers again after what it could not answer."""

import os
import resource
import socket
import time
from pathlib import Path

import pytest

from edge.sockets.control import NAME, Control
from edge.sockets.listening import socket_address
from edge.sockets.requests import answer
from scanside.errors import SettingError
from tests.edge.running import edge
from tests.edge.storage.folder import Folder


def test_answers_again_after_the_descriptors_ran_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(tmp_path, lambda request, _account: {"said": request["do"]})
    control.start()
    monkeypatch.chdir(tmp_path)  # an address short enough for any folder
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        spare = os.dup(0)
        os.close(spare)
        resource.setrlimit(resource.RLIMIT_NOFILE, (spare, before[1]))
        try:
            first.connect(NAME)
            time.sleep(0.2)  # the descriptor for it was there; for the next one there is none
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for asking in (first, second):
            asking.settimeout(10)
            if asking is second:
                asking.connect(NAME)
            asking.sendall(b'{"do": "status"}\n')
            assert b'"said": "status"' in asking.recv(4096)
    control.close()


@pytest.mark.parametrize("line", [b'{"do": "enter", "study": "\\ud800"}', b"[" * 9000, b"\xff", b"NaN"])
def test_what_nothing_could_keep_is_refused_before_it_is_heard(tmp_path: Path, line: bytes) -> None:
    control = Control(tmp_path, lambda _request, _account: pytest.fail("it was heard"))
    control.start()
    with socket.socket(socket.AF_UNIX) as asking, socket_address(tmp_path, NAME) as address:
        asking.connect(address)
        asking.sendall(line + b"\n")
        assert b"a request is a JSON object" in asking.recv(4096)
    control.close()


@pytest.mark.parametrize("command", [["purge", "--patient"], ["rescore", "--study"]])
def test_an_argument_that_is_no_unicode_is_refused_in_words(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "spool").mkdir()
    done = edge(*command, "M\udcfcller", "--data", tmp_path, "--yes")
    assert done.returncode == 1 and "an argument is not UTF-8" in done.stderr


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_beyond_the_calendar_is_no_time(tmp_path: Path, at: str) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(SettingError, match="does not know this request"):
        answer(folder.custody, {"do": "rescore", "dry": True, "since": at}, "somebody")
