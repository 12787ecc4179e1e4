"""The operating system of a pod, and the fields that only one of the two knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, peek

_LONGEST_SPEC = 64 * 1024
_LONGEST_DOMAIN = 255
_LONGEST_USER = 104
_NETBIOS = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}')
_DNS_PART = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS = re.compile(rf"{_DNS_PART}(?:\.{_DNS_PART})*")
_BAD_USER = re.compile(r'["/\\:;|=,+*?<>@\[\]]')
_NOT_FOR_WINDOWS = "cannot be set for a windows pod"
_NOT_FOR_LINUX = "windows options cannot be set for a linux pod"
_LINUX_SPEC = ("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace")
_LINUX_POD = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
)
_LINUX_CONTAINER = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)
Containers = Sequence[tuple[fieldpath.Path, peek.Object]]


def options(context: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The `windowsOptions` of a security context."""
    chosen, path = peek.child(context, "windowsOptions"), (*path, "windowsOptions")
    if name := peek.text(chosen, "gmsaCredentialSpecName"):
        at = (*path, "gmsaCredentialSpecName")
        yield from errors.each(at, name, names.dns_subdomain(name))
    if peek.has(chosen, "gmsaCredentialSpec"):
        spec, at = peek.text(chosen, "gmsaCredentialSpec"), (*path, "gmsaCredentialSpec")
        if not spec:
            yield errors.invalid(at, spec, "gmsaCredentialSpec cannot be an empty string")
        elif names.byte_length(spec) > _LONGEST_SPEC:
            yield errors.invalid(at, spec, "gmsaCredentialSpec size must be under 64 KiB")
    if peek.has(chosen, "runAsUserName"):
        account = peek.text(chosen, "runAsUserName")
        for problem in _account_problems(account):
            yield errors.invalid((*path, "runAsUserName"), account, problem)


def operating_system(
    spec: peek.Object, path: fieldpath.Path, containers: Containers
) -> errors.Errors:
    """The field `os`, and the fields that the named system does not have."""
    if not peek.has(spec, "os"):
        return
    name = peek.text(peek.child(spec, "os"), "name")
    if not name:
        yield errors.required((*path, "os", "name"), "cannot be empty")
    yield from errors.one_of((*path, "os", "name"), name, ("linux", "windows"))
    if name == "linux":
        for at, holder in _contexts(spec, path, containers):
            if peek.has(holder, "windowsOptions"):
                yield errors.forbidden((*at, "windowsOptions"), _NOT_FOR_LINUX)
    elif name == "windows":
        yield from _windows_pod(spec, path, containers)


def host_process(spec: peek.Object, path: fieldpath.Path, containers: Containers) -> errors.Errors:
    """Host process containers: all of a pod's containers or none, on the host's network."""
    of_pod = _host_process(peek.child(spec, "securityContext"))
    count = 0
    for at, container in containers:
        own = _host_process(peek.child(container, "securityContext"))
        if None not in (of_pod, own) and of_pod is not own:
            was = "true" if of_pod else "false"
            detail = f"pod hostProcess value must be identical if both are specified, was {was}"
            where = (*at, "securityContext", "windowsOptions", "hostProcess")
            yield errors.invalid(where, own, detail)
        count += bool(of_pod if own is None else own)
    if not count:
        return
    if count != len(containers):
        detail = (
            "If pod contains any hostProcess containers then all containers must be "
            "HostProcess containers"
        )
        yield errors.invalid(path, "", detail)
    network = peek.flag(spec, "hostNetwork") or False
    if not network:
        detail = "hostNetwork must be true if pod contains any hostProcess containers"
        yield errors.invalid((*path, "hostNetwork"), network, detail)


def _windows_pod(spec: peek.Object, path: fieldpath.Path, containers: Containers) -> errors.Errors:
    for field in _LINUX_SPEC:
        # False is what an absent flag means, but for these two even that says something.
        says_something = field in ("hostUsers", "shareProcessNamespace")
        if peek.has(spec, field) if says_something else peek.flag(spec, field):
            yield errors.forbidden((*path, field), _NOT_FOR_WINDOWS)
    for index, (at, holder) in enumerate(_contexts(spec, path, containers)):
        for field in _LINUX_CONTAINER if index else _LINUX_POD:
            if peek.has(holder, field):
                yield errors.forbidden((*at, field), _NOT_FOR_WINDOWS)


def _contexts(
    spec: peek.Object, path: fieldpath.Path, containers: Containers
) -> list[tuple[fieldpath.Path, peek.Object]]:
    """The pod's security context, then those of its containers."""
    holders = [(path, spec), *containers]
    return [
        ((*at, "securityContext"), peek.child(holder, "securityContext")) for at, holder in holders
    ]


def _host_process(context: peek.Object) -> bool | None:
    return peek.flag(peek.child(context, "windowsOptions"), "hostProcess")


def _account_problems(account: str) -> list[str]:
    r"""What is wrong with an account, written as `DOMAIN\user` or `user`."""
    if not account:
        return ["runAsUserName cannot be an empty string"]
    if any(char < " " or char == "\x7f" for char in account):
        return ["runAsUserName cannot contain control characters"]
    if account.count("\\") > 1:
        return ["runAsUserName cannot contain more than one backslash"]
    domain, has_domain, user = account.rpartition("\\")
    found = []
    if len(domain) > _LONGEST_DOMAIN:
        found.append("runAsUserName's Domain length must be under 256 characters")
    if has_domain and not (_NETBIOS.fullmatch(domain) or _DNS.fullmatch(domain)):
        found.append("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    if not user:
        found.append("runAsUserName's User cannot be empty")
    elif len(user) > _LONGEST_USER:
        found.append("runAsUserName's User length must not be longer than 104 characters")
    if user and not user.strip(". "):
        found.append("runAsUserName's User cannot contain only periods or spaces")
    if _BAD_USER.search(user):
        bad = '"/\\:;|=,+*?<>@[]'
        found.append(f"runAsUserName's User cannot contain the following characters: {bad}")
    return found
