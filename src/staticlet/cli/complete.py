"""Completions that ask the agent: names of pods and of containers. Silent when none answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from staticlet.cli import agentsocket, lookup

TIMEOUT_S = 0.5
"""Who waits for a completion waits no longer."""


def pods(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of pods that begin so, in the namespace that was given."""
    del param
    every = bool(_given(ctx, "all_namespaces"))
    namespace = None if every else _given(ctx, "namespace")
    names = [
        item["metadata"]["name"]
        for item in _items(ctx)
        if namespace is None or item["metadata"]["namespace"] == namespace
    ]
    return [name for name in names if name.startswith(incomplete)]


def containers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of the containers of the pod that was named before."""
    del param
    name = _given(ctx, "name") or next(iter(ctx.args), "")  # not parsed after a bare -c
    if not name:
        return []
    try:
        pod = lookup.find_pod(_items(ctx), name, _given(ctx, "namespace"))
    except lookup.NotFound:
        return []
    spec = pod.get("spec", {})
    every = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return [one["name"] for one in every if one["name"].startswith(incomplete)]


def _items(ctx: click.Context) -> list[Mapping[str, Any]]:
    try:
        answer = agentsocket.ask(_socket(ctx), "/pods", timeout_s=TIMEOUT_S)
        items: list[Mapping[str, Any]] = answer["items"]
    except (click.ClickException, json.JSONDecodeError):
        return []
    return items


def _socket(ctx: click.Context) -> Path:
    given = _given(ctx, "agent_socket") or os.environ.get("STATICLET_SOCKET")
    root = _given(ctx, "agent_root_dir")
    return agentsocket.find_socket(Path(given) if given else None, Path(root) if root else None)


def _given(ctx: click.Context, name: str) -> Any:
    """What the command line has for a parameter, in this command or one around it."""
    at: click.Context | None = ctx
    while at is not None:
        if at.params.get(name) is not None:
            return at.params[name]
        at = at.parent
    return None
