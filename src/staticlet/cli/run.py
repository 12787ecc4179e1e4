"""`staticlet run`: the agent on a container runtime that is there already."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import os

import click

import staticlet
from staticlet.app import logs, rootdir, serve, service
from staticlet.cli import options, signals
from staticlet.config import flags, load
from staticlet.host import notify

log = logging.getLogger("staticlet")


@click.command(short_help="Run static pods on this machine's container runtime.")
@options.kubelet_options
def command(*, given: flags.Given) -> None:
    """Run static pods on this machine's container runtime.

    Takes the kubelet's flags and its configuration file. Stopping it leaves all containers
    running; the next start finds them. SIGHUP makes it read its configuration anew.
    """
    loaded = options.settle(given)
    logs.set_up(loaded.settings)
    announce(loaded)
    try:
        asyncio.run(_until_signalled(loaded, given))
    except rootdir.CannotStart as fault:
        raise click.ClickException(str(fault)) from fault


def announce(loaded: load.Loaded) -> None:
    """Say once what starts here, what to mend, and what was set that has no effect."""
    settings = loaded.settings
    log.info(
        "staticlet %s on node %s: manifests from %s",
        staticlet.__version__,
        settings.node_name,
        " and ".join(str(s) for s in (settings.static_pod_path, settings.static_pod_url) if s)
        or "nowhere",
    )
    for finding in loaded.findings:
        log.warning("%s", finding, extra={"origin": finding.source})
    if loaded.ineffective:
        names = ", ".join(f"{one.name} ({one.origin})" for one in loaded.ineffective)
        log.warning("accepted, without effect here: %s", names)


def around(given: flags.Given) -> service.Service:
    """What stands around the agent: systemd, and the configuration that these flags name."""
    return service.Service(
        notifier=notify.from_environment(os.environ),
        load=functools.partial(options.load_flags, given),
    )


async def _until_signalled(loaded: load.Loaded, given: flags.Given) -> None:
    stop, outside = asyncio.Event(), around(given)
    signals.handle(stop, outside.hangup)
    gc.freeze()  # what was imported stays: the collector need not walk it again and again
    await serve.serve_agent(loaded.settings, stop, outside=outside)
