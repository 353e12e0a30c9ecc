"""A bar for what takes a while; nothing where no person watches."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

_T = TypeVar("_T")


def track(items: Iterable[_T], what: str) -> Iterable[_T]:
    """Yield `items`, one by one; the bar goes when they are through."""
    return rich_track(items, what, transient=True, disable=not Console().is_terminal)
