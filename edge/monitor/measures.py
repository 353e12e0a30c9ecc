"""Prometheus metrics: how long each stage takes, as histograms, and what `edge status` says, as gauges.

The text format is simple and the edge's set of dependencies small: these lines replace a package.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edge.protocol.row import PENDING, Row
from edge.storage.spool import Spooled
from scanside.errors import SettingError

HOST = "127.0.0.1"
_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """Counts of durations up to each bound, as Prometheus has them."""

    def __init__(self) -> None:
        self._counts = [0] * len(_BOUNDS_S)
        self._count, self._sum_s = 0, 0.0

    def add(self, seconds: float) -> None:
        for number, bound in enumerate(_BOUNDS_S):
            self._counts[number] += seconds <= bound
        self._count += 1
        self._sum_s += seconds

    def lines(self, name: str, label: str) -> Iterator[str]:
        for bound, count in zip(_BOUNDS_S, self._counts, strict=True):
            yield f'{name}_bucket{{{label},le="{bound:g}"}} {count}'
        yield f'{name}_bucket{{{label},le="+Inf"}} {self._count}'
        yield f"{name}_sum{{{label}}} {self._sum_s:.6f}"
        yield f"{name}_count{{{label}}} {self._count}"


class Measures:
    """What has been measured since the agent started. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, Histogram] = {}
        self._received = 0
        self._results: dict[str, int] = {}

    def received(self, spooled: Spooled) -> None:
        with self._lock:
            self._received += 1
            if spooled.receive_ms is not None:
                self._add("receive", spooled.receive_ms)

    def result(self, row: Row) -> None:
        """A row that changed; one that is pending is no result."""
        if row.state == PENDING:
            return
        with self._lock:
            self._results[row.state] = self._results.get(row.state, 0) + 1
            for stage, milliseconds in row.timings_ms.items():
                self._add(stage, milliseconds)
            if row.latency_ms is not None:
                self._add("total", row.latency_ms)

    def exposition(self, status: dict[str, Any]) -> str:
        """The text that Prometheus reads (exposition format 0.0.4); `status` as of `edge status --json`."""
        agent = status["agent"]
        lines = [
            *_head("scanside_ready", "gauge", "1 when images are received and scored."),
            f"scanside_ready {int(agent['state'] == 'ready')}",
            *_head("scanside_queue_jobs", "gauge", "Headers to read and frames to score."),
            f"scanside_queue_jobs {agent['queue']}",
            *_head("scanside_disk_free_bytes", "gauge", "Room on the disk of the data folder."),
            f"scanside_disk_free_bytes {status['disk_free_bytes']}",
            *_head("scanside_quarantined_instances", "gauge", "Instances in quarantine."),
            f"scanside_quarantined_instances {status['quarantined']}",
            *_head("scanside_rows", "gauge", "Rows of the index by state."),
            *(f'scanside_rows{{state="{state}"}} {count}' for state, count in sorted(status["rows"].items())),
            *_head("scanside_restarts_total", "counter", "How often a process was started again."),
            *(
                f'scanside_restarts_total{{process="{name}"}} {max(0, process["restarts"])}'
                for name, process in sorted(status["processes"].items())
                if isinstance(process, dict)
            ),
            *_head(
                "scanside_refused_total", "counter", "Connections and associations not let in, by reason."
            ),
            *(
                f'scanside_refused_total{{reason="{reason}"}} {count}'
                for reason, count in sorted(
                    status["processes"].get("receiver", {}).get("refused", {}).items()
                )
            ),
        ]
        with self._lock:
            lines += [
                *_head("scanside_received_instances_total", "counter", "Instances received."),
                f"scanside_received_instances_total {self._received}",
                *_head("scanside_results_total", "counter", "Results by state."),
                *(f'scanside_results_total{{state="{s}"}} {n}' for s, n in sorted(self._results.items())),
                *_head(
                    "scanside_stage_seconds", "histogram", "Duration by stage; total: received to stored."
                ),
            ]
            for stage, histogram in sorted(self._stages.items()):
                lines += histogram.lines("scanside_stage_seconds", f'stage="{stage}"')
        return "\n".join(lines) + "\n"

    def _add(self, stage: str, milliseconds: float) -> None:
        self._stages.setdefault(stage, Histogram()).add(milliseconds / 1e3)


class MetricsServer:
    """Answers GET /metrics on this machine alone.

    Raises:
        SettingError: the port can't be used.
    """

    def __init__(self, port: int, metrics: Callable[[], str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0

            def do_GET(self) -> None:
                body = metrics().encode() if self.path == "/metrics" else b"see /metrics\n"
                self.send_response(200 if self.path == "/metrics" else 404)
                self.send_header("Content-Type", _CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                logging.getLogger(__name__).debug(format, *args)

        try:
            self._server = ThreadingHTTPServer((HOST, port), Handler)
        except OSError as error:
            raise SettingError(f"metrics_port: can't listen on {HOST} port {port}: {error}.") from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
