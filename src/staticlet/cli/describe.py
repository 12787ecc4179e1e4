"""`staticlet describe`: everything about one pod, laid out as `kubectl describe` does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from staticlet.cli import agentsocket, complete, lookup
from staticlet.kube.describe import pod as describing


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@agentsocket.agent_options
def command(agent: agentsocket.Agent) -> None:
    """Show everything about a pod: its state, its manifest and its last events."""
    del agent  # the subcommands find it in their context


@command.command("pod")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.pods)
@click.option("-n", "--namespace", default="default", show_default=True)
@agentsocket.agent_options
def pod(names: tuple[str, ...], namespace: str, agent: agentsocket.Agent) -> None:
    """One pod, or several; each by its name, with or without the node's at the end."""
    pods = agent.ask("/pods")["items"]
    found = [lookup.find_pod(pods, name, namespace) for name in names]
    manifests = agent.ask("/manifests")["manifests"]
    events = agent.ask("/events")["items"]
    now = datetime.now(UTC)  # noqa: TID251  the ages that a person reads
    texts = [
        describing.describe(
            one,
            manifest=next((m for m in manifests if _is_of(one, m)), None),
            events=[event for event in events if _is_about(one, event)],
            now=now,
        )
        for one in found
    ]
    click.echo("\n\n".join(texts), nl=False)


def _is_of(pod: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    """Whether it is the manifest that holds the pod; one in conflict only claims it."""
    meta = pod["metadata"]
    wanted = {"namespace": meta["namespace"], "name": meta["name"]}
    return wanted in manifest["pods"] and manifest["state"] != "Conflict"


def _is_about(pod: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    about, meta = event["involvedObject"], pod["metadata"]
    named = (about["kind"], about["namespace"], about["name"])
    return named == ("Pod", meta["namespace"], meta["name"])


for other in ("pods", "po"):
    command.add_command(
        click.Command(other, callback=pod.callback, params=pod.params, hidden=True)
    )
