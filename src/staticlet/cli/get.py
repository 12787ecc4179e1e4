"""`staticlet get`: what the agent on this machine runs, asked over its socket."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from staticlet.cli import agentsocket, getevents, getpods
from staticlet.kube import table, yamlout


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@agentsocket.agent_options
def command(agent: agentsocket.Agent) -> None:
    """Show what the agent on this machine runs."""
    del agent  # the subcommands find it in their context


command.add_command(getpods.command)
command.add_command(getevents.command)


@command.command("manifests")
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]))
@agentsocket.agent_options
def manifests(output: str | None, agent: agentsocket.Agent) -> None:
    """Each manifest: its pods, what became of it, and every finding with its place."""
    value: dict[str, Any] = agent.ask("/manifests")
    if output == "json":
        click.echo(json.dumps(value, indent=4))
    elif output == "yaml":
        click.echo(yamlout.dump(value), nl=False)
    else:
        click.echo(manifest_table(value), nl=False)


def manifest_table(value: Mapping[str, Any]) -> str:
    """A row a manifest, and below the table every finding in full."""
    rows = [
        (
            one["origin"],
            one["state"],
            ",".join(f"{p['namespace']}/{p['name']}" for p in one["pods"]) or "<none>",
            one["note"] or _count(one["findings"]),
        )
        for one in value["manifests"]
    ]
    if not rows:
        text = "No manifests found.\n"
    else:
        text = table.render(("MANIFEST", "STATE", "PODS", "FINDINGS"), rows)
    findings = [f for one in value["manifests"] for f in one["findings"]] + value["findings"]
    if findings:
        text += "\n" + "".join(
            f["text"] + (" [warning]" if f["severity"] == "warning" else "") + "\n"
            for f in findings
        )
    return text


def _count(findings: Sequence[Mapping[str, Any]]) -> str:
    errors = sum(one["severity"] == "error" for one in findings)
    warnings = len(findings) - errors
    parts = [
        f"{number} {word}{'s' * (number != 1)}"
        for number, word in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    return ", ".join(parts) or "<none>"
