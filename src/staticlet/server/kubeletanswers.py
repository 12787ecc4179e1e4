"""What a kubelet's API shows: health, pods, the configuration, a few counts. Pure.

Bodies are the kubelet's. A static pod whose manifest is gone is not among the pods any more, also
while it is being stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from staticlet.config import document
from staticlet.config.settings import Settings
from staticlet.kube import core

SOURCE = "kubernetes.io/config.source"
API = "api"

Check = Callable[[], str]
"""What is wrong, in words; empty when nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An answer.

    Attributes:
        body: Its body.
        media: Its media type.
        code: The HTTP status.
    """

    body: bytes
    media: str = "application/json"
    code: int = 200


def text(body: str, code: int = 200) -> Shown:
    """An answer in words."""
    return Shown(body=body.encode(), media="text/plain", code=code)


NOT_FOUND = text("404 page not found\n", 404)
NOT_ALLOWED = text("405: Method Not Allowed", 405)
DISABLED = text("Debug endpoints are disabled.\n", 405)


def health(checks: Mapping[str, Check], name: str, *, verbose: bool) -> Shown:
    """How the agent is: all checks, or the one of a name."""
    if name:
        check = checks.get(name)
        if check is None:
            return NOT_FOUND
        wrong = check()
        return text(f"internal server error: {wrong}\n", 500) if wrong else text("ok")
    wrongs = {each: check() for each, check in checks.items()}
    lines = [
        f"[-]{each} failed: {wrong}" if wrong else f"[+]{each} ok"
        for each, wrong in wrongs.items()
    ]
    if any(wrongs.values()):
        return text("\n".join((*lines, "healthz check failed\n")), 500)
    return text("\n".join((*lines, "healthz check passed\n"))) if verbose else text("ok")


def configz(settings: Settings) -> Shown:
    """The configuration that holds."""
    return _json({"kubeletconfig": document.of(settings)})


def pods(every: Sequence[core.Pod]) -> Shown:
    """The pods that are wanted here, with their status."""
    return _pod_list([pod.to_dict() for pod in every if _wanted(pod)])


def running(every: Sequence[core.Pod]) -> Shown:
    """What runs: pods with the names and images of their running containers, and no more."""
    return _pod_list([shown for pod in every if (shown := _running(pod))])


def _pod_list(items: Sequence[Mapping[str, Any]]) -> Shown:
    return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})


def _json(body: object) -> Shown:
    return Shown(body=msgspec.json.encode(body))


def _wanted(pod: core.Pod) -> bool:
    meta = pod.metadata or core.ObjectMeta()
    return meta.deletionTimestamp is None or (meta.annotations or {}).get(SOURCE) == API


def _running(pod: core.Pod) -> dict[str, Any] | None:
    meta = pod.metadata or core.ObjectMeta()
    containers = [
        {"name": one.name, "image": one.image, "resources": {}}
        for one in _statuses(pod)
        if one.state is not None and one.state.running is not None
    ]
    if not containers:
        return None
    return {
        "metadata": {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid},
        "spec": {"containers": containers},
        "status": {},
    }


def _statuses(pod: core.Pod) -> Iterator[core.ContainerStatus]:
    status = pod.status or core.PodStatus()
    yield from status.initContainerStatuses or ()
    yield from status.containerStatuses or ()
    yield from status.ephemeralContainerStatuses or ()


def metrics(every: Sequence[core.Pod], node: str) -> Shown:
    """A few of the kubelet's counts, as Prometheus reads them."""
    states = Counter(_state(one) for pod in every for one in _statuses(pod))
    kinds = Counter(_is_static(pod) for pod in every if _wanted(pod))
    lines = [
        *_metric("node_name", "The node's name.", {f'node="{node}"': 1}),
        *_metric(
            "desired_pods",
            "The pods that are wanted here.",
            {f'static="{word}"': kinds[word] for word in ("", "true")},
        ),
        *_metric(
            "running_pods",
            "The pods of which a container runs.",
            {"": sum(_running(pod) is not None for pod in every)},
        ),
        *_metric(
            "running_containers",
            "Containers by their state.",
            {
                f'container_state="{word}"': states[word]
                for word in ("created", "exited", "running")
            },
        ),
    ]
    media = "text/plain; version=0.0.4; charset=utf-8"
    return Shown(body="".join(f"{line}\n" for line in lines).encode(), media=media)


def _metric(name: str, words: str, values: Mapping[str, int]) -> Iterator[str]:
    yield f"# HELP kubelet_{name} {words}"
    yield f"# TYPE kubelet_{name} gauge"
    for labels, value in values.items():
        yield f"kubelet_{name}{f'{{{labels}}}' if labels else ''} {value}"


def _state(one: core.ContainerStatus) -> str:
    state = one.state or core.ContainerState()
    if state.running is not None:
        return "running"
    return "exited" if state.terminated is not None else "created"


def _is_static(pod: core.Pod) -> str:
    annotations = (pod.metadata or core.ObjectMeta()).annotations or {}
    return "" if annotations.get(SOURCE) == API else "true"
