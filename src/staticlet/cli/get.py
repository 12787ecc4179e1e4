"""`staticlet get`: what the agent on this machine runs, asked over its socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from staticlet.kube import core, table, yamlout

SOCKET_NAME = "staticlet.sock"
WELL_KNOWN_ROOTS = (Path("/var/lib/kubelet"), Path("/var/lib/staticlet/kubelet"))
TIMEOUT_S = 10.0


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(os.fspath(self._path))


def ask(path: Path, what: str) -> Any:
    """GET from the agent.

    Raises:
        click.ClickException: Nobody answers there; the text says what to do.
    """
    connection = _UnixConnection(path)
    try:
        connection.request("GET", what)
        reply = connection.getresponse()
        body = reply.read()
    except PermissionError as fault:
        raise click.ClickException(f"cannot open {path}: only root may ask the agent") from fault
    except (OSError, http.client.HTTPException) as fault:
        raise click.ClickException(
            f"no agent answers on {path} ({fault}); is `staticlet run` or `staticlet up` at work? "
            "give its --root-dir or --socket if it is not at the usual place"
        ) from fault
    finally:
        connection.close()
    if reply.status != http.client.OK:
        raise click.ClickException(f"the agent on {path} answered {reply.status}: {body!r}")
    return json.loads(body)


def find_socket(given: Path | None, root_dir: Path | None) -> Path:
    """The agent's socket: as given, below the given root directory, or the first that exists."""
    if given is not None:
        return given
    if root_dir is not None:
        return root_dir / SOCKET_NAME
    candidates = [root / SOCKET_NAME for root in WELL_KNOWN_ROOTS]
    return next((path for path in candidates if path.exists()), candidates[0])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--socket",
    "socket_path",
    type=click.Path(path_type=Path),
    envvar="STATICLET_SOCKET",
    help="The agent's socket.",
)
@click.option(
    "--root-dir",
    type=click.Path(path_type=Path),
    help="The agent's root directory, where its socket is.",
)
@click.pass_context
def command(ctx: click.Context, socket_path: Path | None, root_dir: Path | None) -> None:
    """Show what the agent on this machine runs."""
    ctx.obj = (socket_path, root_dir)


def _options(function: Any) -> Any:
    """The options of `get` after its noun too, where people write them."""
    function = click.option("--socket", "socket_path", type=click.Path(path_type=Path))(function)
    return click.option("--root-dir", type=click.Path(path_type=Path))(function)


def _socket(ctx: click.Context, socket_path: Path | None, root_dir: Path | None) -> Path:
    outer_socket, outer_root = ctx.obj
    return find_socket(socket_path or outer_socket, root_dir or outer_root)


@command.command("pods")
@click.argument("names", nargs=-1)
@click.option("-A", "--all-namespaces", is_flag=True, help="The pods of every namespace.")
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("-o", "--output", type=click.Choice(["wide", "yaml", "json"]))
@_options
@click.pass_context
def pods(
    ctx: click.Context,
    names: tuple[str, ...],
    all_namespaces: bool,
    namespace: str,
    output: str | None,
    socket_path: Path | None,
    root_dir: Path | None,
) -> None:
    """The pods with their status, in kubectl's columns."""
    items: list[dict[str, Any]] = ask(_socket(ctx, socket_path, root_dir), "/pods")["items"]
    if not all_namespaces:
        items = [item for item in items if item["metadata"]["namespace"] == namespace]
    if names:
        items = [item for item in items if item["metadata"]["name"] in names]
        _tell_missing(names, items)
    if output in ("yaml", "json"):
        _print_objects(items, output, single=len(names) == 1)
    elif items:
        _print_rows(items, wide=output == "wide", with_namespace=all_namespaces)
    else:
        where = "" if all_namespaces else f" in {namespace} namespace"
        click.echo(f"No resources found{where}.", err=True)


def _tell_missing(names: Sequence[str], items: Sequence[Mapping[str, Any]]) -> None:
    found = {item["metadata"]["name"] for item in items}
    missing = [name for name in names if name not in found]
    for name in missing:
        click.echo(f'Error from agent (NotFound): pods "{name}" not found', err=True)
    if missing and not items:
        sys.exit(1)


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
@_options
@click.pass_context
def manifests(
    ctx: click.Context, output: str | None, socket_path: Path | None, root_dir: Path | None
) -> None:
    """Each manifest: its pods, what became of it, and every finding with its place."""
    value: dict[str, Any] = ask(_socket(ctx, socket_path, root_dir), "/manifests")
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
