"""Security contexts of pods and containers, user namespaces."""

from __future__ import annotations

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, peek, profiles, windows

_HOST_USERS = "when `pod.Spec.HostUsers` is false"
# The parameters that Linux keeps per network or IPC namespace, as the kubelet groups them.
_NET_SYSCTLS = ("net.",)
_IPC_SYSCTLS = ("fs.mqueue.", "kernel.msg", "kernel.sem", "kernel.shm")


def check_pod(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The pod's `securityContext`, and what it must not be combined with."""
    context, at = peek.child(spec, "securityContext"), (*path, "securityContext")
    yield from _ids(context, at, ("fsGroup", "runAsUser", "runAsGroup"))
    for index, group in enumerate(peek.numbers(context, "supplementalGroups")):
        if group is not None:
            messages = names.user_or_group_id(group)
            yield from errors.each((*at, "supplementalGroups", index), group, messages)
    if peek.flag(spec, "shareProcessNamespace") and peek.flag(spec, "hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        at_flag = (*path, "shareProcessNamespace")
        yield errors.invalid(at_flag, spec["shareProcessNamespace"], detail)
    yield from _sysctls(spec, peek.objects(context, "sysctls"), (*at, "sysctls"))
    yield from _choices(context, at)
    yield from profiles.seccomp(context, at)
    yield from windows.options(context, at)
    yield from profiles.app_armor(context, at)


def check_container(
    container: peek.Object, path: fieldpath.Path, *, host_users: bool
) -> errors.Errors:
    """A container's `securityContext`.

    Args:
        container: The container.
        path: Where it stands.
        host_users: Whether the pod shares the host's user namespace.
    """
    context, at = peek.child(container, "securityContext"), (*path, "securityContext")
    yield from _ids(context, at, ("runAsUser", "runAsGroup"))
    proc = peek.text(context, "procMount")
    yield from errors.one_of((*at, "procMount"), proc, ("Default", "Unmasked"))
    if host_users and proc == "Unmasked":
        detail = "`hostUsers` must be false to use `Unmasked`"
        yield errors.invalid((*at, "procMount"), proc, detail)
    yield from profiles.seccomp(context, at)
    if peek.flag(context, "allowPrivilegeEscalation") is False:
        cannot = "cannot set `allowPrivilegeEscalation` to false and"
        if peek.flag(context, "privileged"):
            yield errors.invalid(at, dict(context), f"{cannot} `privileged` to true")
        if "CAP_SYS_ADMIN" in peek.texts(peek.child(context, "capabilities"), "add"):
            detail = f"{cannot} `capabilities.Add` CAP_SYS_ADMIN"
            yield errors.invalid(at, dict(context), detail)
    yield from windows.options(context, at)
    yield from profiles.app_armor(context, at)


def host_users(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A user namespace of the pod's own goes with no other namespace of the host."""
    if peek.flag(spec, "hostUsers") is not False:
        return
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if peek.flag(spec, field):
            yield errors.forbidden((*path, field), _HOST_USERS)


def _ids(context: peek.Object, path: fieldpath.Path, fields: tuple[str, ...]) -> errors.Errors:
    for field in fields:
        number = peek.number(context, field)
        if number is not None:
            yield from errors.each((*path, field), number, names.user_or_group_id(number))


def _choices(context: peek.Object, path: fieldpath.Path) -> errors.Errors:
    for field, allowed in (
        ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ):
        yield from errors.one_of((*path, field), peek.text(context, field), allowed)


def _sysctls(
    spec: peek.Object, sysctls: tuple[peek.Object, ...], path: fieldpath.Path
) -> errors.Errors:
    seen: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        name, at = peek.text(sysctl, "name"), (*path, index, "name")
        messages = names.sysctl_name(name) if name else ()
        if not name:
            yield errors.required(at)
        yield from errors.each(at, name, messages)
        if not messages and name in seen:
            yield errors.duplicate(at, name)
        seen.add(name)
        dotted = name.replace("/", ".")
        if peek.flag(spec, "hostNetwork") and dotted.startswith(_NET_SYSCTLS):
            yield errors.invalid(at, name, "may not be specified when 'hostNetwork' is true")
        elif peek.flag(spec, "hostIPC") and dotted.startswith(_IPC_SYSCTLS):
            yield errors.invalid(at, name, "may not be specified when 'hostIPC' is true")
