"""The pods that the clients make and change: of a size that pods have."""

from __future__ import annotations

from typing import Any

from bench.api import wire

NODE = "bench"


def pod(name: str) -> dict[str, Any]:
    """A pod that is bound, so that nobody but the API server works on it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "bench", "tier": "front"}},
        "spec": {
            "nodeName": NODE,
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "main",
                    "image": "registry.invalid/bench/main:1.2.3",
                    "args": ["--listen", ":8080", "--verbose"],
                    "env": [{"name": f"SETTING_{n}", "value": f"value {n}"} for n in range(4)],
                    "ports": [{"containerPort": 8080, "name": "http"}],
                    "resources": {
                        "requests": {"cpu": "50m", "memory": "64Mi"},
                        "limits": {"memory": "128Mi"},
                    },
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }
            ],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }


def create(place: wire.Place, namespace: str, name: str) -> bytes:
    """The request that makes a pod."""
    return place.request("POST", f"/api/v1/namespaces/{namespace}/pods", pod(name))


def mark(place: wire.Place, namespace: str, name: str, text: str) -> bytes:
    """The request that writes a mark into a pod."""
    return place.request(
        "PATCH",
        f"/api/v1/namespaces/{namespace}/pods/{name}",
        {"metadata": {"annotations": {"bench/mark": text}}},
        media_type="application/merge-patch+json",
    )
