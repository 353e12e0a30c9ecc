"""What systemd is told of the agent (sd_notify)."""

import contextlib
import os
import socket

_WAIT_S = 1.0  # where systemd has many messages to read


class Systemd:
    """The socket NOTIFY_SOCKET, where there is one; without it nothing happens.

    Attributes:
        beat_s: how often systemd's watchdog wants to hear "WATCHDOG=1"; None when it does not.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")  # not for the children
        watchdog_us = os.environ.pop("WATCHDOG_USEC", "")
        self.beat_s = int(watchdog_us) / 2e6 if self._address and watchdog_us.isdigit() else None

    def tell(self, *states: str) -> None:
        """Send "READY=1", "STOPPING=1", "STATUS=..." or "WATCHDOG=1"; systemd may be gone."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_systemd:
            to_systemd.settimeout(_WAIT_S)
            to_systemd.sendto("\n".join(states).encode(), address)
