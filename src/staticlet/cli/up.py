"""`staticlet up`: for a machine with nothing prepared, a containerd of our own and the agent."""

from __future__ import annotations

import asyncio
import functools
import gc
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from staticlet.app import agent, logs, service, up
from staticlet.cli import options, run, signals
from staticlet.config.settings import Settings

DEFAULTS = up.Up()
A_DIRECTORY = click.Path(file_okay=False, resolve_path=True, path_type=Path)


@click.command(short_help="Run static pods on a machine with nothing prepared.")
@click.option(
    "--data-dir",
    type=A_DIRECTORY,
    default=DEFAULTS.data_dir,
    show_default=True,
    help="Images, containers and the agent's files; image archives in its directory `images` are "
    "imported at start.",
)
@click.option(
    "--run-dir",
    type=A_DIRECTORY,
    default=DEFAULTS.run_dir,
    show_default=True,
    help="Sockets and mounts; need not outlive a reboot.",
)
@click.option(
    "--stop-pods/--leave-pods",
    default=False,
    show_default=True,
    help="What becomes of the pods when `up` is stopped; those left running are adopted at the "
    "next start.",
)
@options.kubelet_options
def command(
    *, data_dir: Path, run_dir: Path, stop_pods: bool, given: Mapping[str, Sequence[str]]
) -> None:
    """Run static pods on a machine with nothing prepared.

    Starts and supervises a containerd of its own, with network, pause image and configuration
    made here, then does what `staticlet run` does on it.
    """
    wanted = up.Up(data_dir=data_dir, run_dir=run_dir, stop_pods=stop_pods)
    try:
        flags = up.flags(wanted, given)
        loaded = options.settle(flags)
        logs.set_up(loaded.settings)
        run.announce(loaded)
        asyncio.run(_until_signalled(wanted, loaded.settings, run.around(flags)))
    except (up.CannotUp, agent.CannotStart) as fault:
        raise click.ClickException(str(fault)) from fault


async def _until_signalled(wanted: up.Up, settings: Settings, outside: service.Service) -> None:
    stop = asyncio.Event()
    outlook = "all pods are stopped" if wanted.stop_pods else "pods and containerd go on running"
    signals.handle(
        stop,
        outside.hangup,
        outlook=outlook,
        patience_s=None if wanted.stop_pods else signals.PATIENCE_S,
    )
    gc.freeze()  # what was imported stays: the collector need not walk it again and again
    serve = functools.partial(agent.serve_agent, outside=outside)
    await up.run(wanted, settings, serve=serve, stop=stop)
