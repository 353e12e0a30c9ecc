"""How the agent is, and which model it runs, in a line each."""

from datetime import datetime

from rich.text import Text

from edge.view.agent.messages import Model
from edge.view.agent.state import View
from edge.view.screen.style import NOTICE, QUIET
from edge.view.screen.verdict import age


def health(view: View, now: datetime) -> Text:
    """State, queue, latency as median and 95th percentile, last contact with the scanner."""
    agent = view.agent
    if agent is None or not view.in_contact:
        since = f" since {view.heard_at:%H:%M:%S}" if view.heard_at else ""
        return Text(f" ✗ Agent: no contact{since}", style=NOTICE)
    ready = agent.state == "ready"
    line = Text.assemble((" ● " if ready else " ✗ ", "" if ready else NOTICE), f"Agent {agent.state}")
    if agent.precision:
        line.append(f" · {agent.precision}", style=NOTICE)
    if agent.fallback:
        line.append(f" · fallback to {agent.fallback}", style=NOTICE)
    line.append(f" · {agent.queue} waiting")
    if agent.latency_p50_ms is not None and agent.latency_p95_ms is not None:
        line.append(f" · {agent.latency_p50_ms:.0f} ms, p95 {agent.latency_p95_ms:.0f} ms")
    last = f"last image {age(agent.last_received_at, now)}" if agent.last_received_at else "no image yet"
    line.append(f" · {last} · {agent.received} received · {agent.address}")
    if agent.fallback:
        line.append(f" · {agent.fallback_why}")
    return line


def about(model: Model | None) -> Text:
    """Which model the risks come from, and what it was trained on."""
    if model is None:
        return Text(" ")  # rich takes a text without characters for none at all
    return Text(f"Model {model.name} · {model.digest[:12]} · {model.trained_on}", style=QUIET)
