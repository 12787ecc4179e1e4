"""Times as the API writes them: in UTC, to the second, or for a MicroTime to the microsecond.

Years have four digits always, which `strftime` does not see to: a time before the year 1000 that
is written with fewer is one that no client can read, and with it no list that holds it.
"""

from __future__ import annotations

from datetime import UTC, datetime


def text(moment: datetime) -> str:
    """A time to the second: `2026-01-31T12:00:00Z`.

    Raises:
        OverflowError: It lies outside of the years 1 to 9999.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def micro(moment: datetime) -> str:
    """A time to the microsecond: `2026-01-31T12:00:00.000000Z`.

    Raises:
        OverflowError: It lies outside of the years 1 to 9999.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment(text: str) -> datetime:
    """The time that a text tells; its letters may be small ones.

    Raises:
        ValueError: It tells none.
    """
    return datetime.fromisoformat(text.upper())
