"""`staticlet api`: a Kubernetes API for one machine, and backups of what it keeps."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import signal
import socket
from pathlib import Path

import click

from staticlet.app import apioptions, logs
from staticlet.cli import signals
from staticlet.config import node
from staticlet.config.settings import Settings
from staticlet.host import notify
from staticlet.host import parent as parents

A_FILE = click.Path(dir_okay=False, resolve_path=True, path_type=Path)
A_DIRECTORY = click.Path(file_okay=False, resolve_path=True, path_type=Path)
PATIENCE_S = 4.0

state_dir = click.option(
    "--state-dir",
    type=A_DIRECTORY,
    default=apioptions.STATE_DIR,
    show_default=True,
    help="Everything the server keeps: its objects (state.db), certificates and keys (pki), and "
    "the kubeconfigs admin.conf and node.conf, which it writes.",
)


@click.group(invoke_without_command=True, short_help="Serve the Kubernetes API for this machine.")
@state_dir
@click.option(
    "--bind-address",
    default=apioptions.ADDRESS,
    show_default=True,
    help="The IP address to listen on. On one that other machines reach, nobody is answered "
    "without a certificate or a token, not even about the server's health.",
)
@click.option(
    "--secure-port",
    type=click.IntRange(0, 65535),
    default=apioptions.PORT,
    show_default=True,
    help="The port to listen on; 0 takes any that is free.",
)
@click.option(
    "--tls-san",
    "names",
    multiple=True,
    help="A name or address that clients use for this server, for the certificate made here. "
    "May be given several times.",
)
@click.option("--tls-cert-file", type=A_FILE, help="A serving certificate of your own.")
@click.option("--tls-private-key-file", type=A_FILE, help="Its private key.")
@click.option(
    "--client-ca-file",
    type=A_FILE,
    help="CAs whose client certificates are believed, beside the server's own CA.",
)
@click.option(
    "--token-auth-file",
    type=A_FILE,
    help='Static tokens, a line each: token,user,uid,"group1,group2".',
)
@click.option(
    "--controllers",
    default="*",
    show_default=True,
    help="The controllers that run, with commas between: * for all, -NAME for all but that one, "
    "none for none.",
)
@click.option(
    "--audit-log-path",
    type=A_FILE,
    help="Where each request is written down, as a line of JSON; SIGHUP opens it anew.",
)
@click.option(
    "--kubelet-certificate-authority",
    type=A_FILE,
    help="The CA of the certificates of nodes, which are asked for logs; without it a node's "
    "certificate is not looked at, since kubelets sign their own.",
)
@click.option(
    "--hostname-override",
    default="",
    help="The name of the node that node.conf is for, when not the host name.",
)
@click.option(
    "--parent", type=click.IntRange(1), hidden=True, help="End with the process of this pid."
)
@click.option("-v", "--v", "verbosity", type=int, default=0, help="How much is logged: 0 to 6.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.pass_context
def command(
    context: click.Context,
    *,
    state_dir: Path,
    bind_address: str,
    secure_port: int,
    names: tuple[str, ...],
    tls_cert_file: Path | None,
    tls_private_key_file: Path | None,
    client_ca_file: Path | None,
    token_auth_file: Path | None,
    controllers: str,
    audit_log_path: Path | None,
    kubelet_certificate_authority: Path | None,
    hostname_override: str,
    parent: int | None,
    verbosity: int,
    log_format: str,
) -> None:
    """Serve the part of the Kubernetes API that one machine needs.

    kubectl and the node agent use it with the kubeconfigs admin.conf and node.conf, which it
    writes to its state directory. It never touches containers.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        options = apioptions.Options(
            node_name=node.name(hostname_override, socket.gethostname()),
            state_dir=state_dir,
            address=bind_address,
            port=secure_port,
            token_file=token_auth_file,
            certificate=tls_cert_file,
            key=tls_private_key_file,
            client_ca=client_ca_file,
            names=names,
            controllers=controllers,
            audit_log=audit_log_path,
            kubelet_ca=kubelet_certificate_authority,
        )
        logs.set_up(
            Settings(node_name=options.node_name, verbosity=verbosity, log_format=log_format)
        )
        asyncio.run(_until_signalled(options, parent))
    except (apioptions.CannotServe, node.NodeError) as fault:
        raise click.ClickException(str(fault)) from fault


async def _until_signalled(options: apioptions.Options, parent: int | None) -> None:
    gc.disable()  # what is imported and loaded stays: there is nothing to collect in it
    stop, hangup = asyncio.Event(), asyncio.Event()
    signals.handle(stop, hangup, outlook="clients are let go", patience_s=PATIENCE_S)
    if parent is not None:
        parents.follow(parent, functools.partial(signal.raise_signal, signal.SIGTERM))
    from staticlet.app import api

    outside = api.Outside(
        notifier=notify.from_environment(os.environ), hangup=hangup, ready=_collect_from_now_on
    )
    await api.serve(options, stop, outside)


def _collect_from_now_on(_: str) -> None:
    """Let the collector work on what requests make, and not walk the rest again and again."""
    gc.freeze()
    gc.enable()


@command.command(short_help="Copy what a server keeps, also while it runs.")
@click.argument("file", type=A_FILE)
@state_dir
def backup(*, file: Path, state_dir: Path) -> None:
    """Copy everything that a server keeps into FILE, also while it runs.

    To restore it, stop the server, put FILE in place of state.db in the state directory, and
    start the server. Certificates and keys (pki) are not in it.
    """
    from staticlet.apiserver.store import backup as backups

    try:
        backups.copy(state_dir, file)
    except backups.BackupFailed as fault:
        raise click.ClickException(str(fault)) from fault
