"""Labels and annotations of sandboxes and containers: what the agent remembers, in the runtime.

The names under `io.kubernetes.` are the kubelet's: `crictl`, `ctr` and `nerdctl` show pods by
them, and log collectors read them. Those under `staticlet.dev/` are ours: the owner label says
which agent (which root directory) a sandbox or container belongs to, and only what carries our
own is ever touched; the annotations on the sandbox hold what is needed to go on with a pod, to
stop it and to describe it after the agent was restarted and its manifest is gone.

What is read back may have been made by an older version or damaged by hand: reading never fails,
it answers with the value that absence means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from staticlet.kube import core
from staticlet.pods import fields
from staticlet.pods.wanted import PodKey, WantedPod
from staticlet.runtime import port

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"

CONTAINER_HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
TERMINATION_PATH = "io.kubernetes.container.terminationMessagePath"
TERMINATION_POLICY = "io.kubernetes.container.terminationMessagePolicy"
GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod"
DELETION_GRACE_PERIOD = "io.kubernetes.pod.deletionGracePeriod"
PRE_STOP = "io.kubernetes.container.preStopHandler"
PORTS = "io.kubernetes.container.ports"

OWNER = "staticlet.dev/owner"
REVISION = "staticlet.dev/revision"
ORIGIN = "staticlet.dev/origin"
SOURCE = "staticlet.dev/source"
ROOT_DIR = "staticlet.dev/root-dir"
INCARNATION = "staticlet.dev/incarnation"
POD = "staticlet.dev/pod"

DEFAULT_GRACE_S = 30
DEFAULT_TERMINATION_PATH = "/dev/termination-log"
MAX_POD_BYTES = 64 * 1024
_FNV32_OFFSET = 0x811C9DC5
_FNV32_PRIME = 0x01000193
_PORT_FIELDS = ("name", "hostPort", "containerPort", "protocol", "hostIP")


def owner(root_dir: Path) -> str:
    """The value of the owner label: 16 hex digits that stand for a root directory.

    Args:
        root_dir: The real path (symlinks resolved, once, at start) of the root directory.
    """
    return hashlib.sha256(str(root_dir).encode(errors="surrogateescape")).hexdigest()[:16]


def owner_selector(root_dir: Path) -> Mapping[str, str]:
    """The labels by which lists are filtered to what is ours."""
    return {OWNER: owner(root_dir)}


def sandbox_labels(wanted: WantedPod, root_dir: Path) -> Mapping[str, str]:
    """The pod's own labels, then those that identify it; a manifest can not overrule these."""
    return {**fields.labels_of(wanted.pod), **_identity(wanted), **owner_selector(root_dir)}


def sandbox_annotations(wanted: WantedPod, root_dir: Path) -> Mapping[str, str]:
    """The pod's own annotations, then what the agent has to know about it later.

    A pod of more than 64 KiB of JSON is not kept whole: it can still be stopped, by what its
    containers carry, but is described by less once its manifest is gone.
    """
    ours = {
        REVISION: wanted.revision,
        ORIGIN: wanted.origin,
        SOURCE: wanted.source,
        ROOT_DIR: str(root_dir),
        INCARNATION: str(wanted.incarnation),
    }
    text = msgspec.json.encode(wanted.pod, order="deterministic")
    if len(text) <= MAX_POD_BYTES:
        ours[POD] = text.decode()
    return {**fields.annotations_of(wanted.pod), **ours}


def container_labels(wanted: WantedPod, container: str, root_dir: Path) -> Mapping[str, str]:
    """What identifies a container; the pod's own labels stand on the sandbox alone."""
    return {**_identity(wanted), CONTAINER_NAME: container, **owner_selector(root_dir)}


def container_annotations(
    wanted: WantedPod, container: core.Container, *, restart_count: int
) -> Mapping[str, str]:
    """What the kubelet keeps on a container: enough to judge, count and stop it later."""
    found = {
        CONTAINER_HASH: container_hash(container),
        RESTART_COUNT: str(restart_count),
        TERMINATION_PATH: container.terminationMessagePath or DEFAULT_TERMINATION_PATH,
        TERMINATION_POLICY: container.terminationMessagePolicy or "File",
    }
    grace = fields.spec(wanted.pod).terminationGracePeriodSeconds
    if grace is not None:
        found[GRACE_PERIOD] = str(grace)
    deletion_grace = fields.meta(wanted.pod).deletionGracePeriodSeconds
    if deletion_grace is not None:
        found[DELETION_GRACE_PERIOD] = str(deletion_grace)
    if container.lifecycle and container.lifecycle.preStop:
        found[PRE_STOP] = msgspec.json.encode(container.lifecycle.preStop).decode()
    if container.ports:
        found[PORTS] = _compact([_port(entry) for entry in container.ports])
    return found


def container_hash(container: core.Container) -> str:
    """The kubelet's hash of a container: over its name and image only, bit for bit.

    It hashes (FNV-1a, 32 bit) the way Go prints the bytes of the compact JSON of both, so that
    containers survive a hand-over from and to a kubelet.
    """
    text = _compact({"image": container.image or "", "name": container.name})
    for sign in "<>&\u2028\u2029":  # as Go's encoder does, for the sake of web pages
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    printed = f"([]uint8)[{' '.join(str(byte) for byte in text.encode())}]"
    value = _FNV32_OFFSET
    for byte in printed.encode():
        value = ((value ^ byte) * _FNV32_PRIME) & 0xFFFFFFFF
    return f"{value:x}"


def key_of(labels: Mapping[str, str]) -> PodKey:
    """Whose sandbox or container it is, from its labels."""
    return PodKey(labels.get(POD_NAMESPACE, ""), labels.get(POD_NAME, ""))


def uid_of(container: port.Container | port.ContainerStatus) -> str:
    """The UID of the pod that a container belongs to; empty when it does not say."""
    return container.labels.get(POD_UID, "")


def revision_of(sandbox: port.Sandbox) -> str:
    """The revision that a sandbox was made for; empty when it does not say."""
    return sandbox.annotations.get(REVISION, "")


def source_of(sandbox: port.Sandbox) -> str:
    """The source that brought its pod: `file` or `http`; empty when it does not say."""
    return sandbox.annotations.get(SOURCE, "")


def origin_of(sandbox: port.Sandbox) -> str:
    """The path or URL that its pod came from; empty when it does not say."""
    return sandbox.annotations.get(ORIGIN, "")


def incarnation_of(sandbox: port.Sandbox) -> int:
    """The incarnation that a sandbox was made for; 0 when it does not say."""
    return _number(sandbox.annotations.get(INCARNATION, ""), default=0)


def restart_count_of(container: port.Container | port.ContainerStatus) -> int:
    """How often the container had been restarted; its attempt when it does not say."""
    return _number(container.annotations.get(RESTART_COUNT, ""), default=container.attempt)


def grace_period_of(container: port.Container | port.ContainerStatus) -> int:
    """The seconds it may take to stop, as its manifest said when it was made."""
    return _number(container.annotations.get(GRACE_PERIOD, ""), default=DEFAULT_GRACE_S)


def pod_of(sandbox: port.Sandbox) -> core.Pod | None:
    """The pod that the sandbox was made for; None when it was too large or is not readable."""
    try:
        return msgspec.json.decode(sandbox.annotations.get(POD, ""), type=core.Pod)
    except msgspec.DecodeError:
        return None


def _identity(wanted: WantedPod) -> dict[str, str]:
    return {
        POD_NAME: wanted.key.name,
        POD_NAMESPACE: wanted.key.namespace,
        POD_UID: wanted.uid,
    }


def _port(entry: core.ContainerPort) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in _PORT_FIELDS}
    return {name: value for name, value in values.items() if value}


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _number(text: str, *, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else default
