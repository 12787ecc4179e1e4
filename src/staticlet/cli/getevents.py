"""`staticlet get events`: what happened to the pods, in kubectl's columns."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from staticlet.cli import agentsocket
from staticlet.kube import eventtable, yamlout


@click.command("events")
@click.option("-A", "--all-namespaces", is_flag=True, help="The events of every namespace.")
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("-o", "--output", type=click.Choice(["wide", "yaml", "json"]))
@agentsocket.agent_options
def command(
    all_namespaces: bool, namespace: str, output: str | None, agent: agentsocket.Agent
) -> None:
    """What happened to the pods since the agent started, the last at the end."""
    items: list[dict[str, Any]] = agent.ask("/events")["items"]
    if not all_namespaces:
        items = [one for one in items if one["metadata"]["namespace"] == namespace]
    if output in ("yaml", "json"):
        value = {"apiVersion": "v1", "kind": "List", "items": items, "metadata": {}}
        click.echo(
            json.dumps(value, indent=4) if output == "json" else yamlout.dump(value).rstrip("\n")
        )
    elif items:
        now = datetime.now(UTC)  # noqa: TID251  the ages that a person reads
        text = eventtable.render(items, now, wide=output == "wide", with_namespace=all_namespaces)
        click.echo(text, nl=False)
    else:
        where = "" if all_namespaces else f" in {namespace} namespace"
        click.echo(f"No resources found{where}.", err=True)
