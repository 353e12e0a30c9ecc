"""What is left on the disk of the data folder."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """What is left on it.

    Attributes:
        free_bytes: None where that can't be told.
        limit_bytes: with less than that nothing is taken.
        problem: why nothing is taken now, if so.
    """

    free_bytes: int | None = None
    limit_bytes: int = 0
    problem: str | None = None
