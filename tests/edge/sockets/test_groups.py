"""Who reaches the sockets: the agent's user, and the members of two groups, each what is theirs alone."""

import contextlib
import grp
import itertools
import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.sockets.control import Control, ask
from edge.sockets.events import EventHub
from edge.sockets.listening import WATCH, let_through, socket_address
from edge.sockets.requests import answer
from edge.storage.index import NAME
from edge.view.agent.feed import follow
from scanside.errors import SettingError
from tests.edge.storage.folder import Folder, days_ago

STRANGER = 65534
pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user to try it")
WATCHERS, WRITERS = grp.getgrgid(1), grp.getgrgid(2)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder in one that everybody may pass."""
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        (Path(outer) / "data").mkdir(mode=0o700)
        yield Path(outer) / "data"


@contextlib.contextmanager
def agent(data: Path, watchers: str | None, writers: str | None) -> Iterator[Folder]:
    """What of an agent listens."""
    folder = Folder(data)
    folder.add("a", "ID-1", "1.1", days_ago(0))
    let_through(data, watchers, writers)
    hub = EventHub(data, lambda: {"event": "snapshot"}, lambda: {"event": "heartbeat"}, group=watchers)
    control = Control(data, partial(answer, folder.custody), writers)
    hub.start()
    control.start()
    try:
        yield folder
    finally:
        hub.close()
        control.close()
        folder.store.close()


def as_member(group: grp.struct_group | None, act: Callable[[], Any]) -> Any:
    """What `act` returns in a process of another user, who is a member of `group`."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(group.gr_gid if group else STRANGER)
            os.setuid(STRANGER)
            said = json.dumps(act())
        except BaseException as error:
            said = json.dumps(f"{type(error).__name__}: {error}")
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return json.loads(said)


def watches(data: Path) -> str:
    with socket.socket(socket.AF_UNIX) as view:
        view.settimeout(10)
        with socket_address(data) as address:
            view.connect(address)
        return str(json.loads(view.makefile().readline())["event"])


def asks(data: Path, **request: Any) -> Any:
    try:
        return ask(data, request, 10)
    except SettingError as refused:
        return str(refused)


ENTRY = {"do": "enter", "study": "1.1", "patient": "ID-1", "by": "Dr. Who", "instance": "1.2.1.a", "frame": 1}
PURGE = {"do": "purge", "patient": "ID-1", "study": None, "by": "x", "dry": False}


@pytest.mark.parametrize("deep", [False, True])
def test_two_groups_reach_what_is_theirs(deep: bool, data: Path) -> None:
    if deep:
        data = data / ("deep" * 25)
        data.mkdir(mode=0o700)
        data.parent.chmod(0o711)
    with agent(data, WATCHERS.gr_name, WRITERS.gr_name) as folder:
        assert as_member(WATCHERS, lambda: watches(data)) == "snapshot"
        assert "Permission denied" in as_member(WATCHERS, lambda: asks(data, **ENTRY, side="left"))
        assert "Permission" in as_member(WRITERS, lambda: watches(data))
        done = as_member(WRITERS, lambda: asks(data, **ENTRY, side="left"))
        assert set(done["study"]["sides"]) == {"left"}
        for request in (
            PURGE,
            {"do": "status"},
            {"do": "drop", "name": "a", "by": "x"},
            {"do": "quarantine"},
        ):
            refused = as_member(WRITERS, lambda request=request: asks(data, **request))
            assert refused == "only the agent's user may ask for this."
        (entry,) = folder.custody.desk.of(None, None)
        assert entry.account not in ("", "root") and folder.rows()["a"]["side"] == "left"
        for path in (data / "spool", data / NAME, data / "journal.jsonl", data / "audit"):
            assert "Permission" in as_member(WRITERS, lambda path=path: os.open(path, os.O_RDONLY))
        assert "Permission" in as_member(WATCHERS, lambda: os.open(data, os.O_RDONLY))


def test_a_view_of_another_account_is_told_that_it_may_not(data: Path) -> None:
    def views() -> str:
        try:
            return str(list(itertools.islice(follow(data), 20)))
        except SettingError as refused:
            return str(refused)

    with agent(data, WATCHERS.gr_name, None):
        said = as_member(None, views)
    assert said == f"{data / WATCH}: Permission denied. Be the agent's user, or of its watch_group."


def test_one_group_passes_and_nobody_else(data: Path) -> None:
    with agent(data, WATCHERS.gr_name, None):
        assert stat.S_IMODE(data.stat().st_mode) == 0o710
        assert as_member(WATCHERS, lambda: watches(data)) == "snapshot"
        assert "Permission" in as_member(None, lambda: watches(data))
        assert "Permission" in as_member(None, lambda: (data / NAME).stat().st_size)
        assert "Permission denied" in as_member(WATCHERS, lambda: asks(data, **ENTRY, side="left"))


def test_without_groups_all_is_closed_again(data: Path) -> None:
    let_through(data, WATCHERS.gr_name, WRITERS.gr_name)
    assert stat.S_IMODE(data.stat().st_mode) == 0o711
    with agent(data, None, None):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        for group in (WATCHERS, WRITERS, None):
            assert "Permission" in as_member(group, lambda: watches(data))
        modes = [stat.S_IMODE((data / name).stat().st_mode) for name in ("watch.sock", "control.sock")]
        assert modes == [0o600, 0o600]


def test_a_group_that_is_not_there(data: Path) -> None:
    with pytest.raises(SettingError, match="no group 'nobody-knows-it'"):
        let_through(data, "nobody-knows-it", None)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_group_that_is_not_the_agents_own(data: Path) -> None:
    os.chown(data, STRANGER, STRANGER)

    def start() -> str:
        try:
            let_through(data, WATCHERS.gr_name)
        except SettingError as error:
            return str(error)
        return "let through"

    assert "a member of it" in as_member(None, start)


def test_who_asks_piece_by_piece_holds_up_nobody(data: Path) -> None:
    with agent(data, None, None):
        slow = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        for one in slow:
            with socket_address(data, "control.sock") as address:
                one.connect(address)
            one.sendall(b'{"do"')
        assert ask(data, {"do": "quarantine"}, 4) == {"notes": []}
        for one in slow:
            one.close()


def test_one_account_leaves_room_for_others(data: Path) -> None:
    def many() -> tuple[int, str]:
        """How many views of one account are let in; and whether another's is, beside them."""
        with contextlib.ExitStack() as open_views:
            let_in = 0
            for _ in range(70):
                view = open_views.enter_context(socket.socket(socket.AF_UNIX))
                view.settimeout(10)
                with socket_address(data) as address:
                    view.connect(address)
                let_in += bool(view.makefile().readline())
            os.write(started, b".")
            os.read(waiting, 1)
            return let_in, "done"

    hold, waiting_end = os.pipe(), os.pipe()
    waiting, started = waiting_end[0], hold[1]
    with agent(data, WATCHERS.gr_name, None):
        child = os.fork()
        if child == 0:
            try:
                os._exit(as_member(WATCHERS, many)[0])
            except BaseException:
                os._exit(255)
        os.read(hold[0], 1)
        assert watches(data) == "snapshot"
        os.write(waiting_end[1], b".")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 32


def test_one_account_can_neither_keep_others_from_entering_nor_fill_the_journal(data: Path) -> None:
    def many() -> list[list[str]]:
        """What a member is told who first holds connections open, then enters all the time."""
        with contextlib.ExitStack() as held:
            slow = [held.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(20)]
            for one in slow:
                with socket_address(data, "control.sock") as address:
                    one.connect(address)
            heard = [json.loads(one.makefile().readline())["error"] for one in slow[16:]]
            os.write(holds[1], b".")
            os.read(go_on[0], 1)
        time.sleep(0.5)  # until their places are free
        return [heard, [str(asks(data, **ENTRY, side=("left", "right")[n % 2])) for n in range(70)]]

    holds, go_on = os.pipe(), os.pipe()
    with agent(data, None, WRITERS.gr_name) as folder:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, json.dumps(as_member(WRITERS, many)).encode())
            os._exit(0)
        os.close(writing)
        os.read(holds[0], 1)
        assert ask(data, {"do": "quarantine"}, 4) == {"notes": []}
        os.write(go_on[1], b".")
        with os.fdopen(reading) as stream:
            held, entered = json.loads(stream.read())
        os.waitpid(child, 0)
        assert held == ["too many requests at a time. Ask again in a moment."] * 4
        refused = [
            said for said in entered if said.startswith("more than 60 requests of this account in 60 s")
        ]
        taken = len(entered) - len(refused)
        assert taken == 60 - 20 and entered[taken:] == refused
        assert len(folder.custody.desk.of(None, None)) == taken  # each that was answered, and no other
        assert set(ask(data, {**ENTRY, "side": "left"}, 4)) == {"study"}  # who owns the folder
