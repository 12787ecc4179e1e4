"""The sentence of a denial, as kube-apiserver writes it. Pure."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.kube import quoting, refusal


def words(user: calls.User, target: calls.Target, reason: str = "") -> refusal.Refusal:
    """The refusal (403) of what a user may not do.

    Args:
        user: Who.
        target: What.
        reason: Why not, where there is more to say than that no rule allows it.
    """
    why = sentence(user, target)
    if reason:
        why += f": {reason}"
    if not target.is_resource:
        return refusal.Refusal(403, "Forbidden", f"forbidden: {why}", details={})
    return refusal.forbidden(target.group_resource, target.name, why)


def sentence(user: calls.User, target: calls.Target) -> str:
    """Who cannot do what."""
    who = f"User {quoting.quoted(user.name)} cannot {target.verb}"
    if not target.is_resource:
        return f"{who} path {quoting.quoted(target.path)}"
    resource = target.resource
    if target.subresource:
        resource += f"/{target.subresource}"
    where = "at the cluster scope"
    if target.namespace:
        where = f"in the namespace {quoting.quoted(target.namespace)}"
    group = quoting.quoted(target.group)
    return f"{who} resource {quoting.quoted(resource)} in API group {group} {where}"
