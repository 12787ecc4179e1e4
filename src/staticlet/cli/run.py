"""`staticlet run`: the agent on a container runtime that is there already."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys

import click

import staticlet
from staticlet.app import agent, logs
from staticlet.cli import options
from staticlet.config import flags, load

log = logging.getLogger("staticlet")


@click.command(short_help="Run static pods on this machine's container runtime.")
@options.kubelet_options
def command(*, given: flags.Given) -> None:
    """Run static pods on this machine's container runtime.

    Takes the kubelet's flags and its configuration file. Stopping it leaves all containers
    running; the next start finds them.
    """
    loaded = options.settle(given)
    logs.set_up(verbosity=loaded.settings.verbosity)
    announce(loaded)
    try:
        asyncio.run(_until_signalled(loaded))
    except agent.CannotStart as fault:
        raise click.ClickException(str(fault)) from fault


def announce(loaded: load.Loaded) -> None:
    """Say once what starts here, and what was set that has no effect."""
    settings = loaded.settings
    log.info(
        "staticlet %s on node %s: manifests from %s",
        staticlet.__version__,
        settings.node_name,
        " and ".join(str(s) for s in (settings.static_pod_path, settings.static_pod_url) if s)
        or "nowhere",
    )
    if loaded.ineffective:
        names = ", ".join(f"{one.name} ({one.origin})" for one in loaded.ineffective)
        log.warning("accepted, without effect here: %s", names)


async def _until_signalled(loaded: load.Loaded) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    gc.freeze()  # what was imported stays: the collector need not walk it again and again
    await agent.serve_agent(loaded.settings, stop)


def stop_on_signals(stop: asyncio.Event, *, outlook: str = "containers go on running") -> None:
    """Set the event on SIGTERM and SIGINT, and log the outlook; a second one ends us at once."""
    loop = asyncio.get_running_loop()

    def handle(number: signal.Signals) -> None:
        if stop.is_set():
            sys.exit(128 + number)
        log.info("%s: stopping; %s", number.name, outlook)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle, number)
