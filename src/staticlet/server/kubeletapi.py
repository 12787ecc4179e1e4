"""The kubelet's ports, kept open: HTTPS for those who may, plain HTTP for the health check.

What keeps one from being opened (another program on the port, a certificate that cannot be used)
is logged once and tried again: pods never wait for it, and when the obstacle goes, so does the
trouble.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from staticlet.aio import clock as clocks
from staticlet.aio import supervise
from staticlet.client import port as client
from staticlet.config.settings import Settings
from staticlet.host import selfsigned
from staticlet.server import kubeletgate, kubeletpaths, kubelettls
from staticlet.web import listener

log = logging.getLogger(__name__)

RETRY_S = 5.0
"""The longest pause between two tries to open a port."""

DEAR_S = 60.0
"""The same where a try starts another process, which makes a certificate."""

FIRST_S = 0.1
"""The first one."""

PATIENCE_S = 10.0
"""How long a file that is missing is waited for without a word."""

LIMITS = listener.Limits(connections=500, refused=50, handshakes=100, idle_s=90.0)
FEW = listener.Limits(connections=100, refused=20, handshakes=20, idle_s=30.0)

View = kubeletpaths.View


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port that is to be open.

    Attributes:
        name: What the log calls what is served there.
        address: Where.
        number: Its number.
        answer: Answers requests.
        secure: Its TLS; None for plain HTTP.
        limits: What clients may take.
    """

    name: str
    address: str
    number: int
    answer: kubeletpaths.Answer
    secure: kubelettls.Certificates | None = None
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
                    supervise.restarting(port.name, functools.partial(_kept_open, port, clock)),
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
            secure=kubelettls.Certificates(settings, clock),
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


async def _kept_open(port: Port, clock: clocks.Clock) -> None:
    """Keep a port open until cancelled."""
    told, since_s = "", clock.monotonic()
    while True:
        try:
            await _open(port)
            told, since_s = "", clock.monotonic()  # its client CA has changed: begin anew at once
            continue
        except (listener.ListenFault, *kubelettls.FAULTS) as fault:
            waited_s = clock.monotonic() - since_s
            most_s = DEAR_S if isinstance(fault, selfsigned.CannotMake) else RETRY_S
            if str(fault) != told and not _may_come(fault, waited_s):
                told = str(fault)
                words = "%s is not served: %s; trying again every %g s"
                log.error(words, port.name, told, most_s)  # noqa: TRY400  it says it
        await asyncio.sleep(pause_s(waited_s, most_s=most_s))


def pause_s(waited_s: float, *, most_s: float = RETRY_S) -> float:
    """How long until the next try, in seconds: short at first, then a fifth of the wait so far.

    At a first start somebody else may be writing a file that is missing.
    """
    return min(max(FIRST_S, waited_s / 5), most_s)


def _may_come(fault: Exception, waited_s: float) -> bool:
    """Whether a fault is not worth telling yet: a file that is missing may be being written."""
    return waited_s < PATIENCE_S and isinstance(fault.__cause__, FileNotFoundError)


async def _open(port: Port) -> None:
    """Serve on a port until it must be opened anew.

    Raises:
        ListenFault, TlsFault, CannotMake, OSError: It cannot be opened.
    """
    context = None if port.secure is None else await port.secure.context()
    with contextlib.closing(listener.bound(port.address, port.number)) as sock:
        crowd = listener.Crowd()
        async with listener.serving(port.answer, sock, context, crowd=crowd, limits=port.limits):
            log.info("%s is served on %s port %d", port.name, port.address, port.number)
            if port.secure is None or context is None:
                await asyncio.Event().wait()
            else:
                await port.secure.keep(context)
