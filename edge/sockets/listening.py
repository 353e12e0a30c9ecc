"""A Unix socket in the data folder, and who may connect: the agent's user, or a group that a setting names.

The folder itself stays closed: a group's members may pass through it to a socket whose name they know, and
neither list it nor read anything else in it.
"""

import contextlib
import grp
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from scanside.errors import SettingError

WATCH = "watch.sock"
_MAX_ADDRESS_BYTES = 100  # of a Unix socket's address, whose limit is 104 to 108
_PASS = stat.S_IXGRP | stat.S_IXOTH


def listen_on(data: Path, name: str, group: str | None) -> socket.socket:
    """A listening socket; what a dead agent left in its place is removed.

    Args:
        data: the data folder, whose lock is held.
        group: whose members may connect too; None: the agent's user alone.

    Raises:
        SettingError: the socket can't be made, or there is no such group, or it is not the agent's user's.
    """
    path = data / name
    number = None if group is None else _number(group)
    listening = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(missing_ok=True)
        with socket_address(data, name) as address:
            listening.bind(address)
        if number is not None:
            os.chown(path, -1, number)
        path.chmod(0o600 if number is None else 0o660)
        listening.listen()  # from here on it answers; nobody could connect before its mode was right
    except PermissionError as error:
        listening.close()
        raise SettingError(
            f"{path} can't be given to the group {group}: {error.strerror}. "
            "Make the agent's user a member of it, then start the agent anew."
        ) from error
    except OSError as error:
        listening.close()
        raise SettingError(f"{path} can't be made: {error}. Use a shorter --data folder.") from error
    return listening


def let_through(data: Path, *groups: str | None) -> None:
    """Let the members of `groups` pass through the data folder, and nobody else where that can be said.

    A folder has one group: for two groups everybody may pass, which shows no more than that the names they
    know exist. Without any what was let through before is closed again.

    Raises:
        SettingError: there is no such group, or the folder can't be given to it.
    """
    numbers = {_number(group) for group in groups if group is not None}
    try:
        mode = stat.S_IMODE(data.stat().st_mode)
        if len(numbers) == 1:
            os.chown(data, -1, *numbers)
        wanted = {0: 0, 1: stat.S_IXGRP}.get(len(numbers), _PASS)
        if numbers or mode in (0o710, 0o711):
            data.chmod(0o700 | wanted)
    except OSError as error:
        raise SettingError(
            f"{data} can't be opened to the group {', '.join(filter(None, groups))}: {error.strerror}. "
            "Make the agent's user a member of it, then start the agent anew."
        ) from error


@contextlib.contextmanager
def socket_address(data: Path, name: str = WATCH) -> Iterator[str]:
    """What to bind or connect to; by way of the folder's descriptor (Linux) where the path is too long."""
    address = str(data / name)
    if len(os.fsencode(address)) <= _MAX_ADDRESS_BYTES:
        yield address
        return
    # Without reading the folder, where that can be said: who may only pass through it gets there too.
    folder = os.open(data, getattr(os, "O_PATH", os.O_RDONLY))
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)


def _number(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise SettingError(
            f"there is no group '{group}' on this machine. Make it, or correct the setting."
        ) from None


def uid_of(connection: socket.socket) -> int:
    """Whose process is at the other end, as the kernel says; without its word none but this one's user's."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", peer)[1])
