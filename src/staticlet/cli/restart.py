"""`staticlet restart pod`: stop a pod with its grace and start it again, without a back-off."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import click

from staticlet.cli import agentsocket, agentstream, complete, lookup

WAIT_S = 60.0

Item = Mapping[str, Any]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@agentsocket.agent_options
def command(agent: agentsocket.Agent) -> None:
    """Restart what the agent on this machine runs."""
    del agent  # the subcommands find it in their context


@command.command("pod")
@click.argument("name", shell_complete=complete.pods)
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option(
    "--wait/--no-wait", default=True, help="Wait up to a minute until it runs again (the default)."
)
@agentsocket.agent_options
def pod(name: str, namespace: str, wait: bool, agent: agentsocket.Agent) -> None:
    """Restart all containers of a pod, with its grace period; also of one that has finished."""
    found = lookup.find_pod(agent.ask("/pods")["items"], name, namespace)
    meta = found["metadata"]
    query = urllib.parse.urlencode({"namespace": meta["namespace"], "name": meta["name"]})
    with agentstream.opened(agent, "/pods?watch=1") as stream:
        with agentstream.opened(agent, f"/restart?{query}", method="POST") as answer:
            before = json.loads(b"".join(answer.pieces()))
        if wait:
            _await(stream, before or found)
    click.echo(f"pod/{meta['name']} restarted")


def _await(stream: agentstream.Stream, before: Item) -> None:
    """Return when all containers of the pod have begun another life.

    Raises:
        click.ClickException: They have not within a minute; the text says why.
    """
    old = frozenset(_ids(before))
    latest: Item = before
    ends = time.monotonic() + WAIT_S
    events = stream.events()
    while True:
        stream.allow(max(0.01, ends - time.monotonic()))
        try:
            event = next(events, None)
        except TimeoutError:
            event = None
        name = before["metadata"]["name"]
        if event is None or time.monotonic() > ends:
            raise click.ClickException(
                f"pod/{name} does not run again within {WAIT_S:g}s: {why_not(latest, old)}"
            )
        if _same(event["object"], before):
            latest = event["object"]
            if event["type"] == "DELETED":
                raise click.ClickException(f"pod/{name} is gone: {why_gone(latest)}")
            if runs_again(latest, old):
                return


def _same(one: Item, other: Item) -> bool:
    names = ("namespace", "name")
    return all(one["metadata"].get(name) == other["metadata"].get(name) for name in names)


def _statuses(shown: Item) -> Iterator[Mapping[str, Any]]:
    yield from shown.get("status", {}).get("containerStatuses") or ()


def _ids(shown: Item) -> Iterator[str]:
    return (one["containerID"] for one in _statuses(shown) if one.get("containerID"))


def runs_again(shown: Item, old: frozenset[str]) -> bool:
    """Whether every container is in another life than those: running, or ended already."""
    statuses = [*_statuses(shown)]
    return bool(statuses) and all(_is_new(one, old) for one in statuses)


def _is_new(one: Mapping[str, Any], old: frozenset[str]) -> bool:
    state = one.get("state") or {}
    began = "running" in state or "terminated" in state
    return began and bool(one.get("containerID")) and one["containerID"] not in old


def why_gone(shown: Item) -> str:
    """Why a pod is not there any more, by where it came from."""
    source = (shown["metadata"].get("annotations") or {}).get("kubernetes.io/config.source")
    return "it was deleted in the API server" if source == "api" else "its manifest was removed"


def why_not(shown: Item, old: frozenset[str]) -> str:
    """What keeps a pod from running again, in one line."""
    status = shown.get("status", {})
    if status.get("message"):
        return str(status["message"])
    for kind in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(kind) or ():
            state = one.get("state") or {}
            waiting = state.get("waiting") or {}
            if waiting.get("message"):
                return f"container {one['name']}: {waiting['reason']}: {waiting['message']}"
            if "running" in state and kind == "initContainerStatuses":
                return f"init container {one['name']} still runs"
            if "running" in state and one.get("containerID") in old:
                return f"container {one['name']} is still being stopped"
    return f"its phase is {status.get('phase', 'unknown')}; see `staticlet describe pod`"
