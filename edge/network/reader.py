"""Reads exact numbers of bytes from a socket before a deadline, with few calls to the system."""

import socket
import time

_BUFFER_BYTES = 1 << 18  # two of the PDUs that are asked for
# Most senders hold the end of a message back until what they sent before is acknowledged (RFC 896), and the
# system would wait 40 ms with that in case an answer could go with it. Linux forgets this again by itself.
_ACK_AT_ONCE = getattr(socket, "TCP_QUICKACK", None)


class Reader:
    """A buffer before a connected socket, plain or TLS."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer, self._start, self._end = bytearray(_BUFFER_BYTES), 0, 0

    @property
    def buffered(self) -> bool:
        """Whether bytes were received that nobody has read yet."""
        return self._end > self._start

    def read(self, length: int, deadline: float) -> memoryview:
        """Exactly `length` bytes, valid until the next call.

        Raises:
            OSError: the connection ended, or `deadline` (monotonic) passed first.
        """
        while self._end - self._start < length:
            self._fill(length, deadline)
        view = memoryview(self._buffer)[self._start : self._start + length]
        self._start += length
        return view

    def drop(self) -> None:
        """Forget what nobody has read."""
        self._start = self._end = 0

    def _fill(self, length: int, deadline: float) -> None:
        """Receive what is there, with room for `length` bytes."""
        held = self._end - self._start
        if self._start + length > len(self._buffer):
            rest = self._buffer[self._start : self._end]
            if length > len(self._buffer):
                self._buffer = bytearray(length)
            self._buffer[:held] = rest
            self._start, self._end = 0, held
        self._connection.settimeout(max(0.001, deadline - time.monotonic()))
        if _ACK_AT_ONCE is not None:
            self._connection.setsockopt(socket.IPPROTO_TCP, _ACK_AT_ONCE, 1)
        count = self._connection.recv_into(memoryview(self._buffer)[self._end :])
        if not count:
            raise OSError("the peer closed the connection" + (" within a PDU" if held else ""))
        self._end += count
