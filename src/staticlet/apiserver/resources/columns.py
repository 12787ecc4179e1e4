"""What each kind shows as a table: the columns that kube-apiserver prints, in its order.

Clients that take tables (`kubectl get`) print what they are given. Columns of priority 1 are for
`-o wide`. Kinds without columns of their own are shown by name and time of creation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from staticlet.apiserver.resources import eventcells, nodecells, othercells, podcells
from staticlet.apiserver.resources.kind import Column, Columns, Object
from staticlet.kube import table


def _column(
    name: str,
    description: str,
    *,
    of_type: str = "string",
    of_format: str = "",
    wide: bool = False,
) -> Column:
    return {
        "name": name,
        "type": of_type,
        "format": of_format,
        "description": description,
        "priority": 1 if wide else 0,
    }


_NAME = _column("Name", "The object's name, unique in its namespace.", of_format="name")
_AGE = _column("Age", "The time since the object was created.")


def _aged(
    middle: Sequence[Column],
    cells: Callable[[Object], Sequence[Any]],
    wide: Sequence[Column] = (),
    wide_cells: Callable[[Object], Sequence[Any]] = lambda _: (),
) -> Columns:
    """Columns between the name and the age, and behind the age."""

    def row(obj: Object, now: datetime) -> Sequence[Any]:
        name = obj["metadata"].get("name", "")
        return (name, *cells(obj), table.age_of(obj, now), *wide_cells(obj))

    return Columns(definitions=(_NAME, *middle, _AGE, *wide), cells=row)


DEFAULT = Columns(
    definitions=(
        _NAME,
        _column("Created At", "When the object was created.", of_type="date"),
    ),
    cells=lambda obj, _now: (
        obj["metadata"].get("name", ""),
        obj["metadata"].get("creationTimestamp"),
    ),
)

PODS = Columns(
    definitions=(
        _NAME,
        _column("Ready", "How many of the pod's containers are ready."),
        _column("Status", "What the pod does, or what keeps it from doing it."),
        _column("Restarts", "How often its containers were restarted, and when last."),
        _AGE,
        _column("IP", "The pod's address.", wide=True),
        _column("Node", "The node that runs the pod.", wide=True),
        _column("Nominated Node", "The node that room is made on for the pod.", wide=True),
        _column("Readiness Gates", "How many of the pod's readiness gates are passed.", wide=True),
    ),
    cells=podcells.cells,
)

NODES = _aged(
    (
        _column("Status", "Whether the node is ready, and whether it takes new pods."),
        _column("Roles", "The roles that the node's labels give it."),
    ),
    nodecells.cells,
    (
        _column("Version", "The version of the node's agent."),
        _column("Internal-IP", "The node's address inside the cluster.", wide=True),
        _column("External-IP", "The node's address outside the cluster.", wide=True),
        _column("OS-Image", "The node's operating system.", wide=True),
        _column("Kernel-Version", "The node's kernel.", wide=True),
        _column("Container-Runtime", "The node's container runtime.", wide=True),
    ),
    nodecells.wide_cells,
)

EVENTS = Columns(
    definitions=(
        _column("Last Seen", "The time since it happened last."),
        _column("Type", "Normal or Warning."),
        _column("Reason", "Why it happened, in a word for programs."),
        _column("Object", "What it happened to."),
        _column("Subobject", "The part of the object it happened to.", wide=True),
        _column("Source", "Who tells of it.", wide=True),
        _column("Message", "What happened."),
        _column("First Seen", "The time since it happened first.", wide=True),
        _column("Count", "How often it happened.", wide=True),
        _column("Name", "The event's name.", of_format="name", wide=True),
    ),
    cells=eventcells.cells,
)

NAMESPACES = _aged((_column("Status", "Active, or Terminating."),), othercells.namespace)
CONFIG_MAPS = _aged((_column("Data", "How many keys it has."),), othercells.config_map)
SECRETS = _aged(
    (_column("Type", "What the secret is for."), _column("Data", "How many keys it has.")),
    othercells.secret,
)
SERVICE_ACCOUNTS = _aged((), lambda _: ())
LEASES = _aged((_column("Holder", "Who holds the lease."),), othercells.lease)
SERVICES = _aged(
    (
        _column("Type", "How the service is reached."),
        _column("Cluster-IP", "Its address inside the cluster."),
        _column("External-IP", "Its addresses outside the cluster."),
        _column("Port(s)", "Its ports."),
    ),
    othercells.service,
    (_column("Selector", "The labels of the pods behind it.", wide=True),),
    othercells.service_wide,
)
RUNTIME_CLASSES = _aged((_column("Handler", "The runtime's name for it."),), othercells.handler)
CSI_DRIVERS = _aged(
    (
        _column("AttachRequired", "Whether volumes are attached first.", of_type="boolean"),
        _column("PodInfoOnMount", "Whether it is told of the pod.", of_type="boolean"),
        _column("StorageCapacity", "Whether capacity is watched.", of_type="boolean"),
        _column("TokenRequests", "The audiences of the tokens it gets."),
        _column("RequiresRepublish", "Whether volumes are mounted anew.", of_type="boolean"),
        _column("Modes", "The kinds of volumes it has."),
    ),
    othercells.csi_driver,
)
CSI_NODES = _aged(
    (_column("Drivers", "How many drivers the node has.", of_type="integer"),),
    othercells.csi_node,
)
RESOURCE_SLICES = _aged(
    (
        _column("Node", "The node that has the devices."),
        _column("Driver", "Their driver."),
        _column("Pool", "The pool they are of."),
    ),
    othercells.resource_slice,
)

_BY_RESOURCE: Mapping[tuple[str, str], Columns] = {
    ("", "pods"): PODS,
    ("", "nodes"): NODES,
    ("", "events"): EVENTS,
    ("events.k8s.io", "events"): EVENTS,
    ("", "namespaces"): NAMESPACES,
    ("", "configmaps"): CONFIG_MAPS,
    ("", "secrets"): SECRETS,
    ("", "serviceaccounts"): SERVICE_ACCOUNTS,
    ("", "services"): SERVICES,
    ("coordination.k8s.io", "leases"): LEASES,
    ("node.k8s.io", "runtimeclasses"): RUNTIME_CLASSES,
    ("storage.k8s.io", "csidrivers"): CSI_DRIVERS,
    ("storage.k8s.io", "csinodes"): CSI_NODES,
    ("resource.k8s.io", "resourceslices"): RESOURCE_SLICES,
}


def of(group: str, plural: str) -> Columns:
    """The columns of a resource; name and time of creation for one that has none of its own."""
    return _BY_RESOURCE.get((group, plural), DEFAULT)
