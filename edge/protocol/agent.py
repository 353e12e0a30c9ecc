"""How the agent is, as views and `edge status --json` get it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelName:
    """A model in use; `digest` is its bundle's."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True)
class ModelInfo(ModelName):
    """A model that gives risks.

    Attributes:
        threshold: risk from which a slide counts as above the threshold, 0 to 1.
        threshold_note: what to know about it.
        clinical_inputs: names of the clinical facts that it asks for.
        test_only: it is made for tests; its risks mean nothing.
        research_use: the sentence that every view shows.
    """

    trained_on: str
    intended_use: str
    threshold: float
    threshold_note: str | None
    clinical_inputs: tuple[str, ...]
    test_only: bool
    research_use: str


@dataclass(frozen=True)
class ScannerState:
    """A scanner of the settings, and what the receiver saw of it since it started.

    Attributes:
        last_seen_at: as a time of a row; None before.
        last_title, last_address: of its last association; empty before.
    """

    name: str
    addresses: tuple[str, ...] = ()
    ae_title: str = ""
    silent_after_h: float = 0.0
    last_seen_at: str | None = None
    last_title: str = ""
    last_address: str = ""
    associations: int = 0
    images: int = 0


@dataclass(frozen=True)
class RefusedPeer:
    """A peer that was refused for one reason."""

    who: str
    address: str
    title: str
    why: str
    count: int = 0
    last_at: str = ""


@dataclass(frozen=True)
class DiskState:
    """The room on the disk of the data folder.

    Attributes:
        disk_free_mb: None where that can't be told.
        disk_limit_mb: with less nothing is received.
        disk_images: how many more images there is room for; None before the first was received.
        disk_low: whether that is little.
    """

    disk_free_mb: int | None
    disk_limit_mb: int
    disk_images: int | None
    disk_low: bool


@dataclass(frozen=True)
class AgentState(DiskState):
    """The keys of docs/watch-protocol.md, where each is explained. Times are as in a row."""

    ae_title: str
    host: str
    port: int
    started_at: str
    state: str
    runtime: str | None
    precision: str | None
    runtime_note: str | None
    queue: int
    waits_s: float | None
    results_late: bool
    received: int
    last_received_at: str | None
    last_contact_at: str | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    time: str
    models: tuple[ModelName, ...] = ()
    scanners: tuple[ScannerState, ...] = ()
    refused: tuple[RefusedPeer, ...] = ()
    remarks: tuple[str, ...] = ()
