"""`staticlet doctor`: what stands in the way of pods on this machine, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import click

from staticlet.aio import clock as clocks
from staticlet.app.doctor import report
from staticlet.app.doctor.gather import everything
from staticlet.cli import options
from staticlet.config import flags, load


@click.command(short_help="Check this machine and this configuration; say what to do.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print the report.  [default: text]",
)
@click.option("--strict", is_flag=True, help="Warnings count for the exit status, too.")
@options.kubelet_options
def command(*, output: str, strict: bool, given: flags.Given) -> None:
    """Check this machine and this configuration; say what to do.

    Takes the flags of `staticlet run`; give it the same. An agent may be at work or not. Nothing
    is changed, and it ends within five seconds whatever hangs.

    The exit status is 0 when nothing is wrong, 1 when something is, and 2 when the command itself
    is wrong. Warnings count only with --strict.
    """
    lines = report.examine(
        asyncio.run(everything.gather(_loaded(given), clock=clocks.SystemClock()))
    )
    if output == "json":
        click.echo(json.dumps(report.data(lines), indent=2))
    else:
        click.echo(report.text(lines), nl=False)
        click.echo(report.summary(lines), err=True)
    raise SystemExit(report.exit_status(lines, strict=strict))


def _loaded(given: flags.Given) -> load.Loaded | load.ConfigError:
    """The configuration, or what is wrong with it: that is a finding like others here."""
    try:
        return load.load(given, host_name=socket.gethostname(), directory=Path.cwd())
    except load.ConfigError as error:
        return error
