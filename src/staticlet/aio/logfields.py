"""What a task works on, so that every line it logs says so.

A task binds fields once (`bind(pod="default/web")`); they hold for it, for the tasks and threads
it starts, and for nobody else. Lines are written as ever: `Stamp`, a filter of the log's handler,
puts the fields on each record. A field that the line itself gives by `extra=` counts more.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Mapping

_BOUND: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar("log fields")


def bind(**fields: str) -> None:
    """Add fields to all that the current task logs from now on."""
    _BOUND.set({**bound(), **fields})


def bound() -> Mapping[str, str]:
    """The fields of the current task."""
    return _BOUND.get({})


class Stamp(logging.Filter):
    """Puts the fields of the task that logs on its records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Stamp the record; every record passes."""
        for name, value in bound().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True
