"""Times as the screen writes them: local, and with the date where that is not today's."""

from datetime import datetime


def clock(then: datetime, now: datetime) -> str:
    """The time of day; before it the date where that is another than the date of `now`."""
    same = then.astimezone().date() == now.astimezone().date()
    return f"{then:%H:%M:%S}" if same else f"{date(then)} {then:%H:%M:%S}"


def date(then: datetime) -> str:
    """The date as "30 Nov 2025"."""
    return f"{then.day} {then:%b %Y}"
