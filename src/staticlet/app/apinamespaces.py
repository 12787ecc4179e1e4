"""The namespaces that every cluster has, made where they are missing."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.store.port import Key
from staticlet.apiserver.verbs import backend, perform
from staticlet.app import apioptions
from staticlet.kube import refusal

NAMES = ("default", "kube-node-lease", "kube-public", "kube-system")
SERVER = calls.User(name="system:apiserver", groups=("system:masters", "system:authenticated"))
"""Who the server is where it acts by itself."""

_RESOURCE = "namespaces"


async def make_missing(back: backend.Backend) -> tuple[str, ...]:
    """Make those that are missing.

    Returns:
        The names of those that were made.

    Raises:
        apioptions.CannotServe: The store does not take them.
    """
    missing = tuple(name for name in NAMES if back.store.get(Key(_RESOURCE, "", name)) is None)
    for name in missing:
        await _make(back, name)
    return missing


async def _make(back: backend.Backend, name: str) -> None:
    target = calls.Target(
        verb="create", path=f"/api/v1/{_RESOURCE}", version="v1", resource=_RESOURCE
    )
    call = calls.Call(
        user=SERVER, target=target, query={}, now=back.clock.now(), manager="staticlet"
    )
    body = b'{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"%b"}}' % name.encode()
    try:
        await perform.perform(back, call, body, "application/json")
    except refusal.Refusal as refused:
        if refused.reason != "AlreadyExists":  # another was quicker
            raise apioptions.CannotServe(
                f"cannot make the namespace {name}: {refused.message}"
            ) from refused
