"""How a line of the log looks: on a terminal, in a file, in the journal, as JSON.

Texts of others (a registry's answer, a file's content) end up in messages. Whatever they hold, it
cannot steer the terminal or pass for a line of its own: control characters are spelled out, and
all lines but the first are indented.
"""

from __future__ import annotations

import enum
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

JSON = "json"


class Form(enum.Enum):
    """What reads the log."""

    TERMINAL = "terminal"
    COLOUR = "colour"
    PLAIN = "plain"
    JOURNAL = "journal"
    JSON = "json"


def choose(log_format: str, *, tty: bool, journal: bool, colour: bool) -> Form:
    """The form for a log.

    Args:
        log_format: `json` or `text`, as `--log-format` says it.
        tty: Whether it goes to a terminal.
        journal: Whether it goes to the systemd journal.
        colour: Whether a terminal may be given colours.
    """
    if log_format == JSON:
        return Form.JSON
    if journal:
        return Form.JOURNAL
    if tty:
        return Form.COLOUR if colour else Form.TERMINAL
    return Form.PLAIN


def formatter(form: Form) -> logging.Formatter:
    """What makes lines of records in this form."""
    match form:
        case Form.JSON:
            return Json()
        case Form.JOURNAL:
            return Journal()
        case Form.PLAIN:
            return Plain()
        case Form.TERMINAL:
            return Terminal(colour=False)
        case Form.COLOUR:
            return Terminal(colour=True)


class Plain(logging.Formatter):
    """A time in UTC, the level and the message: `2026-01-31T12:00:00.123Z INFO    …`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        at = datetime.fromtimestamp(record.created, UTC)
        when = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        return f"{when} {record.levelname:<7} {_indented(_text(self, record))}"


class Terminal(logging.Formatter):
    """The time of day here, the level, in colour if it may be, and the message."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        when = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = f"{record.levelname:<7}"
        if self._colour:
            level = f"\x1b[{_colour(record.levelno)}m{level}\x1b[0m"
        return f"{when} {level} {_indented(_text(self, record))}"


class Journal(logging.Formatter):
    """The priority before each line, as sd-daemon(3) has it; the journal knows time and rest."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        prefix = f"<{_priority(record.levelno)}>"
        lines = _indented(_text(self, record)).split("\n")
        return "\n".join(prefix + line for line in lines)


class Json(logging.Formatter):
    """One JSON object a line: ts, level, logger, msg, then the fields that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **fields(record),
        }
        line["ts"] = line["ts"].replace("+00:00", "Z")
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


_FIRST = ("pod", "container", "uid", "origin")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_RESERVED = frozenset({"ts", "level", "logger", "msg", "trace"})


def fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """What a record carries beside its message: given by `extra=` or bound by its task."""
    given = {
        name: value
        for name, value in vars(record).items()
        if name not in _OWN | _RESERVED and not name.startswith("_")
    }
    first = {name: given.pop(name) for name in _FIRST if name in given}
    return {**first, **dict(sorted(given.items()))}


def _text(made: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [record.getMessage()]
    if record.exc_info:
        parts.append(made.formatException(record.exc_info))
    return "\n".join(parts)


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _indented(text: str) -> str:
    return "\n".join(_lines(_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)))


def _lines(text: str) -> Iterator[str]:
    first, *rest = text.split("\n")
    yield first
    for line in rest:
        yield f"    {line}"


def _priority(level: int) -> int:
    """The syslog priority of a level."""
    if level >= logging.CRITICAL:
        return 2
    if level >= logging.ERROR:
        return 3
    if level >= logging.WARNING:
        return 4
    return 6 if level >= logging.INFO else 7


def _colour(level: int) -> str:
    """The terminal's colour of a level: red, yellow, green, grey."""
    if level >= logging.ERROR:
        return "31"
    if level >= logging.WARNING:
        return "33"
    return "32" if level >= logging.INFO else "90"
