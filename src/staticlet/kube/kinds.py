"""Is it a Pod? And if not, what to tell whoever put it in a directory of manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from staticlet.kube.fieldpath import Path

_TEMPLATED = frozenset(
    (
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "PodTemplate",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    )
)
_LISTS = ("List", "PodList")
_NEARLY = frozenset(("pod", "pods"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with an object's kind and apiVersion.

    Attributes:
        is_pod: Whether to read on as a Pod: it is one, or was meant to be one.
        messages: Field and sentence of everything wrong.
    """

    is_pod: bool
    messages: tuple[tuple[Path, str], ...] = ()


def is_list(data: Any) -> bool:
    """Whether an object is a v1 `List` or `PodList`."""
    return isinstance(data, dict) and data.get("apiVersion") == "v1" and data.get("kind") in _LISTS


def fault(data: Any) -> Fault:
    """Look at kind and apiVersion; values of a wrong type are left to the schema check."""
    if not isinstance(data, dict):
        return Fault(is_pod=False, messages=(((), _not_a_map(data)),))
    kind, version = data.get("kind"), data.get("apiVersion")
    messages: list[tuple[Path, str]] = []
    if version in (None, ""):
        messages.append((("apiVersion",), 'Required value: write "apiVersion: v1"'))
    if kind in (None, ""):
        messages.append((("kind",), 'Required value: write "kind: Pod"'))
    elif isinstance(kind, str) and kind != "Pod":
        if kind.lower() not in _NEARLY:
            return Fault(is_pod=False, messages=((("kind",), _other(kind)),))
        messages.append((("kind",), f'{kind} is unknown; did you mean "Pod"?'))
    if isinstance(version, str) and version not in ("", "v1"):
        messages.append((("apiVersion",), f'there is no Pod in {version}; write "v1"'))
    return Fault(is_pod=True, messages=tuple(messages))


def _other(kind: str) -> str:
    refusal = f"{kind} is not a Pod: staticlet runs Pods only; "
    if kind in _TEMPLATED:
        return refusal + "put the pod template's metadata and spec in a Pod manifest"
    return refusal + "remove it from here"


def _not_a_map(data: Any) -> str:
    match data:
        case None:
            found = "nothing"
        case list():
            found = "a list"
        case str():
            found = "a text"
        case _:
            found = "a single value"
    return f"must be a map with apiVersion, kind, metadata and spec, found {found}"
