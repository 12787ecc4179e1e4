"""`staticlet up`: for a machine with nothing prepared, a containerd of our own and the agent."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from staticlet.app import agent, logs, up
from staticlet.cli import options, run
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
        loaded = options.settle(up.flags(wanted, given))
        logs.set_up(verbosity=loaded.settings.verbosity)
        run.announce(loaded)
        asyncio.run(_until_signalled(wanted, loaded.settings))
    except (up.CannotUp, agent.CannotStart) as fault:
        raise click.ClickException(str(fault)) from fault


async def _until_signalled(wanted: up.Up, settings: Settings) -> None:
    stop = asyncio.Event()
    outlook = "all pods are stopped" if wanted.stop_pods else "pods and containerd go on running"
    run.stop_on_signals(stop, outlook=outlook)
    gc.freeze()  # what was imported stays: the collector need not walk it again and again
    await up.run(wanted, settings, serve=agent.serve_agent, stop=stop)
