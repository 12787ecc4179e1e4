"""What an agent writes into the runtime to know its pods again, as plain data to be kept.

The next version of the agent finds pods by these labels and compares them by these hashes. Where
they differ from what the version before wrote, it stops every pod at an upgrade, or knows none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from staticlet.kube import read
from staticlet.pods import fields, identity, labels
from staticlet.pods.wanted import WantedPod

NODE = "node1"
ROOT = Path("/var/lib/kubelet")
ORIGIN = "/etc/kubernetes/manifests/pod.yaml"
SEEN = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def pods(manifest: str) -> list[dict[str, Any]]:
    """Each pod of a manifest as it would be known by."""
    reading = read.read(manifest.encode(), source=ORIGIN)
    made = (
        identity.wanted(each.raw, node_name=NODE, source=identity.FILE, origin=ORIGIN, seen=SEEN)
        for each in reading.pods
    )
    return [_known_by(each) for each in made]


def _known_by(pod: WantedPod) -> dict[str, Any]:
    return {
        "key": str(pod.key),
        "uid": pod.uid,
        "revision": pod.revision,
        "sandbox": {
            "labels": dict(labels.sandbox_labels(pod, ROOT)),
            "annotations": dict(labels.sandbox_annotations(pod, ROOT)),
        },
        "containers": {
            each.name: {
                "labels": dict(labels.container_labels(pod, each.name, ROOT)),
                "annotations": dict(labels.container_annotations(pod, each, restart_count=2)),
            }
            for each in fields.all_containers(pod.pod)
        },
    }
