"""The kubelet's ports, kept open: HTTPS for those who may, plain HTTP for the health check.

What keeps one from being opened (another program on the port, a certificate that cannot be used)
is logged once and tried again: pods never wait for it, and when the obstacle goes, so does the
trouble. Certificates and the client CA are read anew when their files change.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from staticlet.aio import clock as clocks
from staticlet.aio import supervise
from staticlet.client import port as client
from staticlet.config.settings import Settings
from staticlet.host import selfsigned
from staticlet.server import kubeletgate, kubeletpaths
from staticlet.web import listener, tls

log = logging.getLogger(__name__)

RETRY_S = 5.0
LOOK_S = 60.0
"""How often the files of certificates are looked at."""

LIMITS = listener.Limits(connections=500, refused=50, idle_s=90.0)
FEW = listener.Limits(connections=100, refused=20, idle_s=30.0)

Secure: TypeAlias = Callable[[], Awaitable[tls.TlsFiles]]
Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]

View = kubeletpaths.View


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port that is to be open.

    Attributes:
        name: What the log calls what is served there.
        address: Where.
        number: Its number.
        answer: Answers requests.
        secure: Says which certificates to use, making them if need be; None for plain HTTP.
        limits: What clients may take.
    """

    name: str
    address: str
    number: int
    answer: kubeletpaths.Answer
    secure: Secure | None = None
    limits: listener.Limits = FEW


@contextlib.asynccontextmanager
async def serving(
    view: View,
    settings: Settings,
    *,
    api: client.Api | None,
    clock: clocks.Clock,
    syncloop: Callable[[], str] = lambda: "",
) -> AsyncIterator[None]:
    """Keep the kubelet's ports open while the context is; nothing that goes wrong is raised.

    Whoever follows a log is let go when `view.changes` is closed: close it before this ends.

    Args:
        view: The agent.
        settings: Which ports, with which certificates, for whom; read once.
        api: The API server that knows tokens and rights; None when there is none.
        clock: The time.
        syncloop: What is wrong with the agent's looking after pods; empty when nothing is.
    """
    gate = kubeletgate.Gate(settings, api, clock)
    paths = kubeletpaths.Paths(view, gate, syncloop)
    try:
        async with asyncio.TaskGroup() as group:
            open_ports = [
                group.create_task(
                    supervise.restarting(port.name, functools.partial(_kept_open, port)),
                    name=port.name,
                )
                for port in ports(settings, paths, clock)
            ]
            try:
                yield
            finally:
                for task in open_ports:
                    task.cancel()
    except BaseExceptionGroup as faults:
        if len(faults.exceptions) == 1:
            raise faults.exceptions[0] from None  # of the context's own block
        raise


def ports(settings: Settings, paths: kubeletpaths.Paths, clock: clocks.Clock) -> Iterator[Port]:
    """Yield the ports that the settings ask for."""
    if settings.enable_server:
        yield Port(
            name="the kubelet's API",
            address=settings.address,
            number=settings.port,
            answer=paths.secured,
            secure=lambda: _files(settings, clock),
            limits=LIMITS,
        )
    if settings.read_only_port:
        yield Port(
            name="the kubelet's read-only API",
            address=settings.address,
            number=settings.read_only_port,
            answer=paths.read_only,
        )
    if settings.healthz_port:
        yield Port(
            name="the health check",
            address=settings.healthz_bind_address,
            number=settings.healthz_port,
            answer=paths.health,
        )


async def _files(settings: Settings, clock: clocks.Clock) -> tls.TlsFiles:
    """The files of the server's TLS; makes the certificate where none is given."""
    cas = () if settings.client_ca_file is None else (settings.client_ca_file,)
    given, key = settings.tls_cert_file, settings.tls_private_key_file
    if given is not None and key is not None:
        return tls.TlsFiles(certificate=given, key=key, client_cas=cas)
    own = selfsigned.Places(settings.cert_dir or settings.root_dir / "pki")
    names = (settings.node_name, *settings.node_ips, "localhost", "127.0.0.1")
    if await selfsigned.ensure(own, names, clock.now()):
        log.info("wrote %s and %s", own.certificate, own.key)
    return tls.TlsFiles(certificate=own.certificate, key=own.key, client_cas=cas)


async def _kept_open(port: Port) -> None:
    """Keep a port open until cancelled."""
    told = ""
    while True:
        try:
            await _open(port)
            told = ""  # its client CA has changed: begin anew at once
            continue
        except (listener.ListenFault, tls.TlsFault, selfsigned.CannotMake, OSError) as fault:
            if str(fault) != told:
                told = str(fault)
                words = "%s is not served: %s; trying again every %g s"
                log.error(words, port.name, told, RETRY_S)  # noqa: TRY400  it says it
        await asyncio.sleep(RETRY_S)


async def _open(port: Port) -> None:
    """Serve on a port until it must be opened anew.

    Raises:
        ListenFault, TlsFault, CannotMake, OSError: It cannot be opened.
    """
    files = None if port.secure is None else await port.secure()
    context = None if files is None else await asyncio.to_thread(tls.context, files)
    with contextlib.closing(listener.bound(port.address, port.number)) as sock:
        crowd = listener.Crowd()
        async with listener.serving(port.answer, sock, context, crowd=crowd, limits=port.limits):
            log.info("%s is served on %s port %d", port.name, port.address, port.number)
            await _until_other(port.secure, context, files)


async def _until_other(
    secure: Secure | None, context: ssl.SSLContext | None, files: tls.TlsFiles | None
) -> None:
    """Keep the certificate as its files are; return when others are to be believed."""
    if secure is None or context is None or files is None:
        await asyncio.Event().wait()
        return
    shown, believed = _stamp(files.certificate, files.key), _stamp(*files.client_cas)
    told = ""
    while True:
        await asyncio.sleep(LOOK_S)
        if _stamp(*files.client_cas) != believed:
            return
        try:
            files = await secure()
            now = _stamp(files.certificate, files.key)
            if now != shown:
                await asyncio.to_thread(tls.reload, context, files)
                shown, told = now, ""
                log.info("the kubelet's API shows the new certificate in %s", files.certificate)
        except (tls.TlsFault, selfsigned.CannotMake, OSError) as fault:
            if str(fault) != told:
                told = str(fault)
                log.error("%s; going on with the certificate of before", told)  # noqa: TRY400


def _stamp(*paths: Path) -> Stamp:
    """What tells a file that was replaced or written from the one before."""
    return tuple(_of(path) for path in paths)


def _of(path: Path) -> tuple[int, int, int] | None:
    try:
        now = path.stat()
    except OSError:
        return None
    return now.st_ino, now.st_mtime_ns, now.st_size
