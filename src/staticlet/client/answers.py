"""What an answer of a server means: an object, a refusal, or nothing that is an answer.

Pure. Whatever the bytes are, the outcome is an object or an `ApiFault`: proxies answer with HTML,
broken servers with anything at all. Words of the server are shown as they are, but short and
without control characters.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from staticlet.client import port

_LONGEST_WORDS = 2000
_LONGEST_LINE = 200

EVENT_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as HTTP has it.

    Attributes:
        server: Whose, for people.
        code: The status.
        media: The media type, lower case, without parameters.
        retry_after: The header of that name; empty when there is none.
        location: Likewise.
        body: The whole body.
    """

    server: str
    code: int
    media: str = ""
    retry_after: str = ""
    location: str = ""
    body: bytes = b""


def read(answer: Answer, *, credentials: str, decoded: port.Object | None = None) -> port.Object:
    """The object of an answer.

    Args:
        answer: The answer.
        credentials: Where the client's credentials are from, for people.
        decoded: Its body, where it was decoded before.

    Raises:
        Unreachable: It is none that an API server gives.
        Refused: It is a refusal.
    """
    if not 200 <= answer.code < 300:
        raise refusal(answer, credentials=credentials)
    if answer.media != "application/json":
        raise port.Unreachable(f"{answer.server}: answers with {_what(answer)}, not with JSON")
    found = _object(answer.body) if decoded is None else decoded
    if found is None:
        raise port.Unreachable(f"{answer.server}: answers with JSON that is broken or no object")
    if found.get("kind") == "Status" and found.get("status") == "Failure":
        raise of_status(found, answer.code)
    return found


def refusal(answer: Answer, *, credentials: str) -> port.ApiFault:
    """What an answer that grants nothing means."""
    if not 400 <= answer.code < 600:
        return port.Unreachable(f"{answer.server}: {_odd(answer)}")
    status = _object(answer.body) or {}
    if status.get("kind") != "Status":
        status = {}
    retry_after_s = _seconds(answer.retry_after)
    if answer.code == HTTPStatus.UNAUTHORIZED:
        words = f"401 Unauthorized: the credentials in {credentials} are not accepted"
        return port.Refused(401, _text(status, "reason") or "Unauthorized", words)
    if status:
        return of_status(status, answer.code, retry_after_s=retry_after_s)
    words = f"{answer.code} {_phrase(answer.code)}: {_told(answer)}"
    if answer.code == HTTPStatus.BAD_REQUEST and answer.server.startswith("http://"):
        words += ": should its URL begin with https://?"  # as Go answers HTTP on a port for TLS
    return port.Refused(answer.code, "", words, retry_after_s=retry_after_s)


def of_status(
    status: Mapping[str, Any], code: int, *, retry_after_s: float | None = None
) -> port.Refused:
    """The refusal that a Status tells.

    Args:
        status: The Status.
        code: Counts where the Status has none that is one.
        retry_after_s: What a header says, which counts more than the Status.
    """
    told = status.get("code")
    if type(told) is int and 400 <= told < 600:
        code = told
    details = status.get("details")
    if retry_after_s is None and isinstance(details, dict):
        after = details.get("retryAfterSeconds")
        retry_after_s = float(after) if type(after) is int and 0 < after < 1 << 31 else None
    reason = shown(_text(status, "reason"), _LONGEST_LINE)
    message = shown(_text(status, "message"), _LONGEST_WORDS)
    words = message or f"{code} {reason or _phrase(code)}"
    return port.Refused(code, reason, words, retry_after_s=retry_after_s)


def event(line: bytes, *, server: str) -> port.Event:
    """What a line of a watch tells.

    Raises:
        Unreachable: It is no event.
        Refused: It tells an error.
    """
    told = _object(line)
    thing = told.get("object") if told is not None else None
    if told is None or not isinstance(thing, dict):
        raise port.Unreachable(f"{server}: sends something that is no event in a watch")
    if told.get("type") == "ERROR":
        raise of_status(thing, HTTPStatus.INTERNAL_SERVER_ERROR)
    kind = told.get("type")
    if not isinstance(kind, str) or kind not in EVENT_TYPES:
        raise port.Unreachable(f"{server}: sends an event of a type that there is not in a watch")
    if not isinstance(thing.get("metadata"), dict):
        raise port.Unreachable(f"{server}: sends an event without an object in a watch")
    return port.Event(type=kind, object=thing)


def shown(text: str, longest: int = _LONGEST_LINE) -> str:
    """A foreign text for people: one line, and not too long."""
    line = "".join(one if one.isprintable() else " " for one in text[: 2 * longest])
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _seconds(text: str) -> float | None:
    """What a Retry-After says in seconds; dates, which no API server sends, say nothing."""
    text = text.strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "(a status that there is not)"


def _odd(answer: Answer) -> str:
    if 300 <= answer.code < 400:
        there = _place(answer.location)
        return f"redirects ({answer.code}){there}: is this the URL of an API server?"
    return f"answers with the status {answer.code}: is this the URL of an API server?"


def _place(location: str) -> str:
    """Where a redirect leads, without what may be secret in it."""
    try:
        url = urllib.parse.urlsplit(location)
        host = url.hostname
    except ValueError:
        host = None
    return f" to {shown(host)}" if host else ""


def _told(answer: Answer) -> str:
    if answer.media == "text/plain" and answer.body.strip():
        return shown(answer.body.decode(errors="replace"))
    return f"answers with {_what(answer)}"


def _what(answer: Answer) -> str:
    if not answer.body:
        return "nothing"
    if answer.media in ("text/html", "application/xhtml+xml"):
        return "an HTML page, as proxies and login pages do"
    return shown(answer.media) or "something without a media type"
