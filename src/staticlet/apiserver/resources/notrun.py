"""What a node agent or kubectl lists and must find, and this server has nothing of.

These kinds are served empty. Making one is refused with the reason, so that nobody waits for a
Service that nothing will ever serve.
"""

from __future__ import annotations

from staticlet.apiserver.resources import basic, columns, kind, traits
from staticlet.kube import apitypes, core

SERVICES = kind.Kind(
    plural="services",
    singular="service",
    kind="Service",
    short_names=("svc",),
    categories=("all",),
    verbs=traits.READ,
    struct=core.Service,
    columns=columns.SERVICES,
    strategy=basic.Basic(),
    fields={
        "spec.clusterIP": traits.at("spec", "clusterIP"),
        "spec.type": traits.at("spec", "type"),
    },
    hash=traits.version_hash("", "v1", "Service"),
    not_run=(
        "this server runs no Services: there is no proxy and no cluster DNS behind it; "
        "reach a pod at its own address, or use hostNetwork or hostPort"
    ),
)

RUNTIME_CLASSES = kind.Kind(
    group="node.k8s.io",
    plural="runtimeclasses",
    singular="runtimeclass",
    kind="RuntimeClass",
    namespaced=False,
    verbs=traits.READ,
    struct=apitypes.RuntimeClass,
    columns=columns.RUNTIME_CLASSES,
    strategy=basic.Basic(namespaced=False),
    hash=traits.version_hash("node.k8s.io", "v1", "RuntimeClass"),
    not_run=(
        "this server keeps no RuntimeClasses: pods run with the node's default runtime; "
        "leave out runtimeClassName"
    ),
)

CSI_DRIVERS = kind.Kind(
    group="storage.k8s.io",
    plural="csidrivers",
    singular="csidriver",
    kind="CSIDriver",
    namespaced=False,
    verbs=traits.READ,
    struct=apitypes.CSIDriver,
    columns=columns.CSI_DRIVERS,
    strategy=basic.Basic(namespaced=False),
    hash=traits.version_hash("storage.k8s.io", "v1", "CSIDriver"),
    not_run=(
        "this server keeps no CSIDrivers: nothing here attaches or provisions storage; "
        "use hostPath, emptyDir or what is mounted on the node"
    ),
)

RESOURCE_SLICES = kind.Kind(
    group="resource.k8s.io",
    plural="resourceslices",
    singular="resourceslice",
    kind="ResourceSlice",
    namespaced=False,
    verbs=("deletecollection", *traits.READ),
    struct=apitypes.ResourceSlice,
    columns=columns.RESOURCE_SLICES,
    strategy=basic.Basic(namespaced=False),
    fields={
        "spec.driver": traits.at("spec", "driver"),
        "spec.nodeName": traits.at("spec", "nodeName"),
    },
    hash=traits.version_hash("resource.k8s.io", "v1", "ResourceSlice"),
    not_run=(
        "this server keeps no ResourceSlices: devices are not allocated to pods here; "
        "mount a device with hostPath instead"
    ),
)
