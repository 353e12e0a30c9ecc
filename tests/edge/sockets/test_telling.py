"""What a large study costs: its message is sent at once, and then in pauses as long as it takes to make."""

from pathlib import Path
from typing import Any

import pytest

from edge.entries.arrivals import Arrivals
from edge.sockets import telling
from edge.sockets.telling import Telling
from edge.storage.store import Store

STUDY = ("1.2.3", "P")


class Hub:
    """Keeps what it is given."""

    watched = True

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def publish(self, message: dict[str, Any]) -> None:
        self.messages.append(message)


def test_a_study_that_takes_long_to_read_is_told_of_in_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, state = [100.0], ["first"]
    hub, store = Hub(), Store(tmp_path)
    agent = Telling(hub, store, Arrivals(120.0))  # type: ignore[arg-type]

    def read(_study: object) -> dict[str, str]:
        clock[0] += 0.5
        return {"state": state[0]}

    monkeypatch.setattr(telling.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(agent, "_message", read)
    for state[0] in ("first", "second", "third"):
        agent.study(STUDY)
        agent.catch_up()
    assert [message["study"]["state"] for message in hub.messages] == ["first"]
    clock[0] += 10.1
    agent.catch_up()
    agent.catch_up()
    assert [message["study"]["state"] for message in hub.messages] == ["first", "third"]
    store.close()
