"""The namespaces that every cluster has, made where they are missing."""

from __future__ import annotations

from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources import namespaces
from staticlet.apiserver.store.port import Key
from staticlet.apiserver.verbs import backend
from staticlet.app import apioptions
from staticlet.kube import refusal

NAMES = ("default", "kube-node-lease", "kube-public", "kube-system")

_KIND = namespaces.NAMESPACES


async def make_missing(back: backend.Backend) -> None:
    """Make those that are missing.

    Raises:
        apioptions.CannotServe: The store does not take them.
    """
    does = hands.Hands(back, "staticlet")
    for name in NAMES:
        if back.store.get(Key(_KIND.key_resource, "", name)) is not None:
            continue
        try:
            await does.create(_KIND, "", {"metadata": {"name": name}})
        except refusal.Refusal as refused:
            raise apioptions.CannotServe(
                f"cannot make the namespace {name}: {refused.message}"
            ) from refused
