"""`staticlet config`: the settings that `run` would have with these flags, and their origins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from staticlet.cli import options
from staticlet.config import flags, load
from staticlet.kube import yamlout


@click.command(short_help="Print the effective settings and where each came from.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    help="How to print them.  [default: text]",
)
@options.kubelet_options
def command(*, output: str, given: flags.Given) -> None:
    """Print the effective settings and where each came from.

    Takes the flags of `staticlet run` and does what it would do with them, short of running.
    Header values are masked.
    """
    loaded = options.settle(given)
    options.tell(loaded.findings)
    if output == "json":
        click.echo(json.dumps(_data(loaded), indent=2, ensure_ascii=False))
    elif output == "yaml":
        click.echo(yamlout.dump(_data(loaded)), nl=False)
    else:
        click.echo("\n".join(_table(loaded)))


def _data(loaded: load.Loaded) -> dict[str, Any]:
    return {
        "settings": [
            {"field": value.field, "value": value.shown, "origin": value.origin}
            for value in loaded.values
        ],
        "withoutEffect": [{"name": one.name, "origin": one.origin} for one in loaded.ineffective],
    }


def _table(loaded: load.Loaded) -> Iterator[str]:
    rows = [(f"{one.field}:", _plain(one.shown), one.origin) for one in loaded.values]
    fields = max(len(field) for field, _, _ in rows)
    values = min(max(len(value) for _, value, _ in rows), 48)
    for field, value, origin in rows:
        yield f"{field:<{fields}} {value:<{values}}  # {origin}"
    if loaded.ineffective:
        yield ""
        yield "# Accepted, without effect here:"
        for one in loaded.ineffective:
            yield f"#   {one.name}  ({one.origin})"


def _plain(value: Any) -> str:
    """A value on one line, as YAML."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return yamlout.dump(value).strip() if value != "" else '""'
