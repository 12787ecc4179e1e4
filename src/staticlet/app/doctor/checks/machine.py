"""The kernel and what we may do with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from staticlet.app.doctor import verdict
from staticlet.app.doctor.facts import Inotify, Machine, Runtime, Unit
from staticlet.app.doctor.verdict import Check, Verdict
from staticlet.host import kernel as kernels

OLDEST_KERNEL = (5, 3)
LIMITING = ("cpu", "memory", "pids")
NEEDED_NAMESPACES = ("ipc", "mnt", "net", "pid", "uts")
NEEDED_CAPABILITIES: Mapping[str, int] = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_KILL": 5,
    "CAP_NET_ADMIN": 12,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
}
CAP_SYS_RESOURCE = 24
FEW_INSTANCES = 8
FEW_WATCHES = 1024
OWN_MOUNTS = (
    "PrivateMounts",
    "PrivateTmp",
    "PrivateDevices",
    "ProtectSystem",
    "ProtectHome",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "InaccessiblePaths",
)
"""Options that give a unit a mount namespace, which hides its mounts from the runtime."""


def root(machine: Machine) -> Verdict:
    """Only root can look at everything, and run pods."""
    if machine.uid == 0:
        return verdict.good("this is root")
    return verdict.fail(
        f"this is user {machine.uid}, who can neither run pods nor see all that matters here",
        "run it as root: sudo staticlet doctor",
    )


def kernel(machine: Machine) -> Verdict:
    """Watching a process by a descriptor came with Linux 5.3; without it exits are seen late."""
    if machine.pidfd:
        return verdict.good(f"Linux {machine.release}, with pidfd_open")
    if kernels.version(machine.release) >= OLDEST_KERNEL:
        return verdict.warn(
            f"Linux {machine.release} has pidfd_open, but it is forbidden here (by seccomp?)",
            "allow the system call pidfd_open: until then ends of containers are seen late",
        )
    return verdict.warn(
        f"Linux {machine.release} has no pidfd_open: ends of containers are seen late",
        "use a kernel of 5.3 or newer",
    )


def overlayfs(machine: Machine, runtime: Runtime) -> Verdict:
    """Images are laid over each other with it, unless the runtime is told to copy them."""
    named = runtime.inspection.snapshotter if runtime.inspection else ""
    if machine.overlay:
        return verdict.good("the kernel has overlay mounts")
    if named not in ("", "overlayfs"):
        return verdict.good(f"the kernel has no overlay mounts; the runtime uses {named}")
    return verdict.fail(
        "the kernel has no overlay mounts, which the runtime lays images with",
        "load the module (modprobe overlay), or set containerd's snapshotter to native",
    )


def namespaces(machine: Machine) -> Verdict:
    """What keeps containers apart."""
    missing = [name for name in NEEDED_NAMESPACES if name not in machine.namespaces]
    if not missing:
        return verdict.good(f"the kernel has {', '.join(NEEDED_NAMESPACES)}")
    return verdict.fail(
        f"the kernel lacks namespaces: {', '.join(missing)}",
        "use a kernel with CONFIG_NAMESPACES and all kinds of namespaces, as Debian's",
    )


def cgroups(machine: Machine) -> Verdict:
    """Where limits of pods are set."""
    if machine.cgroup_version == 0:
        return verdict.fail(
            "no cgroups are mounted: containers cannot be started",
            "mount them: mount -t cgroup2 cgroup2 /sys/fs/cgroup (systemd does it at boot)",
        )
    name = f"version {machine.cgroup_version}" + (", hybrid" if machine.cgroup_hybrid else "")
    if machine.cgroup_readonly:
        return verdict.fail(
            f"cgroups ({name}) are mounted read-only: no group can be made for a pod",
            "mount /sys/fs/cgroup writable; in a container run it privileged",
        )
    missing = [each for each in LIMITING if each not in machine.controllers]
    if missing:
        return verdict.warn(
            f"cgroups of {name} lack {', '.join(missing)}: these limits of pods do not hold",
            "switch them on: in cgroup.subtree_control (version 2), or with "
            "cgroup_enable=memory on the kernel's command line",
        )
    held = f"{name}, with {', '.join(LIMITING)}"
    if machine.cgroup_version == 1:
        held += " (version 2 is better: memory limits that count swap, one tree)"
    return verdict.good(held)


def capabilities(machine: Machine, runtime: Runtime) -> Verdict:
    """Root may lack capabilities in a container or under systemd's CapabilityBoundingSet."""
    missing = [
        name for name, bit in NEEDED_CAPABILITIES.items() if not machine.capabilities >> bit & 1
    ]
    if missing:
        return verdict.fail(
            f"this process lacks {', '.join(missing)}",
            "run it with all capabilities: no CapabilityBoundingSet= in a unit, no restricted "
            "container around it",
        )
    if machine.capabilities >> CAP_SYS_RESOURCE & 1:
        return verdict.good("all that are needed are there")
    restricts = runtime.inspection.restrict_oom_score_adj if runtime.inspection else None
    lacking = "CAP_SYS_RESOURCE is missing: OOM scores cannot be lowered"
    if restricts:
        return verdict.good(f"{lacking}; the runtime knows (restrict_oom_score_adj)")
    return verdict.warn(
        f"{lacking}, and containers of some pods will not start",
        "grant CAP_SYS_RESOURCE, or set restrict_oom_score_adj = true in containerd's CRI plugin",
    )


def seccomp(machine: Machine) -> Verdict:
    """The filter of system calls that containers get by profile."""
    if machine.seccomp:
        return verdict.good("the kernel filters system calls")
    return verdict.warn(
        "the kernel has no seccomp: profiles of pods have no effect or keep them from starting",
        "use a kernel with CONFIG_SECCOMP_FILTER, as Debian's",
    )


def apparmor(machine: Machine) -> Verdict:
    """Profiles need the kernel's part and the parser."""
    if not machine.apparmor:
        return verdict.good("off: pods run without AppArmor profiles")
    if machine.apparmor_parser:
        return verdict.good("on, and its parser is installed")
    return verdict.warn(
        "on, but its parser is missing: containers run without a profile, and pods that name "
        "one do not start",
        "apt-get install apparmor",
    )


def swap(machine: Machine) -> Verdict:
    """A memory limit that does not count swap is none."""
    if not machine.swap_bytes:
        return verdict.good("there is none")
    size = f"{machine.swap_bytes / 2**30:.1f} GiB"
    if machine.swap_controlled:
        return verdict.good(f"{size}; containers with a memory limit get none of it")
    return verdict.warn(
        f"{size}, and the kernel cannot limit it: containers go past their memory limit into swap",
        "swapoff -a, and remove it from /etc/fstab; or boot with swapaccount=1",
    )


def inotify(inotify: Inotify) -> Verdict:
    """How many watches of files root has left; containers of root share them."""
    limits = f"{inotify.watches} watches, {inotify.instances} instances"
    raise_them = (
        "raise fs.inotify.max_user_instances and fs.inotify.max_user_watches: "
        "sysctl -w fs.inotify.max_user_instances=8192, and the same in /etc/sysctl.d"
    )
    if inotify.used is None:
        left, told = inotify.instances, limits
    else:
        left = inotify.instances - inotify.used
        told = f"{limits}, of which root uses {inotify.used}"
    if left <= 0:
        return verdict.fail(f"{told}: none is left, so changes are seen late", raise_them)
    if left < FEW_INSTANCES or inotify.watches < FEW_WATCHES:
        return verdict.warn(f"{told}: few are left", raise_them)
    return verdict.good(told)


def systemd(machine: Machine) -> Verdict:
    """What a unit must say so that containers outlive it and see its mounts."""
    if not machine.systemd:
        return verdict.skipped("systemd does not run this machine")
    if machine.units is None:
        return verdict.skipped("systemd did not answer")
    if not machine.units:
        return verdict.good("systemd runs; staticlet has no unit: see deploy/ for two")
    troubles = [words for unit in machine.units for words in _troubles(unit)]
    states = tuple(
        f"{unit.name} is {unit.properties.get('ActiveState', 'unknown')}" for unit in machine.units
    )
    if troubles:
        return verdict.fail(
            "; ".join(states),
            "mend the unit (systemctl edit), then systemctl daemon-reload; deploy/ has good ones",
            *troubles,
        )
    if any(unit.properties.get("ActiveState") == "failed" for unit in machine.units):
        return verdict.fail("; ".join(states), "read why: journalctl -u staticlet -n 50")
    return verdict.good("; ".join(states))


def _troubles(unit: Unit) -> list[str]:
    of = unit.properties
    found = []
    if of.get("KillMode", "process") != "process":
        found.append(
            f"{unit.name} has KillMode={of['KillMode']}: stopping it ends what it started; "
            "say KillMode=process"
        )
    if "-up" in unit.name and of.get("Delegate", "yes") != "yes":
        found.append(f"{unit.name} lacks Delegate=yes: systemd moves its containers' limits")
    own = [name for name in OWN_MOUNTS if of.get(name, "no") not in ("no", "")]
    if own:
        found.append(
            f"{unit.name} has {', '.join(own)}: the runtime does not see what is mounted for "
            "pods; remove them"
        )
    return found


CHECKS = (
    Check("root", "rights: only root runs pods", root),
    Check("kernel", "the kernel's version, and whether a process can be watched", kernel),
    Check("overlayfs", "overlay mounts, with which images are laid over each other", overlayfs),
    Check("namespaces", "the kinds of namespaces that containers need", namespaces),
    Check("cgroups", "version, controllers cpu, memory and pids, writable", cgroups),
    Check(
        "capabilities",
        "what root may do here; without CAP_SYS_RESOURCE the runtime must know",
        capabilities,
    ),
    Check("seccomp", "whether system calls can be filtered", seccomp),
    Check("apparmor", "whether it is on, and its parser installed", apparmor),
    Check("swap", "whether there is any, and whether it can be limited", swap),
    Check("inotify", "watches and instances that root has left", inotify),
    Check("systemd", "staticlet's units: KillMode, Delegate, no mounts of their own", systemd),
)
