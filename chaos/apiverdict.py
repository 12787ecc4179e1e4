"""Whether an API server shows what runs, and nothing that happened to it harmed a pod; pure.

Each trouble is a sentence. None means: for each manifest one mirror, of that content, with the
status of the very container that runs; one Node; each pod of the API running; nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

HASH = "kubernetes.io/config.hash"
MIRROR = "kubernetes.io/config.mirror"
SOURCE = "kubernetes.io/config.source"
VERSION = "VERSION"
"""The variable that tells which content of a manifest a container is of."""

Pod = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found at one moment.

    Attributes:
        shown: The pods of this node in the API.
        nodes: The Nodes in the API.
        served: The pods that the agent tells of.
        sandboxes: How many sandboxes of the agent the runtime has.
        running: The ids of the containers that run.
    """

    shown: tuple[Pod, ...]
    nodes: tuple[Mapping[str, Any], ...]
    served: tuple[Pod, ...]
    sandboxes: int
    running: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the files say, and who must not have been touched.

    Attributes:
        node: The node's name.
        versions: The content of each manifest, by the name of its pod.
        lives: The container id of each pod to which nothing was done since the last look.
    """

    node: str
    versions: Mapping[str, str]
    lives: Mapping[str, str] = field(default_factory=dict)


def troubles(expected: Expected, found: Found) -> Iterator[str]:
    """What is wrong."""
    if [name_of(one) for one in found.nodes] != [expected.node]:
        yield f"the Nodes are {[name_of(one) for one in found.nodes]}"
    for one in found.nodes:
        if not _ready(one):
            yield f"node {name_of(one)} is not ready"
    node_uid = _uid(found.nodes[0]) if found.nodes else ""
    mirrors = [one for one in found.shown if MIRROR in _notes(one)]
    of_api = [one for one in found.shown if MIRROR not in _notes(one)]
    statics = [one for one in found.served if _notes(one).get(SOURCE) != "api"]
    wanted = {f"{name}-{expected.node}" for name in expected.versions}
    yield from _unequal("mirrors", map(name_of, mirrors), wanted)
    yield from _unequal("static pods", map(name_of, statics), wanted)
    served_of_api = (one for one in found.served if _notes(one).get(SOURCE) == "api")
    yield from _unequal("pods of the API", map(name_of, served_of_api), map(name_of, of_api))
    served = {name_of(one): one for one in found.served}
    for one in found.shown:
        own = served.get(name_of(one))
        if own is not None:
            yield from _alike(one, own, found.running)
    for one in mirrors:
        own = served.get(name_of(one))
        if own is not None:
            yield from _mirror(one, own, node_uid)
    for name, version in expected.versions.items():
        own = served.get(f"{name}-{expected.node}")
        if own is not None and version_of(own) != version:
            yield f"{name} runs version {version_of(own)} instead of {version}"
    for name, life in expected.lives.items():
        own = served.get(f"{name}-{expected.node}") or served.get(name)
        if own is not None and life_of(own) != life:
            yield f"{name} was harmed: container {life} became {life_of(own)}"
    if found.sandboxes != len(served):
        yield f"{found.sandboxes} sandboxes for {len(served)} pods"


def said_too_often(lines: Iterable[str], *, most: int) -> Iterator[str]:
    """What an agent's log says more often than `most` times, of what belongs to no one pod.

    Args:
        lines: Of its log, each a JSON object, or anything else.
        most: So often anything may be said.
    """
    told = Counter(_gist(line) for line in lines)
    for gist, times in told.items():
        if gist and times > most:
            yield f"said {times} times: {gist}"


def name_of(obj: Pod) -> str:
    """An object's name."""
    return str(obj["metadata"]["name"])


def version_of(pod: Pod) -> str:
    """Which content of its manifest a pod is of."""
    env = pod["spec"]["containers"][0].get("env") or ()
    return next((str(one["value"]) for one in env if one["name"] == VERSION), "")


def life_of(pod: Pod) -> str:
    """The id of the container that runs, or ran last; empty where none is told."""
    return str(_container(pod).get("containerID") or "")


def _alike(shown: Pod, own: Pod, running: frozenset[str]) -> Iterator[str]:
    """The API tells of a pod what is so."""
    name, there, here = name_of(shown), _container(shown), _container(own)
    if shown["metadata"].get("deletionTimestamp"):
        yield f"{name} is being deleted in the API"
    if life_of(own).rpartition("/")[2] not in running:
        yield f"{name}: the agent tells of container {life_of(own)}, which does not run"
    for field_ in ("containerID", "restartCount", "ready"):
        if there.get(field_) != here.get(field_):
            yield f"{name}: {field_} is shown as {there.get(field_)}, and is {here.get(field_)}"
    if not _ready(shown):
        yield f"{name} is not shown as ready"


def _mirror(shown: Pod, own: Pod, node_uid: str) -> Iterator[str]:
    name = name_of(shown)
    if _notes(shown)[MIRROR] != _notes(own).get(HASH):
        yield f"the mirror of {name} is of another content"
    if version_of(shown) != version_of(own):
        yield f"the mirror of {name} shows version {version_of(shown)}, not {version_of(own)}"
    owners = [one.get("uid") for one in shown["metadata"].get("ownerReferences") or ()]
    if owners != [node_uid]:
        yield f"the mirror of {name} belongs to {owners} instead of the Node {node_uid}"
    if shown["metadata"].get("labels") or {}:
        yield f"the mirror of {name} has labels: {shown['metadata']['labels']}"
    images = [[one["image"] for one in pod["spec"]["containers"]] for pod in (shown, own)]
    if images[0] != images[1]:
        yield f"the mirror of {name} shows images {images[0]} instead of {images[1]}"


def _container(pod: Pod) -> Mapping[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ({},)
    found: Mapping[str, Any] = statuses[0]
    return found


def _ready(obj: Pod) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _notes(obj: Pod) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def _uid(obj: Pod) -> str:
    return str(obj["metadata"]["uid"])


def _unequal(what: str, found: Iterable[str], expected: Iterable[str]) -> Iterator[str]:
    listed = [*found]
    more, less = {*listed} - {*expected}, {*expected} - {*listed}
    if more:
        yield f"{what}: too many: {', '.join(sorted(more))}"
    if less:
        yield f"{what}: missing: {', '.join(sorted(less))}"
    doubled = sorted(name for name, times in Counter(listed).items() if times > 1)
    if doubled:
        yield f"{what}: more than once: {', '.join(doubled)}"


def _gist(line: str) -> str:
    """What a line says about no one pod; empty for what is about one."""
    try:
        told = json.loads(line)
    except ValueError:
        told = {"msg": line}
    if not isinstance(told, dict) or told.get("pod") or told.get("origin"):
        return ""
    words = str(told.get("msg") or told.get("message") or "")
    return "".join("#" if one.isdigit() else one for one in words)[:160]
