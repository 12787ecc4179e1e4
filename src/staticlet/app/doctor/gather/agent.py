"""The agent of this root directory: whether one runs, and what it says of itself."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from staticlet.app.doctor import facts
from staticlet.app.doctor.gather import leftovers
from staticlet.config.settings import Settings
from staticlet.host import processes

SOCKET_NAME = "staticlet.sock"
ANSWER_S = 1.0


def look(settings: Settings) -> facts.Agent:
    """The agent of this root directory, as far as it answers."""
    path = settings.socket or settings.root_dir / SOCKET_NAME
    known = facts.Agent(
        socket=str(path),
        socket_exists=os.access(path, os.F_OK),
        holder=processes.lock_holder(settings.root_dir / leftovers.LOCK_NAME),
    )
    try:
        version, pid, pods = _asked(path)
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as fault:
        words = fault.strerror if isinstance(fault, OSError) else ""
        return replace(known, fault=(words or str(fault) or "it hangs").lower())
    holder = known.holder or pid
    return replace(known, holder=holder, answers=True, version=version, pods=pods)


def _asked(path: Path) -> tuple[str, int, int]:
    """Its version, its pid as the kernel says, and how many pods it has."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
        raw.settimeout(ANSWER_S)
        raw.connect(os.fspath(path))
        pid, _, _ = struct.unpack("3i", raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        talk = http.client.HTTPConnection("localhost", timeout=ANSWER_S)
        talk.sock = raw
        version = _get(talk, "/version").get("version", "")
        pods = len(_get(talk, "/pods")["items"])
    return str(version), pid, pods


def _get(talk: http.client.HTTPConnection, what: str) -> Mapping[str, Any]:
    """One answer; empty for what this version of the agent does not know."""
    talk.request("GET", what)
    reply = talk.getresponse()
    body = reply.read()
    if reply.status != http.client.OK:
        return {}
    value: Mapping[str, Any] = json.loads(body)
    return value
