"""The agent's log on stderr: for people, for journald, or as JSON.

Verbosity, as `--v` sets it: 0 tells what an operator needs; 2 every step and why; 4 also every
call on the container runtime with how long it took; 6 also what the libraries say.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from staticlet.aio import logfields
from staticlet.app import logformat
from staticlet.config.settings import Settings

STEPS = 2
CALLS = 4
LIBRARIES = 6
CALLS_LOGGER = "staticlet.runtime.cri.calls"


def set_up(settings: Settings) -> None:
    """Log to stderr as the settings say; may be called again when they have changed."""
    form = logformat.choose(
        settings.log_format,
        tty=sys.stderr.isatty(),
        journal=_is_journal(sys.stderr, os.environ),
        colour=not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(logformat.formatter(form))
    handler.addFilter(logfields.Stamp())
    logging.getLogger().handlers[:] = [handler]
    for name, level in levels(settings.verbosity).items():
        logging.getLogger(name).setLevel(level)


def levels(verbosity: int) -> Mapping[str, int]:
    """The level of each logger that has one of its own; the root's is under the empty name."""

    def debug_from(least: int) -> int:
        return logging.DEBUG if verbosity >= least else logging.INFO

    return {
        "": debug_from(LIBRARIES),
        "staticlet": debug_from(STEPS),
        CALLS_LOGGER: debug_from(CALLS),
    }


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; a terminal that was closed or a full disk is no reason to fail or to tell."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        """Do nothing: there is nowhere left to say that nothing can be said."""


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream goes to the journal: systemd names its device and inode."""
    named = environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"
