"""Names and resolving: dnsPolicy, dnsConfig, hostAliases, the pod's host name."""

from __future__ import annotations

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, peek

_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MOST_SERVERS = 3
_MOST_SEARCHES = 32
_LONGEST_SEARCH_LIST = 2048
_LONGEST_HOST_NAME = 64


def policy(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The field `dnsPolicy`."""
    yield from errors.one_of((*path, "dnsPolicy"), peek.text(spec, "dnsPolicy"), _POLICIES)


def config(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The field `dnsConfig`, which the policy None requires."""
    at, chosen = (*path, "dnsConfig"), peek.child(spec, "dnsConfig")
    servers = peek.texts(chosen, "nameservers")
    if peek.text(spec, "dnsPolicy") == "None":
        if not peek.has(spec, "dnsConfig"):
            yield errors.required(at, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not servers:
            detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            yield errors.required((*at, "nameservers"), detail)
            return
    if len(servers) > _MOST_SERVERS:
        detail = f"must not have more than {_MOST_SERVERS} nameservers"
        yield errors.invalid((*at, "nameservers"), list(servers), detail)
    for index, server in enumerate(servers):
        yield from errors.each((*at, "nameservers", index), server, names.ip_address(server))
    yield from _searches(peek.texts(chosen, "searches"), (*at, "searches"))
    for index, option in enumerate(peek.objects(chosen, "options")):
        if not peek.text(option, "name"):
            yield errors.required((*at, "options", index), "must not be empty")


def _searches(searches: tuple[str, ...], path: fieldpath.Path) -> errors.Errors:
    if len(searches) > _MOST_SEARCHES:
        detail = f"must not have more than {_MOST_SEARCHES} search paths"
        yield errors.invalid(path, list(searches), detail)
    if names.byte_length(" ".join(searches)) > _LONGEST_SEARCH_LIST:
        detail = (
            f"must not have more than {_LONGEST_SEARCH_LIST} characters "
            "(including spaces) in the search list"
        )
        yield errors.invalid(path, list(searches), detail)
    for index, search in enumerate(searches):
        if search != ".":
            name = search.removesuffix(".")
            messages = names.dns_subdomain_with_underscore(name)
            yield from errors.each((*path, index), name, messages)


def host_aliases(aliases: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """Lines for the pod's hosts file."""
    for index, alias in enumerate(aliases):
        address = peek.text(alias, "ip")
        yield from errors.each((*path, index, "ip"), address, names.ip_address(address))
        for position, name in enumerate(peek.texts(alias, "hostnames")):
            at = (*path, index, "hostnames", position)
            yield from errors.each(at, name, names.dns_subdomain(name))


def host_name(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The fields `hostname` and `subdomain`."""
    for field in ("hostname", "subdomain"):
        if name := peek.text(spec, field):
            yield from errors.each((*path, field), name, names.dns_label(name))


def host_name_override(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The field `hostnameOverride`: a whole name, of a pod off the host's network."""
    if not peek.has(spec, "hostnameOverride"):
        return
    at, name = (*path, "hostnameOverride"), peek.text(spec, "hostnameOverride")
    yield from errors.each(at, name, names.dns_subdomain(name))
    if names.byte_length(name) > _LONGEST_HOST_NAME:
        yield errors.too_long(at, _LONGEST_HOST_NAME)
    for field in ("hostNetwork", "setHostnameAsFQDN"):
        if peek.flag(spec, field):
            yield errors.forbidden(at, f"may not be specified when `{field}` is true")
