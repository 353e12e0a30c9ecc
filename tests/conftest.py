"""For all tests."""

import signal

import pytest

from tests.outside import summarise_missing

# What runs in the background ignores Ctrl-C, and so do its children: tests of it would test nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run with one line that says which programs would have let more of it run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # in a worker of xdist
        return
    skipped = [report.longrepr for report in reporter.stats.get("skipped", [])]
    line = summarise_missing(str(where[2]) for where in skipped if isinstance(where, tuple))
    if line:
        reporter.write_line(line)
