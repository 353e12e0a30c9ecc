"""Results that come late, in words."""

from edge.protocol.agent import AgentState


def late_warning(agent: AgentState) -> str:
    """How late results are, where an image waits for longer than it may; else empty."""
    return f"results {agent.waits_s:.0f} s late" if agent.results_late else ""
