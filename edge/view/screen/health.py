"""How the agent is, and which model it runs, in a line each."""

from datetime import datetime

from rich.text import Text

from edge.view.agent.messages import Agent, Model
from edge.view.agent.state import View
from edge.view.screen.moment import clock
from edge.view.screen.style import NOTICE, QUIET
from edge.view.screen.verdict import age

_REMARKS = 2


def health(view: View, now: datetime, width: int) -> Text:
    """State, what to know, queue, latency, disk, last contact with the scanner; shorter where need be."""
    agent = view.agent
    if agent is None or not view.in_contact:
        since = f" since {clock(view.heard_at, now)}" if view.heard_at else ""
        return Text(f" ✗ Agent: no contact{since}", style=NOTICE)
    ready = agent.state == "ready"
    line = Text.assemble((" ● " if ready else " ✗ ", "" if ready else NOTICE), f"Agent {agent.state}")
    if agent.precision:
        line.append(f" · {agent.precision}", style=NOTICE)
    if agent.fallback:
        line.append(f" · fallback to {agent.fallback}", style=NOTICE)
    low = disk_low(agent).replace("disk low", "DISK LOW")
    if agent.late:
        line.append(f" · {agent.late.upper()}", style=NOTICE)
    for brief in (False, True):
        whole = line.copy()
        if low:
            whole.append(f" · {low.partition(';')[0] if brief else low}", style=NOTICE)
        whole.append("".join(f" · {part}" for part in _figures(agent, now, brief, bool(low))))
        if whole.cell_len <= width:
            break
    return Text.assemble(
        whole,
        f" · {agent.fallback_why}" * bool(agent.fallback),
        f" · {agent.received} received · {agent.address}",
    )


def disk_low(agent: Agent) -> str:
    """What to know while there still is room; when there is none, the state says so."""
    return "" if agent.state.startswith("not receiving") else agent.disk_low


def contact(agent: Agent, now: datetime, brief: bool = False) -> str:
    """When the last image came; beside it when the scanner was last heard of, where that was later."""
    image = agent.last_received_at
    said = f"{'last ' * (not brief)}image {age(image, now)}" if image else "no image yet"
    if agent.last_contact_at and (image is None or age(agent.last_contact_at, now) != age(image, now)):
        said += f", {'scanner' if brief else 'scanner heard of'} {age(agent.last_contact_at, now)}"
    return said


def _figures(agent: Agent, now: datetime, brief: bool, low: bool) -> list[str]:
    p50, p95 = agent.latency_p50_ms, agent.latency_p95_ms
    latency = "" if p50 is None or p95 is None else f"{p50:.0f} ms, p95 {p95:.0f} ms"
    free = f"disk {agent.disk}" if agent.disk and not low else ""
    parts = [f"{agent.queue} waiting", latency, free, contact(agent, now, brief)]
    if brief:
        parts[1:3] = latency.removesuffix(" ms"), free.removesuffix(" free")
    return [part for part in parts if part]


def attention(view: View) -> list[Text]:
    """What people should see beside the state: settings not taken over, who was refused, who is silent."""
    agent = view.agent
    told = agent.remarks if agent and view.in_contact else ()
    return [Text(f" ! {remark}", style=NOTICE) for remark in told[:_REMARKS]]


def scanners(view: View, now: datetime) -> list[Text]:
    """When each scanner was last seen, in a line; nothing where there is but one."""
    agent = view.agent
    if agent is None or not view.in_contact or len(agent.scanners) < 2:
        return []
    told = (f"{name} {age(seen, now) if seen else 'not seen yet'}" for name, seen in agent.scanners)
    return [Text(f"   Scanners: {' · '.join(told)}", style=QUIET)]


def about(model: Model | None) -> Text:
    """Which model the risks come from, and what it was trained on."""
    if model is None:
        return Text(" ")  # rich takes a text without characters for none at all
    return Text(f"Model {model.name} · {model.digest[:12]} · {model.trained_on}", style=QUIET)
