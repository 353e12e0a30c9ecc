"""Results that come late, in words."""

from collections.abc import Mapping
from typing import Any


def late_warning(agent: Mapping[str, Any]) -> str:
    """How late results are, where an image waits for longer than it may; else empty."""
    return f"results {agent['waits_s']:.0f} s late" if agent.get("results_late") else ""
