"""What is wanted on this machine, as values: from manifests to the one list of wanted pods.

Sources yield snapshots: every manifest they see, with its pods and findings. `merge` makes of all
snapshots the wanted pods. A pod is known by its key, the namespace and the final name: one key,
one worker, never two pods at once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from staticlet.kube import core, finding

API = "api"
"""The source of pods that an API server has bound to this node; they have no manifest here."""


class PodKey(NamedTuple):
    """Namespace and final name (with the node's) of a pod."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPod:
    """A pod that shall run: a static one, or one of the API.

    Attributes:
        key: Namespace and final name.
        uid: The static UID: a hash of node, namespace, name and content, or the manifest's own;
            of a pod of the API, the API's.
        revision: A hash of the content alone; differs from `uid` where the manifest fixes its UID.
            Of a pod of the API, of what cannot change without a restart.
        incarnation: Counts how often its file was removed and put back: a new number with the same
            content asks for a restart, which is deliberate and earns no back-off.
        pod: The defaulted pod, with final name, namespace, node name, annotations and tolerations.
        source: `file`, `http` or `api`.
        origin: The path or URL it came from.
        seen: When this content was first seen (annotation `kubernetes.io/config.seen`).
        over: Whether it has ended for good, as the API has it: nothing of it is started again, and
            what is left is kept for its logs.
    """

    key: PodKey
    uid: str
    revision: str
    pod: core.Pod
    source: str
    origin: str
    seen: datetime
    incarnation: int = 0
    over: bool = False


class ManifestState(enum.Enum):
    """What became of a file or URL."""

    ACCEPTED = "Accepted"
    """Read, and its pods are wanted."""
    KEPT = "Kept"
    """Bad now; the pods of its last good content stay wanted."""
    REFUSED = "Refused"
    """Bad, and there is no last good content."""
    CONFLICT = "Conflict"
    """Good, but every pod in it is held by another manifest."""
    WRITING = "Writing"
    """Being written: nothing is done before it is closed."""
    IGNORED = "Ignored"
    """Not a manifest by its name or kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One file or URL, as a source sees it.

    Attributes:
        origin: Its path or URL.
        state: What became of it.
        pods: The pods it stands for now: of its content, or of its last good content.
        findings: All that is to be said about its present content.
        note: For an ignored entry, why.
    """

    origin: str
    state: ManifestState
    pods: tuple[WantedPod, ...] = ()
    findings: tuple[finding.Finding, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one source sees at one moment.

    Attributes:
        source: `file`, `http` or `api`.
        ready: Whether the source has seen its place at least once: pods that it brought in an
            earlier life of the agent are stopped only when it is.
        manifests: In the order of their origins.
        findings: About the place as a whole (a missing directory, an unreachable URL).
    """

    source: str
    ready: bool
    manifests: tuple[Manifest, ...] = ()
    findings: tuple[finding.Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The merged result: what shall run here.

    Attributes:
        pods: Every wanted pod by its key.
        manifests: All manifests of all sources, conflicts marked; pods of the API have none.
        findings: Of places as a whole.
        ready: The sources that are ready.
        sources: All configured sources.
    """

    pods: Mapping[PodKey, WantedPod] = field(default_factory=dict)
    manifests: tuple[Manifest, ...] = ()
    findings: tuple[finding.Finding, ...] = ()
    ready: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def name_of(self, uid: str) -> str:
        """Namespace and name of the pod with this UID, for people; the UID when none has it."""
        return next((str(pod.key) for pod in self.pods.values() if pod.uid == uid), uid)
