"""Objects to put into an API server, as clients write them."""

from __future__ import annotations

from typing import Any

NODE = "n1"


def head(version: str, kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    """What every object begins with."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}


def pod(name: str, *, image: str = "busybox:1", node: str = "", **metadata: Any) -> dict[str, Any]:
    """A pod with one container `c`; bound where a node is given."""
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": image}]}
    if node:
        spec["nodeName"] = node
    return {**head("v1", "Pod", name, **metadata), "spec": spec}


def homeless(name: str) -> dict[str, Any]:
    """A pod that no node is good enough for: it stays unbound."""
    made = pod(name)
    made["spec"]["nodeSelector"] = {"example.com/nowhere": "true"}
    return made


def config_map(name: str, **data: str) -> dict[str, Any]:
    """A config map."""
    return {**head("v1", "ConfigMap", name), "data": data}


def event(name: str, regarding: dict[str, Any], reason: str, message: str) -> dict[str, Any]:
    """An event about an object as the server answered it, at this moment by its creation."""
    about = regarding["metadata"]
    return {
        **head("v1", "Event", name),
        "involvedObject": {
            "apiVersion": regarding["apiVersion"],
            "kind": regarding["kind"],
            "name": about["name"],
            "namespace": about.get("namespace", ""),
            "uid": about["uid"],
        },
        "reason": reason,
        "message": message,
        "type": "Normal",
        "count": 1,
        "firstTimestamp": about["creationTimestamp"],
        "lastTimestamp": about["creationTimestamp"],
        "source": {"component": "kubelet", "host": NODE},
    }


def running(*, ready: bool = True, restarts: int = 0) -> dict[str, Any]:
    """The status of a pod whose container `c` runs, as a patch for its status."""
    truth = "True" if ready else "False"
    started = "2026-01-01T00:00:00Z"
    return {
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.9",
            "podIPs": [{"ip": "10.0.0.9"}],
            "hostIP": "192.0.2.7",
            "startTime": started,
            "conditions": [
                {"type": "Ready", "status": truth},
                {"type": "ContainersReady", "status": truth},
            ],
            "containerStatuses": [
                {
                    "name": "c",
                    "image": "busybox:1",
                    "imageID": "sha256:1",
                    "containerID": "containerd://1",
                    "ready": ready,
                    "started": True,
                    "restartCount": restarts,
                    "state": {"running": {"startedAt": started}},
                }
            ],
        }
    }


NODE_STATUS: dict[str, Any] = {
    "capacity": {"cpu": "2", "memory": "4Gi", "pods": "110"},
    "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
    "addresses": [
        {"type": "InternalIP", "address": "192.0.2.7"},
        {"type": "Hostname", "address": NODE},
    ],
    "nodeInfo": {
        "machineID": "m",
        "systemUUID": "s",
        "bootID": "b",
        "kernelVersion": "6.1.0",
        "osImage": "Debian GNU/Linux 12 (bookworm)",
        "containerRuntimeVersion": "containerd://1.6.20",
        "kubeletVersion": "v1.36.2",
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": "amd64",
    },
}
"""What a node agent says of its node when all is well."""
