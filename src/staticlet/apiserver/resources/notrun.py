"""What a node agent or kubectl lists and must find, and this server has nothing of.

These kinds are served empty. Making one is refused with the reason, so that nobody waits for a
Service that nothing will ever serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from staticlet.apiserver.resources import basic, columns, kind, traits
from staticlet.kube import apitypes, core

if TYPE_CHECKING:
    import msgspec


def _absent(
    struct: type[msgspec.Struct],
    plural: str,
    why: str,
    *,
    group: str = "",
    namespaced: bool = False,
    **more: Any,
) -> kind.Kind:
    """A kind that is served empty.

    Args:
        struct: Its shape, which has its name.
        plural: The resource's name.
        why: Why there is none, and what to do instead.
        group: The API group.
        namespaced: Whether it would live in namespaces.
        more: What else of `Kind` is its own.
    """
    name = struct.__name__
    return kind.Kind(
        group=group,
        plural=plural,
        singular=name.lower(),
        kind=name,
        namespaced=namespaced,
        struct=struct,
        strategy=basic.Basic(namespaced=namespaced),
        hash=traits.version_hash(group, "v1", name),
        not_run=f"this server {why}",
        **({"verbs": traits.READ} | more),
    )


SERVICES = _absent(
    core.Service,
    "services",
    "runs no Services: there is no proxy and no cluster DNS behind it; "
    "reach a pod at its own address, or use hostNetwork or hostPort",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    columns=columns.SERVICES,
    fields={
        "spec.clusterIP": traits.at("spec", "clusterIP"),
        "spec.type": traits.at("spec", "type"),
    },
)

RUNTIME_CLASSES = _absent(
    apitypes.RuntimeClass,
    "runtimeclasses",
    "keeps no RuntimeClasses: pods run with the node's default runtime; leave out "
    "runtimeClassName",
    group="node.k8s.io",
    columns=columns.RUNTIME_CLASSES,
)

CSI_DRIVERS = _absent(
    apitypes.CSIDriver,
    "csidrivers",
    "keeps no CSIDrivers: nothing here attaches or provisions storage; "
    "use hostPath, emptyDir or what is mounted on the node",
    group="storage.k8s.io",
    columns=columns.CSI_DRIVERS,
)

RESOURCE_SLICES = _absent(
    apitypes.ResourceSlice,
    "resourceslices",
    "keeps no ResourceSlices: devices are not allocated to pods here; "
    "mount a device with hostPath instead",
    group="resource.k8s.io",
    verbs=("deletecollection", *traits.READ),
    columns=columns.RESOURCE_SLICES,
    fields={
        "spec.driver": traits.at("spec", "driver"),
        "spec.nodeName": traits.at("spec", "nodeName"),
    },
)
