"""The socket that commands ask on: it answers again after what it could not answer."""

import os
import resource
import socket
import time
from pathlib import Path

import pytest

from edge.sockets.control import NAME, Control


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
