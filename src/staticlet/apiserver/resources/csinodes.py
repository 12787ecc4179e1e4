"""CSINodes: a kubelet makes one for its node, and nothing else here looks at it."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, columns, kind, traits
from staticlet.kube import apitypes, names
from staticlet.kube.fieldpath import Path
from staticlet.kube.validate import errors, peek

_DRIVERS: Path = ("spec", "drivers")
_LONGEST_DRIVER = 63
_LONGEST_ID = 192


class CSINodes(basic.Basic):
    """The rules of CSINodes (`ValidateCSINode`)."""

    needs_version = True

    def default(self, obj: kind.Object) -> None:
        """The list of drivers is always written, null where there is none."""
        spec = obj.setdefault("spec", {})
        if not spec.get("drivers"):
            spec["drivers"] = None

    def rules(self, obj: kind.Object) -> errors.Errors:
        """Drivers have names, each one, and know their node by an id."""
        seen: set[str] = set()
        for index, driver in enumerate(peek.objects(peek.child(obj, "spec"), "drivers")):
            name, node = peek.text(driver, "name"), peek.text(driver, "nodeID")
            yield from _driver_name(name, (*_DRIVERS, index, "name"))
            if not node:
                yield errors.required((*_DRIVERS, index, "nodeID"))
            elif names.byte_length(node) > _LONGEST_ID:
                detail = f"must be {_LONGEST_ID} characters or less"
                yield errors.invalid((*_DRIVERS, index, "nodeID"), node, detail)
            if name in seen:
                yield errors.duplicate((*_DRIVERS, index, "name"), name)
            seen.add(name)


def _driver_name(name: str, at: Path) -> errors.Errors:
    if not name:
        yield errors.required(at)
        return
    if names.byte_length(name) > _LONGEST_DRIVER:
        yield errors.too_long(at, _LONGEST_DRIVER)
    yield from errors.each(at, name, names.dns_subdomain(name.lower()))


CSI_NODES = kind.Kind(
    group="storage.k8s.io",
    plural="csinodes",
    singular="csinode",
    kind="CSINode",
    namespaced=False,
    verbs=traits.ALL,
    struct=apitypes.CSINode,
    strategy=CSINodes(namespaced=False),
    columns=columns.CSI_NODES,
    hash=traits.version_hash("storage.k8s.io", "v1", "CSINode"),
)
