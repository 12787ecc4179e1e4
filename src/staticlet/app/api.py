"""`staticlet api` from its start to its end.

The store comes first, then what stands on it, and the listener last, so that nobody is answered
by half a server; it ends in the opposite order.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from staticlet.aio import clock as clocks
from staticlet.aio import supervise
from staticlet.apiserver.authn import keys, tokenfile
from staticlet.apiserver.controllers import controller as controllers
from staticlet.apiserver.controllers import nodehealth
from staticlet.apiserver.controllers import registry as controlling
from staticlet.apiserver.http import audit, kubelets
from staticlet.apiserver.resources import registry
from staticlet.apiserver.store import opening, port, statefile
from staticlet.app import apinamespaces, apioptions, apiparts
from staticlet.app.apioptions import CannotServe, Options
from staticlet.host import certfiles, certs, notify, osfault
from staticlet.web import listener, tls

log = logging.getLogger(__name__)

RENEW_S = 24 * 3600.0

FILES = 4_096
"""How many files may be open: nearly twice the connections that the listener lets in."""

Work: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What stands around the server.

    Attributes:
        notifier: Tells systemd.
        hangup: Set when the audit log is to be opened anew.
        ready: Called with the server's URL when it answers.
        clock: The time.
    """

    notifier: notify.Notifier = field(default_factory=notify.Notifier)
    hangup: asyncio.Event = field(default_factory=asyncio.Event)
    ready: Callable[[str], None] = lambda _: None
    clock: clocks.Clock = field(default_factory=clocks.SystemClock)


async def serve(options: Options, stop: asyncio.Event, outside: Outside | None = None) -> None:
    """Serve the API until `stop` is set.

    Raises:
        CannotServe: It cannot be served; the text says why and what to do.
    """
    around = outside or Outside()
    apioptions.check(options)
    with _refusing():
        wanted = controlling.chosen(options.controllers)
        _make_directory(options)
        _allow_files()
        with contextlib.closing(listener.bound(options.address, options.port)) as sock:
            options = dataclasses.replace(options, port=sock.getsockname()[1])
            await _serve_on(sock, options, wanted, stop, around)


async def _serve_on(
    sock: socket.socket,
    options: Options,
    wanted: tuple[str, ...],
    stop: asyncio.Event,
    around: Outside,
) -> None:
    crowd = listener.Crowd()
    async with contextlib.AsyncExitStack() as stack:
        # First of all: where another server uses the directory, its kubeconfigs stay as they are.
        store = await stack.enter_async_context(
            opening.opened(options.state_dir, fields=registry.kinds().fields, clock=around.clock)
        )
        context = await asyncio.to_thread(_certified, options, around.clock)
        signing = await stack.enter_async_context(
            _signing(certs.Places(options.state_dir).account_keys)
        )
        identity = await asyncio.to_thread(apiparts.identity, options, around.clock, signing)
        log_file = stack.enter_context(_audited(options))
        made = apiparts.parts(
            options,
            store=store,
            identity=identity,
            clock=around.clock,
            log=log_file,
            connections=lambda: crowd.open,
            kubelets=await stack.enter_async_context(
                kubelets.connected(
                    certs.Places(options.state_dir).kubelet_client,
                    options.kubelet_ca,
                    own=(options.address, options.port),
                )
            ),
        )
        await apinamespaces.make_missing(made.backend)
        works: dict[str, Work] = {
            one.name: functools.partial(controllers.run, one, store)
            for one in controlling.make(
                wanted,
                made.backend,
                registry.kinds(),
                grace=nodehealth.Grace(monitor_s=options.node_grace_s),
            )
        }
        works["certificates"] = functools.partial(_renew, options, context, around.clock)
        works["hangup"] = functools.partial(_reopen, log_file, around.hangup)
        await stack.enter_async_context(_working(works))
        await stack.enter_async_context(
            listener.serving(made.dispatcher.answer, sock, context, crowd=crowd)
        )
        stack.callback(made.watches.end)
        _announce(options, around)
        await stop.wait()
        around.notifier.stopping()


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """What keeps the server from serving, said in one way."""
    try:
        yield
    except (
        audit.AuditFault,
        certfiles.CertificateFault,
        controlling.UnknownController,
        keys.KeyFault,
        listener.ListenFault,
        port.WriteFailed,
        statefile.BadFile,
        tls.TlsFault,
        tokenfile.TokenFileFault,
    ) as fault:
        raise CannotServe(str(fault)) from fault


def _allow_files() -> None:
    """Take as many open files as are of use, and no more: each client is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _make_directory(options: Options) -> None:
    try:
        options.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise CannotServe(f"cannot make {osfault.words(fault, options.state_dir)}") from fault


def _certified(options: Options, clock: clocks.Clock) -> ssl.SSLContext:
    """Make what certificates are missing, and TLS of them."""
    _ensure(options, clock)
    return tls.context(_tls_files(options))


def _ensure(options: Options, clock: clocks.Clock) -> tuple[Path, ...]:
    wanted = certs.Wanted(
        host_name=socket.gethostname(),
        bind_address=options.address,
        port=options.port,
        node_name=options.node_name,
        names=options.names,
    )
    written = certs.ensure(certs.Places(options.state_dir), wanted, clock.now())
    for path in written:
        log.info("wrote %s", path)
    return written


def _tls_files(options: Options) -> tls.TlsFiles:
    at = certs.Places(options.state_dir)
    others = () if options.client_ca is None else (options.client_ca,)
    return tls.TlsFiles(
        certificate=options.certificate or at.serving,
        key=options.key or at.serving,
        client_cas=(at.ca, *others),
    )


@contextlib.asynccontextmanager
async def _signing(path: Path) -> AsyncIterator[keys.Source]:
    """The keys of service accounts' tokens; a new one is made while the server starts.

    Raises:
        keys.KeyFault: The file cannot be used.
    """
    there = await asyncio.to_thread(keys.found, path)
    if there is not None:
        yield there
        return
    with futures.ThreadPoolExecutor(1, "service account key") as thread:
        made = thread.submit(keys.make, path)
        made.add_done_callback(_tell_made)
        yield keys.Coming(made=made)


def _tell_made(made: futures.Future[keys.Keys]) -> None:
    fault = made.exception()
    if fault is not None:
        log.error("%s; no tokens of service accounts are given until the next start", fault)


@contextlib.contextmanager
def _audited(options: Options) -> Iterator[audit.File | None]:
    if options.audit_log is None:
        yield None
        return
    file = audit.File(options.audit_log)
    try:
        yield file
    finally:
        file.close()


@contextlib.asynccontextmanager
async def _working(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Work while the block runs."""
    async with asyncio.TaskGroup() as group:
        begun = [
            group.create_task(supervise.restarting(name, work), name=name)
            for name, work in works.items()
        ]
        try:
            yield
        finally:
            for task in begun:
                task.cancel()


async def _renew(options: Options, context: ssl.SSLContext, clock: clocks.Clock) -> None:
    """Renew certificates before they end, as long as the server runs."""
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            await asyncio.to_thread(_ensure, options, clock)
            # of one that is given, too
            tls.show(context, await asyncio.to_thread(tls.read, _tls_files(options)))
        except (certfiles.CertificateFault, tls.TlsFault) as fault:
            log.error("%s; going on with what there is", fault)  # noqa: TRY400  it says it


async def _reopen(log_file: audit.File | None, hangup: asyncio.Event) -> None:
    """Follow an audit log that was moved away, whenever that is said."""
    while True:
        await hangup.wait()
        hangup.clear()
        if log_file is not None:
            log_file.reopen()


def _announce(options: Options, around: Outside) -> None:
    url = certs.server_url(options.address, options.port)
    log.info("serving the Kubernetes API on %s", url)
    log.info("kubectl --kubeconfig %s", certs.Places(options.state_dir).admin_conf)
    around.notifier.status(f"serving on {url}")
    around.notifier.ready()
    around.ready(url)
