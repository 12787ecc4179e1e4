"""Who a static pod is: its final name, its UID and what the agent writes into it.

Follows the kubelet's `applyDefaults` (pkg/kubelet/config/common.go), with one departure: the UID
is a hash of node, namespace, name and content. The path and the agent's version are no part of
it, so that renaming a file or upgrading the agent restarts nothing.

The hash is SHA-256 cut to 128 bits. The UID names directories, cgroups and containers, so nobody
may be able to make two manifests that share one: SHA-256 is in every Python (also where FIPS rules
forbid MD5) and keeps its strength when cut, while the kubelet's FNV-1a was never meant to resist
a search. 128 bits in 32 hexadecimal characters keep the UID's usual shape.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from staticlet.kube import core, finding, names
from staticlet.pods.wanted import PodKey, WantedPod

HASH_ANNOTATION = "kubernetes.io/config.hash"
SOURCE_ANNOTATION = "kubernetes.io/config.source"
SEEN_ANNOTATION = "kubernetes.io/config.seen"

FILE = "file"
HTTP = "http"

_DEFAULT_NAMESPACE = "default"
_HASHED_UID = re.compile(r"[0-9a-f]{32}")
_FIXED_UID = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]{0,126}[A-Za-z0-9])?")


def key(namespace: str | None, name: str, *, node_name: str) -> PodKey:
    """The key of a manifest's pod on this node: namespace defaulted, node name appended."""
    return PodKey(namespace or _DEFAULT_NAMESPACE, f"{name}-{node_name.lower()}")


def key_of(raw: Mapping[str, Any], *, node_name: str) -> PodKey:
    """The key of a pod as it stands in its manifest."""
    metadata = raw["metadata"]
    return key(metadata.get("namespace"), metadata["name"], node_name=node_name)


def refusal(raw: Mapping[str, Any], *, node_name: str) -> finding.FieldError | None:
    """Why this pod cannot have an identity here, or None when it can.

    The final name must still be a subdomain (the node's name may make it too long), and a UID
    that the manifest fixes must be fit for a path and a cgroup name.
    """
    name = key_of(raw, node_name=node_name).name
    for words in names.dns_subdomain(name):
        return finding.FieldError(
            finding.Kind.INVALID,
            ("metadata", "name"),
            raw["metadata"]["name"],
            f"becomes {name} on this node: {words}",
        )
    uid = raw["metadata"].get("uid")
    if uid and not _FIXED_UID.fullmatch(uid):
        detail = "must be 1 to 128 letters, digits and '-': directories are named after it"
        return finding.FieldError(finding.Kind.INVALID, ("metadata", "uid"), uid, detail)
    return None


def is_hashed(uid: str) -> bool:
    """Whether a UID is that of a static pod by its shape: an API server's have dashes."""
    return _HASHED_UID.fullmatch(uid) is not None


def canonical(raw: Mapping[str, Any]) -> bytes:
    """The content of a defaulted manifest in one spelling, as JSON.

    Only fields that Kubernetes knows, sorted, without nulls. Status and nodeName are left out,
    since the agent overwrites them, and an absent namespace is written out.

    Raises:
        ValueError: A field has a type that Kubernetes does not give it.
    """
    try:
        known = core.Pod.from_dict(dict(raw)).to_dict()
    except msgspec.ValidationError as fault:
        raise ValueError(str(fault)) from fault
    known.pop("status", None)
    metadata = known["metadata"]
    metadata["namespace"] = metadata.get("namespace") or _DEFAULT_NAMESPACE
    known["spec"].pop("nodeName", None)
    return json.dumps(known, sort_keys=True, separators=(",", ":")).encode()


def content_hash(content: bytes, *, namespace: str, name: str, node_name: str) -> str:
    """The 32 hexadecimal characters that stand for canonical content on this node."""
    head = f"{node_name}\n{namespace}\n{name}\n".encode()
    return hashlib.sha256(head + content).hexdigest()[:32]


def wanted(
    raw: Mapping[str, Any],
    *,
    node_name: str,
    source: str,
    origin: str,
    seen: datetime,
    incarnation: int = 0,
    content: bytes | None = None,
) -> WantedPod:
    """Make the pod that shall run of a defaulted manifest that `refusal` has nothing against.

    Args:
        raw: The defaulted pod.
        node_name: This node.
        source: `file` or `http`; only pods from files tolerate every NoExecute taint.
        origin: The path or URL it came from; no part of its identity.
        seen: When this content was first seen.
        incarnation: How often the pod was removed and put back.
        content: Its canonical content, where that is known already.

    Raises:
        ValueError: A field has a type that Kubernetes does not give it.
    """
    content = canonical(raw) if content is None else content
    plain = json.loads(content)
    metadata, spec = plain["metadata"], plain["spec"]
    final = key_of(plain, node_name=node_name)
    revision = content_hash(
        content, namespace=final.namespace, name=metadata["name"], node_name=node_name
    )
    uid = metadata.get("uid") or revision
    metadata.update(name=final.name, namespace=final.namespace, uid=uid)
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        HASH_ANNOTATION: uid,
        SOURCE_ANNOTATION: source,
        SEEN_ANNOTATION: timestamp(seen),
    }
    spec["nodeName"] = node_name
    if source == FILE:
        spec["tolerations"] = _tolerating_no_execute(spec.get("tolerations") or [])
    plain["status"] = {"phase": "Pending"}
    return WantedPod(
        key=final,
        uid=uid,
        revision=revision,
        pod=msgspec.convert(plain, core.Pod),
        source=source,
        origin=origin,
        seen=seen,
        incarnation=incarnation,
    )


def timestamp(moment: datetime) -> str:
    """A moment in the fixed-width format of `config.seen`: nanoseconds, `Z` for UTC."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond * 1000:09d}"
    offset = moment.strftime("%z") or "+0000"
    return text + ("Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}")


def _tolerating_no_execute(tolerations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the toleration of every NoExecute taint, in place of one for the same taints."""
    ours = {"operator": "Exists", "effect": "NoExecute"}
    same = [
        not (each.get("key") or each.get("value"))
        and each.get("operator") == "Exists"
        and each.get("effect") == "NoExecute"
        for each in tolerations
    ]
    if not any(same):
        return [*tolerations, ours]
    pairs = zip(tolerations, same, strict=True)
    return [ours if replaced else each for each, replaced in pairs]
