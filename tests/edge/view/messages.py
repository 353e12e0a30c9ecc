"""Messages as the agent writes them (docs/watch-protocol.md), to render the live view from."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import cv2
import numpy as np
from rich.console import Console, ConsoleDimensions

from edge.view.agent.state import View
from edge.view.focus.focus import Focus
from edge.view.screen.screen import screen

NOW = datetime(2026, 3, 4, 10, 42, 13, tzinfo=timezone.utc)
THRESHOLD = 0.38
Message = dict[str, Any]

AGENT: Message = {
    "state": "ready", "ae_title": "SCANSIDE", "host": "127.0.0.1", "port": 11112, "queue": 0, "received": 7,
    "runtime": "ONNX Runtime 1.23.2, CPU", "precision": None, "runtime_note": None,
    "latency_p50_ms": 143.2, "latency_p95_ms": 201.0, "last_received_at": NOW.isoformat(),
    "started_at": NOW.isoformat(), "time": NOW.isoformat(), "last_contact_at": NOW.isoformat(),
    "disk_free_mb": 42_000, "disk_limit_mb": 256, "disk_images": 21_000, "disk_low": False,
    "waits_s": None, "results_late": False,
}  # fmt: skip
MODEL: Message = {
    "name": "ovary-net", "version": "0.1.0", "digest": "a1b2c3d4e5f6" + 52 * "0",
    "trained_on": "1000 training images", "intended_use": "research", "threshold": THRESHOLD,
    "threshold_note": "", "clinical_inputs": [], "test_only": False, "research_use": "",
}  # fmt: skip


def row(number: int = 1, **changes: Any) -> Message:
    """A scored row; its number says when it was received."""
    moment = NOW + timedelta(seconds=number)
    received, made = moment.isoformat(), (moment.astimezone() - timedelta(minutes=1)).replace(tzinfo=None)
    return {
        "sop_instance_uid": f"1.2.{number}", "study_instance_uid": "1.2", "frame": 1, "state": "scored",
        "risk": 0.81, "risk_if": {}, "threshold": 0.38, "above_threshold": True, "reason": None,
        "class_probabilities": {"serous cystadenoma": 0.19, "carcinoma": 0.81}, "flags": [],
        "found_by": "contour", "distance": 1.0, "timings_ms": {}, "bundle_digest": MODEL["digest"],
        "model": "ovary-net 0.1.0", "received_at": received, "assessed_at": received, "latency_ms": 143.2,
        "patient_name": "DOE^JANE", "patient_id": "42", "preview": None,
        "study_date": f"{made:%Y-%m-%d}", "study_time": f"{made:%H:%M:%S}", "acquired_at": made.isoformat(),
    } | changes  # fmt: skip


def unscored(number: int, state: str, reason: str | None = None, **changes: Any) -> Message:
    """A row without a risk: pending, not_scored or failed."""
    nothing: Message = {"risk": None, "above_threshold": None, "class_probabilities": {}, "state": state}
    ended = {"assessed_at": None, "latency_ms": None} if state == "pending" else {}
    return row(number, **nothing, reason=reason, **ended, **changes)


def preview() -> Message:
    """A bright frame of 320 x 240 px with a dark left half; the outline is a rectangle in the middle."""
    pixels = np.full((240, 320), 255, np.uint8)
    pixels[:, :160] = 0
    png = cv2.imencode(".png", pixels)[1].tobytes()
    corners = [[100, 80], [220, 80], [220, 160], [100, 160]]
    return {"png": base64.b64encode(png).decode(), "width": 320, "height": 240, "outline": [corners]}


def figures(**changes: Any) -> Message:
    """The figures of a study of two slides on one side of the threshold."""
    return {
        "highest": 0.81, "highest_slide": ["1.2.1", 1], "mean": 0.8, "vote": "above", "agreement": 1.0,
        "above_threshold": 2, "slides": 2, "discordant": False, "left_out": 0, "disputed": 0,
    } | changes  # fmt: skip


def fact(value: str = "unknown", source: str | None = None, used: bool = True) -> Message:
    return {"value": value, "source": source, "used": used}


def study(**changes: Any) -> Message:
    """A study that is final."""
    return {
        "study_instance_uid": "1.2", "patient_id": "42", "state": "final", "why": None,
        "facts": {"menopausal_status": fact()}, "risk": figures(), "sides": {}, "digest": MODEL["digest"],
    } | changes  # fmt: skip


def exam(number: int = 8) -> View:
    """A study of `number` slides of all kinds, one of them left out, one disputed, and an earlier study."""
    earlier = [
        row(n - 100, study_instance_uid="0", patient_id="7", patient_name="ROE^ANN", risk=0.04)
        for n in range(3)
    ]
    risks = (0.05, 0.81, 0.0, 0.3799, 0.64, 0.02, 0.5, 0.44)
    slides = [
        row(n, risk=risks[(n - 1) % 8], above_threshold=risks[(n - 1) % 8] >= 0.38)
        for n in range(1, number + 1)
    ]
    slides[0] |= {"side": "left", "left_out": True, "left_out_reason": "poor image"}
    slides[1] |= {"side": "right", "lesion": 1, "disputed": "wrong outline"}
    slides[2] = unscored(3, "not_scored", "unlike the training data")
    slides[-2] |= {"superseded": True}
    slides[-1] |= {"preview": preview(), "flags": ["colour in the scan, scored as grey"], "lesion": 2}
    whole = {"highest": 0.81, "highest_slide": ["1.2.2", 1], "mean": 0.465, "vote": "above"}
    whole |= {"agreement": 0.667, "above_threshold": 4, "slides": 6, "discordant": True}
    right = figures(highest_slide=["1.2.2", 1], mean=0.81, above_threshold=1, slides=1, disputed=1)
    last = [f"1.2.{number}", 1]
    second = figures(highest=0.44, highest_slide=last, mean=0.44, above_threshold=1, slides=1)
    told = study(
        state="provisional",
        why="images may follow",
        facts={"menopausal_status": fact("postmenopausal", "entered by anna at 10:43")},
        risk=figures(**whole, left_out=1, disputed=1),
        sides={"right": right},
        lesions={"1": {"sides": ["right"], "risk": right}, "2": {"sides": [], "risk": second}},
    )
    low = figures(
        highest=0.04, highest_slide=["1.2.-100", 1], mean=0.04, vote="below", above_threshold=0, slides=3
    )
    facts = {"menopausal_status": fact("premenopausal", "entered by anna at 10:30")}
    before = study(study_instance_uid="0", patient_id="7", facts=facts, risk=low)
    return view(*earlier, *slides, studies=[before, told])


def snapshot(
    *rows: Message,
    agent: Message | None = None,
    model: Message | None = None,
    studies: Sequence[Message] | None = None,
) -> Message:
    """Without `studies` as an agent of version 1 sends it."""
    about = {"agent": AGENT | (agent or {}), "model": MODEL | (model or {})}
    told = {} if studies is None else {"studies": list(studies)}
    return {"event": "snapshot", **about, "rows": list(rows), **told}


def view(*rows: Message, **about: Any) -> View:
    """The view after a snapshot with `rows`; `about` as of `snapshot`."""
    return View().heard(snapshot(*rows, **about), NOW)


def rendered(
    shown: View,
    width: int = 80,
    height: int = 24,
    color: str | None = None,
    focus: Focus | None = None,
    now: datetime = NOW,
) -> list[str]:
    """The screen's lines; with escape sequences when `color` names a colour system."""
    plain = color is None
    console = Console(
        width=width,
        height=height,
        color_system=color,
        force_terminal=not plain,
        no_color=plain,
        _environ={},
    )
    with console.capture() as capture:
        size = ConsoleDimensions(width, height)
        console.print(screen(shown, now, size, focus or Focus()), height=height)
    return capture.get().splitlines()
