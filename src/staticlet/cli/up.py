"""`staticlet up`: for a machine with nothing prepared, a containerd of our own and the agent."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import gc
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from staticlet.app import apioptions, logs, rootdir, serve, service, up
from staticlet.cli import options, run, signals
from staticlet.config import flags, load
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
@click.option(
    "--api-port",
    type=click.IntRange(0, 65535),
    default=apioptions.PORT,
    show_default=True,
    help="The loopback port of the API server for kubectl; 0 takes any that is free.",
)
@click.option(
    "--without-api",
    is_flag=True,
    help="Start no API server. Nor does `up` start one when --kubeconfig names another.",
)
@options.kubelet_options
def command(
    *,
    data_dir: Path,
    run_dir: Path,
    stop_pods: bool,
    api_port: int,
    without_api: bool,
    given: Mapping[str, Sequence[str]],
) -> None:
    """Run static pods on a machine with nothing prepared.

    Starts and supervises a containerd of its own, with network, pause image and configuration
    made here, then does what `staticlet run` does on it, and an API server that kubectl asks.
    """
    own_api = not (without_api or "kubeconfig" in given)
    wanted = up.Up(
        data_dir=data_dir,
        run_dir=run_dir,
        stop_pods=stop_pods,
        api_port=api_port if own_api else None,
    )
    try:
        told = up.flags(wanted, given)
        loaded = _joined(wanted, options.settle(told))
        logs.set_up(loaded.settings)
        run.announce(loaded)
        asyncio.run(_until_signalled(wanted, loaded.settings, _around(wanted, told)))
    except (up.CannotUp, rootdir.CannotStart) as fault:
        raise click.ClickException(str(fault)) from fault


def _joined(wanted: up.Up, loaded: load.Loaded) -> load.Loaded:
    return dataclasses.replace(loaded, settings=up.joined(wanted, loaded.settings))


def _around(wanted: up.Up, given: flags.Given) -> service.Service:
    """What stands around the agent; its configuration, read anew, is joined to our API again."""
    return dataclasses.replace(
        run.around(given), load=lambda: _joined(wanted, options.load_flags(given))
    )


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
    work = functools.partial(serve.serve_agent, outside=outside)
    await up.run(wanted, settings, serve=work, stop=stop)
