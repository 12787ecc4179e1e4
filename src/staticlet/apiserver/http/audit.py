"""The audit log: who asked for what, when, and what came of it; a line of JSON a request.

The lines are Events of audit.k8s.io/v1 at the level Metadata, at the stage ResponseComplete; a
watch is written when it ends.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from staticlet.apiserver import calls
from staticlet.kube import rfc3339

log = logging.getLogger(__name__)

LONGEST_URI = 4096
_WITHHELD = "not written here: it may quote the body"


class AuditFault(Exception):
    """The audit log cannot be written; the text says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that has been answered.

    Attributes:
        id: The request's own id.
        uri: Path and query as they came.
        target: What it was about; None when that could not be read.
        user: Who asked, before impersonation; None when that was not found out.
        acting: Who the user acts as; None for himself.
        source: The address that it came from.
        agent: The client's User-Agent.
        code: The HTTP status of the answer.
        reason: The reason of a Status that refused it.
        message: Its message.
        allowed: What authorization decided; None when it was not asked.
        received: When the request came.
        finished: When it was answered.
    """

    id: str
    uri: str
    target: calls.Target | None
    user: calls.User | None
    acting: calls.User | None
    source: str
    agent: str
    code: int
    reason: str
    message: str
    allowed: bool | None
    received: datetime
    finished: datetime


def event(entry: Entry) -> dict[str, Any]:
    """The Event of an entry."""
    made: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": entry.id,
        "stage": "ResponseComplete",
        "requestURI": _readable(entry.uri[:LONGEST_URI]),
        "verb": entry.target.verb if entry.target else "",
        "user": entry.user.info() if entry.user else {},
        "impersonatedUser": entry.acting.info() if entry.acting else None,
        "sourceIPs": [entry.source],
        "userAgent": _readable(entry.agent),
        "objectRef": _reference(entry.target),
        "responseStatus": _status(entry),
        "requestReceivedTimestamp": rfc3339.micro(entry.received),
        "stageTimestamp": rfc3339.micro(entry.finished),
    }
    if entry.allowed is not None:
        decision = "allow" if entry.allowed else "forbid"
        made["annotations"] = {"authorization.k8s.io/decision": decision}
    return {name: value for name, value in made.items() if value is not None}


def _readable(text: str) -> str:
    """Text of a client, whose bytes may be no UTF-8: those came through as surrogates."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _reference(target: calls.Target | None) -> dict[str, str] | None:
    if target is None or not target.is_resource:
        return None
    named = {
        "resource": target.resource,
        "namespace": target.namespace,
        "name": target.name,
        "apiGroup": target.group,
        "apiVersion": target.version,
        "subresource": target.subresource,
    }
    return {name: value for name, value in named.items() if value}


def _status(entry: Entry) -> dict[str, Any]:
    status: dict[str, Any] = {"metadata": {}}
    if entry.code >= 400:
        message = _WITHHELD if _confidential(entry) else entry.message
        status |= {"status": "Failure", "message": message, "reason": entry.reason}
    status["code"] = entry.code
    return {name: value for name, value in status.items() if value != ""}


def _confidential(entry: Entry) -> bool:
    """Whether a refusal may quote a body that holds a secret."""
    target = entry.target
    secret = target is not None and target.resource in ("secrets", "tokenreviews")
    return secret and entry.code in (400, 422)


class File:
    """The log's file, appended to; one that is renamed away is followed by `reopen`."""

    def __init__(self, path: Path) -> None:
        """Open the file, mode 0600.

        Raises:
            AuditFault: It cannot be opened.
        """
        self._path = path
        self._told = False
        self._torn = False
        self._file = _opened(path)

    def write(self, entry: Entry) -> None:
        """Append an entry; a disk that takes none is told of once, and requests go on."""
        line = msgspec.json.encode(event(entry)) + b"\n"
        if self._torn:
            line = b"\n" + line  # what was cut off shall not spoil this one too
        try:
            self._torn = os.write(self._file, line) < len(line)
        except OSError as fault:
            if not self._told:
                log.error(  # noqa: TRY400  it says it
                    "cannot write the audit log %s: %s; requests go on without it",
                    self._path,
                    fault.strerror,
                )
            self._told = True
        else:
            self._told = False

    def reopen(self) -> None:
        """Go on in a new file of the same name, after the old one was moved away."""
        try:
            fresh = _opened(self._path)
        except AuditFault as fault:
            log.error("%s; going on in the old file", fault)  # noqa: TRY400  it says it
            return
        os.close(self._file)
        self._file = fresh
        self._torn = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise AuditFault(f"cannot write the audit log {path}: {fault.strerror}") from fault
