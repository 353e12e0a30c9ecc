"""A storage SCP in a process of its own: the agent's receiver alone, or a bare one to compare its speed."""

import contextlib
import json
import logging
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pynetdicom import AE

HOST = "127.0.0.1"
AGENT, BARE = "agent", "bare"
VERIFICATION = "1.2.840.10008.1.1"


class RunningScp:
    """The process; use `running`."""

    def __init__(
        self, kind: str, folder: Path, settings: dict[str, Any], environment: dict[str, str]
    ) -> None:
        self.spool, self._log = folder / "spool", folder / "scp.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.edge.network.scp", kind, str(folder), json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment or None,
            )
        assert self.process.stdout is not None
        port = self.process.stdout.readline()
        assert port, self.log
        self.port = int(port)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def resident_bytes(self, peak: bool = False) -> int:
        """Its resident memory now, or at most so far (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (kilobytes,) = re.findall(rf"{'VmHWM' if peak else 'VmRSS'}:\s*(\d+) kB", status)
        return int(kilobytes) << 10

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def echo_s(self, patience_s: float, tls: ssl.SSLContext | None = None) -> float | None:
        """Seconds to a C-ECHO's success, from connecting on; None when there is none in time."""
        took: list[float] = []

        def echo() -> None:
            began = time.monotonic()
            ae = AE("CHECK")
            ae.add_requested_context(VERIFICATION)
            ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = patience_s
            association = ae.associate(
                HOST, self.port, ae_title="SCANSIDE", tls_args=(tls, "localhost") if tls else None
            )
            if association.is_established:
                if association.send_c_echo().get("Status") == 0:
                    took.append(time.monotonic() - began)
                association.release()

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        thread.join(patience_s)
        return took[0] if took else None


@contextlib.contextmanager
def running(
    kind: str, folder: Path, environment: dict[str, str] | None = None, **settings: Any
) -> Iterator[RunningScp]:
    """Start an SCP of a kind on `folder`, with `settings` of the agent; it is killed at the end."""
    scp = RunningScp(kind, folder, settings, environment or {})
    try:
        yield scp
    finally:
        scp.process.kill()
        scp.process.wait()


def _serve_bare(settings: Any) -> int:
    """Serve by pynetdicom's own server, which forgets what it receives; its port."""
    from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

    ae = AE(settings.ae_title)
    ae.maximum_pdu_size = settings.max_pdu_bytes
    ae.add_supported_context(VERIFICATION)
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
    handlers = [(evt.EVT_C_STORE, lambda _: 0)]
    server = ae.start_server((settings.host, 0), block=False, evt_handlers=handlers)
    assert server is not None
    return int(server.server_address[1])


def _serve_agent(folder: Path, settings: Any) -> int:
    from edge.network.receive import Receiver
    from edge.storage.spool import Spool

    return Receiver(settings, Spool(folder / "spool"), lambda _: None).port


def main() -> None:
    from edge.scanners import read_scanners
    from edge.settings import Settings

    kind, folder, given = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    values = {
        name: Path(value)
        if name.startswith("tls_")
        else read_scanners(value, name)
        if name == "scanners"
        else tuple(value)
        if isinstance(value, list)
        else value
        for name, value in given.items()
    }
    settings = Settings(**{"port": 0, **values})
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    port = _serve_agent(folder, settings) if kind == AGENT else _serve_bare(settings)
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
