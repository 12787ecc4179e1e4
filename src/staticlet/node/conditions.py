"""The conditions of a Node, with the kubelet's reasons and words. Pure.

`lastHeartbeatTime` is when the status was computed; `lastTransitionTime` moves only when the
condition's status does, compared with what the API server has: a node controller that called us
unknown meanwhile counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from staticlet.kube import rfc3339
from staticlet.node import pressure

Object = dict[str, Any]

READY = "Ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Reason, message and event of a pressure condition, when it holds and when not."""

    under: tuple[str, str, str]
    free: tuple[str, str, str]


_PRESSURES: Mapping[str, _Words] = {
    pressure.MEMORY: _Words(
        under=(
            "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available",
            "NodeHasInsufficientMemory",
        ),
        free=(
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
            "NodeHasSufficientMemory",
        ),
    ),
    pressure.DISK: _Words(
        under=("KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure"),
        free=("KubeletHasNoDiskPressure", "kubelet has no disk pressure", "NodeHasNoDiskPressure"),
    ),
    pressure.PIDS: _Words(
        under=(
            "KubeletHasInsufficientPID",
            "kubelet has insufficient PID available",
            "NodeHasInsufficientPID",
        ),
        free=(
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available",
            "NodeHasSufficientPID",
        ),
    ),
}

TYPES = (*_PRESSURES, READY)
"""The conditions that are ours; a Node may have others, of other programs."""


def conditions(
    pressures: Iterable[str],
    troubles: Sequence[str],
    *,
    before: Mapping[str, Any],
    now: datetime,
) -> list[Object]:
    """The conditions as they are now.

    Args:
        pressures: The types of pressure that hold.
        troubles: Why the node is not ready; none when it is.
        before: The Node's status as the API server has it.
        now: The time.
    """
    held, known = set(pressures), by_type(before)
    made = []
    for kind, words in _PRESSURES.items():
        reason, message, _ = words.under if kind in held else words.free
        made.append((kind, "True" if kind in held else "False", reason, message))
    made.append(_ready(troubles))
    time = rfc3339.text(now)
    return [_condition(each, known.get(each[0]), time) for each in made]


def by_type(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """A status' conditions by their types."""
    listed = status.get("conditions")
    if not isinstance(listed, list):
        return {}
    return {str(one.get("type")): one for one in listed if isinstance(one, Mapping)}


def news(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The reasons of the events that tell what has changed between two statuses."""
    old, new = by_type(before), by_type(after)
    out = []
    for kind in TYPES:
        status = str(new.get(kind, {}).get("status", ""))
        if not status or status == old.get(kind, {}).get("status"):
            continue
        if kind == READY:
            out.append("NodeReady" if status == "True" else "NodeNotReady")
        else:
            words = _PRESSURES[kind]
            out.append((words.under if status == "True" else words.free)[2])
    return out


def _ready(troubles: Sequence[str]) -> tuple[str, str, str, str]:
    if not troubles:
        return READY, "True", "KubeletReady", "kubelet is posting ready status"
    message = troubles[0] if len(troubles) == 1 else f"[{', '.join(troubles)}]"
    return READY, "False", "KubeletNotReady", message


def _condition(
    made: tuple[str, str, str, str], before: Mapping[str, Any] | None, time: str
) -> Object:
    kind, status, reason, message = made
    since = time
    if before is not None and before.get("status") == status:
        since = before.get("lastTransitionTime") or time
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": time,
        "lastTransitionTime": since,
    }
