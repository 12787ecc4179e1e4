"""The container runtime: there, answering, new enough, ready. Pure."""

from __future__ import annotations

import re

from staticlet.app.doctor import verdict
from staticlet.app.doctor.facts import Machine, Runtime
from staticlet.app.doctor.placefacts import Kind
from staticlet.app.doctor.verdict import Check, Verdict
from staticlet.config.settings import Settings
from staticlet.runtime import port

OLDEST = {"containerd": (1, 6), "cri-o": (1, 23)}
SLOW_SNAPSHOTTERS = frozenset({"native"})
_UNASKED = "the runtime could not be asked"
_UNSAID = "the runtime does not say"


def socket(runtime: Runtime) -> Verdict:
    """Where the runtime listens."""
    if runtime.path is None:
        return verdict.fail("no container runtime is found", _where_else(runtime))
    if runtime.kind is Kind.MISSING:
        return verdict.fail(f"there is no socket {runtime.path}", _where_else(runtime))
    if runtime.kind is not Kind.SOCKET:
        return verdict.fail(
            f"{runtime.path} is {runtime.kind.value}, no socket",
            f"remove it if nobody needs it, or: {_where_else(runtime)}",
        )
    found = "" if runtime.configured else " (none is configured: the first that is there)"
    return verdict.good(f"{runtime.path}{found}")


def _where_else(runtime: Runtime) -> str:
    if runtime.others:
        others = " or ".join(f"--container-runtime-endpoint=unix://{it}" for it in runtime.others)
        return f"there is another one: give {others}"
    return (
        "install and start one: apt-get install containerd && systemctl start containerd; "
        "or use `staticlet up`, which runs its own"
    )


def answers(runtime: Runtime) -> Verdict:
    """Whether somebody speaks CRI v1 there, and is new enough."""
    if runtime.path is None or runtime.kind is not Kind.SOCKET:
        return verdict.skipped("there is no socket to ask on")
    if runtime.version is None:
        return verdict.fail(str(runtime.fault or _UNASKED), _remedy(runtime.fault))
    who = f"{runtime.version.name} {runtime.version.version}"
    oldest = OLDEST.get(runtime.version.name.lower())
    is_version = _numbers(runtime.version.version)
    if oldest and is_version and is_version < oldest:
        return verdict.fail(
            f"{who} is too old",
            f"install {runtime.version.name} {oldest[0]}.{oldest[1]} or newer",
        )
    if not oldest or not is_version:
        return verdict.warn(
            f"{who} answers to CRI {runtime.version.api_version}; staticlet is not tested with it",
            "use containerd 1.6 or newer if pods behave oddly",
        )
    return verdict.good(f"{who} answers to CRI {runtime.version.api_version}")


def _remedy(fault: port.RuntimeFault | None) -> str:
    match fault:
        case port.NotCri():
            return (
                "give the runtime's own socket, not another program's; in "
                "/etc/containerd/config.toml remove cri from disabled_plugins and restart it"
            )
        case port.DeadlinePassed():
            return "it hangs: look at its log (journalctl -u containerd) and restart it"
        case _ if "run as root" in str(fault):
            return "sudo staticlet doctor"
        case _:
            return "start it: systemctl start containerd; its log: journalctl -u containerd"


def _numbers(text: str) -> tuple[int, int] | None:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def ready(runtime: Runtime) -> Verdict:
    """The runtime's own word on itself."""
    return _condition(
        runtime,
        "RuntimeReady",
        "look at its log (journalctl -u containerd) and restart it",
    )


def network_ready(runtime: Runtime) -> Verdict:
    """The runtime's own word on the network of pods."""
    return _condition(
        runtime,
        "NetworkReady",
        "give it a network configuration (see cni-config), or use `staticlet up`, which makes "
        "one; until then only pods with hostNetwork run",
    )


def _condition(runtime: Runtime, kind: str, remedy: str) -> Verdict:
    if runtime.inspection is None:
        return verdict.skipped(_UNASKED)
    for each in runtime.inspection.conditions:
        if each.type == kind:
            if each.status:
                return verdict.good(f"the runtime says {kind}")
            words = ": ".join(filter(None, (each.reason, each.message))) or "and no more"
            return verdict.fail(f"the runtime says not {kind}: {words}", remedy)
    return verdict.skipped(f"{_UNSAID} whether it is {kind}")


def cgroup_driver(settings: Settings, machine: Machine, runtime: Runtime) -> Verdict:
    """Two drivers on one machine make two trees of groups, and limits that do not hold."""
    if runtime.inspection is None:
        return verdict.skipped(_UNASKED)
    named = runtime.driver
    told = named is not None
    if named is None and runtime.inspection.systemd_cgroup is not None:
        named = "systemd" if runtime.inspection.systemd_cgroup else "cgroupfs"
    if named == "systemd" and not machine.systemd:
        return verdict.fail(
            "the runtime wants systemd to make cgroups, but systemd does not run this machine",
            "set SystemdCgroup = false in the runtime's configuration",
        )
    if named is None:
        return verdict.skipped(f"{_UNSAID} which it uses; configured is {settings.cgroup_driver}")
    if not told and named != settings.cgroup_driver:
        return verdict.fail(
            f"the runtime uses {named}, the configuration says {settings.cgroup_driver}",
            f"set cgroupDriver: {named} (--cgroup-driver={named}), or SystemdCgroup in containerd",
        )
    return verdict.good(f"{named}, as the runtime {'says' if told else 'and the settings say'}")


def sandbox_image(runtime: Runtime) -> Verdict:
    """Every pod needs it first."""
    if runtime.inspection is None:
        return verdict.skipped(_UNASKED)
    name = runtime.inspection.sandbox_image
    if not name or runtime.sandbox_image_present is None:
        return verdict.skipped(f"{_UNSAID} which one it uses")
    if runtime.sandbox_image_present:
        return verdict.good(f"{name} is there")
    return verdict.warn(
        f"{name} is not there: the first pod waits until it is pulled",
        f"pull it now (crictl pull {name}); without a registry import it, or set sandbox_image "
        "to one that is there",
    )


def snapshotter(runtime: Runtime) -> Verdict:
    """How images are laid over each other."""
    if runtime.inspection is None:
        return verdict.skipped(_UNASKED)
    name = runtime.inspection.snapshotter
    if not name:
        return verdict.skipped(_UNSAID)
    if name in SLOW_SNAPSHOTTERS:
        return verdict.warn(
            f"{name} copies every image for every container: slow, and it takes much disk",
            "put containerd's root on ext4 or xfs and set snapshotter to overlayfs",
        )
    return verdict.good(name)


CHECKS = (
    Check("runtime-socket", "the runtime's socket exists and is one", socket),
    Check(
        "runtime", "it answers to CRI v1 and is new enough (containerd 1.6, CRI-O 1.23)", answers
    ),
    Check("runtime-ready", "RuntimeReady, in the runtime's words", ready),
    Check("network-ready", "NetworkReady, in the runtime's words", network_ready),
    Check(
        "cgroup-driver", "the runtime and the settings agree; systemd needs systemd", cgroup_driver
    ),
    Check("sandbox-image", "the pause image is there", sandbox_image),
    Check("snapshotter", "one that does not copy whole images", snapshotter),
)
