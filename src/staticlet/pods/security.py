"""Who a container runs as and what it may do: from security contexts to the CRI's.

Follows `determineEffectiveSecurityContext`: a container's field wins over the pod's. Images that
ask for no user run as root, so that `runAsNonRoot` refuses them before anything runs. Without a
seccomp profile a container is unconfined unless the settings say otherwise, as with the kubelet.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TypeVar

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import fields
from staticlet.pods.faults import ConfigFault
from staticlet.pods.wanted import WantedPod
from staticlet.runtime import port

MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

T = TypeVar("T")

_RUNTIME_DEFAULT = port.SecurityProfile(type=port.ProfileType.RUNTIME_DEFAULT)
_UNCONFINED = port.SecurityProfile(type=port.ProfileType.UNCONFINED)
_FIXED_PROFILES = {"RuntimeDefault": _RUNTIME_DEFAULT, "Unconfined": _UNCONFINED}


def namespaces(pod: core.Pod) -> port.Namespaces:
    """Which namespaces the pod shares with the machine, and its containers with each other."""
    spec = fields.spec(pod)
    pid = port.NamespaceMode.CONTAINER
    if spec.hostPID:
        pid = port.NamespaceMode.NODE
    elif spec.shareProcessNamespace:
        pid = port.NamespaceMode.POD
    return port.Namespaces(
        network=port.NamespaceMode.NODE if spec.hostNetwork else port.NamespaceMode.POD,
        ipc=port.NamespaceMode.NODE if spec.hostIPC else port.NamespaceMode.POD,
        pid=pid,
    )


def is_privileged(pod: core.Pod) -> bool:
    """Whether any container of the pod is privileged: its sandbox must be so too."""
    return any(fields.is_privileged(container) for container in fields.all_containers(pod))


def supplemental_groups(pod: core.Pod) -> tuple[int, ...]:
    """The additional groups of every process in the pod: fsGroup first."""
    context = fields.security(pod)
    own = () if context.fsGroup is None else (context.fsGroup,)
    return (*own, *(context.supplementalGroups or ()))


def selinux(options: core.SELinuxOptions | None) -> port.SELinuxOptions | None:
    """An SELinux context in the CRI's form."""
    if options is None:
        return None
    return port.SELinuxOptions(
        user=options.user or "",
        role=options.role or "",
        type=options.type or "",
        level=options.level or "",
    )


def container_security(
    wanted: WantedPod, container: core.Container, *, image: port.Image, settings: Settings
) -> port.ContainerSecurity:
    """The security context of a container.

    Raises:
        ConfigFault: It must not run as root but would, or a profile of it can not be used.
    """
    pod, own, whole = (
        wanted.pod,
        fields.container_security(container),
        fields.security(wanted.pod),
    )
    check_non_root(wanted, container, image)
    uid = _first(own.runAsUser, whole.runAsUser)
    of_image = uid is None
    capabilities = own.capabilities or core.Capabilities()
    bare = own.procMount == "Unmasked"
    return port.ContainerSecurity(
        privileged=bool(own.privileged),
        add_capabilities=tuple(capabilities.add or ()),
        drop_capabilities=tuple(capabilities.drop or ()),
        namespaces=namespaces(pod),
        run_as_user=image_user(image) if of_image else uid,
        run_as_username=image.username if of_image and image.uid is None else "",
        run_as_group=_first(own.runAsGroup, whole.runAsGroup),
        supplemental_groups=supplemental_groups(pod),
        readonly_rootfs=bool(own.readOnlyRootFilesystem),
        no_new_privs=own.allowPrivilegeEscalation is False,
        masked_paths=() if bare else MASKED_PATHS,
        readonly_paths=() if bare else READONLY_PATHS,
        seccomp=seccomp(own.seccompProfile or whole.seccompProfile, settings),
        apparmor=apparmor(own.appArmorProfile or whole.appArmorProfile),
        selinux=selinux(own.seLinuxOptions or whole.seLinuxOptions),
    )


def image_user(image: port.Image) -> int | None:
    """The numeric user of an image; root where it names none, None where it names one by name."""
    if image.uid is not None:
        return image.uid
    return None if image.username else 0


def check_non_root(wanted: WantedPod, container: core.Container, image: port.Image) -> None:
    """Refuse a container that must not run as root and would, or may.

    Raises:
        ConfigFault: With the kubelet's words.
    """
    own, whole = fields.container_security(container), fields.security(wanted.pod)
    if not _first(own.runAsNonRoot, whole.runAsNonRoot):
        return
    where = f'(pod: "{full_name(wanted)}", container: {container.name})'
    user = _first(own.runAsUser, whole.runAsUser)
    if user == 0:
        raise ConfigFault(f"container's runAsUser breaks non-root policy {where}")
    if user is not None:
        return
    user = image_user(image)
    if user == 0:
        raise ConfigFault(f"container has runAsNonRoot and image will run as root {where}")
    if user is None:
        raise ConfigFault(
            f"container has runAsNonRoot and image has non-numeric user ({image.username}), "
            f"cannot verify user is non-root {where}"
        )


def full_name(wanted: WantedPod) -> str:
    """A pod as the kubelet writes it in messages: `name_namespace(uid)`."""
    return f"{wanted.key.name}_{wanted.key.namespace}({wanted.uid})"


def seccomp(profile: core.SeccompProfile | None, settings: Settings) -> port.SecurityProfile:
    """The seccomp profile; files of type Localhost are below `<root dir>/seccomp`."""
    if profile is None:
        return _RUNTIME_DEFAULT if settings.seccomp_default else _UNCONFINED
    if profile.type == "Localhost":
        return port.SecurityProfile(
            type=port.ProfileType.LOCALHOST,
            localhost_ref=str(_seccomp_file(profile.localhostProfile or "", settings.root_dir)),
        )
    return _fixed(profile.type, "seccompProfile")


def apparmor(profile: core.AppArmorProfile | None) -> port.SecurityProfile | None:
    """The AppArmor profile; None leaves the choice to the runtime."""
    if profile is None:
        return None
    if profile.type == "Localhost":
        return port.SecurityProfile(
            type=port.ProfileType.LOCALHOST, localhost_ref=profile.localhostProfile or ""
        )
    return _fixed(profile.type, "appArmorProfile")


def _fixed(kind: str, name: str) -> port.SecurityProfile:
    if kind not in _FIXED_PROFILES:
        raise ConfigFault(f'{name} type "{kind}" is not known: use one of {_KNOWN_PROFILES}')
    return _FIXED_PROFILES[kind]


_KNOWN_PROFILES = ", ".join((*_FIXED_PROFILES, "Localhost"))


def _seccomp_file(name: str, root_dir: Path) -> Path:
    if not name:
        raise ConfigFault("localhostProfile must be set if seccompProfile type is Localhost.")
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise ConfigFault(f'localhostProfile "{name}" must be a path below {root_dir}/seccomp')
    return root_dir / "seccomp" / relative


def _first(own: T | None, whole: T | None) -> T | None:
    """The container's value, else the pod's."""
    return whole if own is None else own
