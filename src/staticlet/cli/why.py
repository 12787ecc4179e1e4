"""`staticlet why`: what the agent decided about a pod, and what led to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import click

from staticlet.cli import agentsocket, complete, lookup
from staticlet.kube import core, storytable, table, yamlout


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@agentsocket.agent_options
def command(agent: agentsocket.Agent) -> None:
    """Show what the agent decided about a pod, and what led to it."""
    del agent  # the subcommands find it in their context


@command.command("pod")
@click.argument("name", shell_complete=complete.pods)
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]))
@agentsocket.agent_options
def pod(name: str, namespace: str, output: str | None, agent: agentsocket.Agent) -> None:
    """The last decisions about a pod, the newest at the end; also of one that is gone."""
    pods = agent.ask("/pods")["items"]
    found = lookup.find_pod(_candidates(pods, agent.ask("/why")), name, namespace)
    meta = found["metadata"]
    query = urlencode({"namespace": meta["namespace"], "name": meta["name"]})
    story: dict[str, Any] = agent.ask(f"/why?{query}")
    if output == "json":
        click.echo(json.dumps(story, indent=4))
    elif output == "yaml":
        click.echo(yamlout.dump(story), nl=False)
    else:
        click.echo(_told(found, story["decisions"]), nl=False)


def _candidates(
    pods: Sequence[Mapping[str, Any]], remembered: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The pods that are there, and those that are only remembered."""
    there = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in pods}
    gone = [
        {"metadata": dict(one), "spec": {"nodeName": remembered["node"]}}
        for one in remembered["pods"]
        if (one["namespace"], one["name"]) not in there
    ]
    return [*pods, *gone]


def _told(found: Mapping[str, Any], decisions: Sequence[Mapping[str, Any]]) -> str:
    """The pod with its present state, and the story."""
    now = datetime.now(UTC)  # noqa: TID251  the ages that a person reads
    meta = found["metadata"]
    state = "gone"
    if "status" in found:
        row = table.pod_row(core.pod(found), now)
        state = f"{row.status}, {row.ready} ready, restarts: {row.restarts}"
    head = f"Pod {meta['namespace']}/{meta['name']}: {state}\n"
    if not decisions:
        return head + "\nNothing had to be decided since the agent started.\n"
    return f"{head}\n{storytable.render(decisions, now)}"
