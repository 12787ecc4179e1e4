"""`staticlet get`: what the agent on this machine runs, asked over its socket."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from staticlet.cli import agentsocket, lookup
from staticlet.kube import core, table, yamlout

ask = agentsocket.ask
"""Where callers used to find it."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@agentsocket.agent_options
def command(agent: agentsocket.Agent) -> None:
    """Show what the agent on this machine runs."""
    del agent  # the subcommands find it in their context


@command.command("pods")
@click.argument("names", nargs=-1)
@click.option("-A", "--all-namespaces", is_flag=True, help="The pods of every namespace.")
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("-o", "--output", type=click.Choice(["wide", "yaml", "json"]))
@agentsocket.agent_options
def pods(
    names: tuple[str, ...],
    all_namespaces: bool,
    namespace: str,
    output: str | None,
    agent: agentsocket.Agent,
) -> None:
    """The pods with their status, in kubectl's columns."""
    items: list[dict[str, Any]] = agent.ask("/pods")["items"]
    if names:
        items = _chosen(items, names, None if all_namespaces else namespace)
    elif not all_namespaces:
        items = [item for item in items if item["metadata"]["namespace"] == namespace]
    if output in ("yaml", "json"):
        _print_objects(items, output, single=len(names) == 1)
    elif items:
        _print_rows(items, wide=output == "wide", with_namespace=all_namespaces)
    else:
        where = "" if all_namespaces else f" in {namespace} namespace"
        click.echo(f"No resources found{where}.", err=True)


def _chosen(
    items: Sequence[dict[str, Any]], names: Sequence[str], namespace: str | None
) -> list[dict[str, Any]]:
    """The pods of these names; those that are not there are told, and are all if none is."""
    chosen: list[dict[str, Any]] = []
    for name in names:
        try:
            chosen.append(dict(lookup.find_pod(items, name, namespace)))
        except lookup.NotFound as missing:
            missing.show()
    if not chosen:
        sys.exit(1)
    return chosen


def _print_objects(items: list[dict[str, Any]], output: str, *, single: bool) -> None:
    value: dict[str, Any] = (
        items[0]
        if single and items
        else {"apiVersion": "v1", "kind": "List", "items": items, "metadata": {}}
    )
    click.echo(json.dumps(value, indent=4) if output == "json" else yamlout.dump(value), nl=False)
    if output == "json":
        click.echo()


def _print_rows(items: list[dict[str, Any]], *, wide: bool, with_namespace: bool) -> None:
    now = datetime.now(UTC)  # noqa: TID251  the age that a person reads
    rows = [table.pod_row(core.pod(item), now) for item in items]
    headings = table.columns(wide=wide, with_namespace=with_namespace)
    cells = [row.cells(wide=wide, with_namespace=with_namespace) for row in rows]
    click.echo(table.render(headings, cells), nl=False)


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
