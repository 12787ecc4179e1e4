"""Makes the parts of the API server, each of what it needs."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from staticlet.aio import clock as clocks
from staticlet.apiserver.admission import chain
from staticlet.apiserver.authn import accounts, authenticator, keys, tokenfile
from staticlet.apiserver.discovery import serve as discovery
from staticlet.apiserver.http import audit, dispatch, gate, health, metrics, places, sending
from staticlet.apiserver.openapi import serve as openapi
from staticlet.apiserver.resources import registry
from staticlet.apiserver.reviews import access, subjects
from staticlet.apiserver.store import port
from staticlet.apiserver.verbs import backend, nodeport
from staticlet.app.apioptions import Options

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""Letters and digits that make up no words: Kubernetes ends generated names with these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The server, but for its listener.

    Attributes:
        backend: What verbs and controllers work with.
        dispatcher: Answers requests.
        watches: All that are open.
    """

    backend: backend.Backend
    dispatcher: dispatch.Dispatcher
    watches: sending.Watches


def suffix() -> str:
    """Five random letters for a generated name."""
    return "".join(secrets.choice(SUFFIX) for _ in range(5))


def identity(
    options: Options, clock: clocks.Clock, signing: keys.Source
) -> authenticator.Authenticator:
    """Who is believed; reads the token file.

    Args:
        options: What the server is told.
        clock: The time.
        signing: The keys of service accounts' tokens.

    Raises:
        tokenfile.TokenFileFault: The token file cannot be used.
    """
    tokens = None if options.token_file is None else tokenfile.load(options.token_file)
    return authenticator.Authenticator(
        clock=clock,
        token_file=tokens,
        accounts=accounts.AccountTokens(signing),
        anonymous=options.local,
    )


def parts(
    options: Options,
    *,
    store: port.Store,
    identity: authenticator.Authenticator,
    clock: clocks.Clock,
    log: audit.File | None,
    connections: Callable[[], int],
    kubelets: nodeport.Kubelets | None = None,
) -> Parts:
    """Put the server together.

    Args:
        options: What it is told.
        store: Where objects are.
        identity: Who is believed.
        clock: The time.
        log: The audit log.
        connections: How many clients are connected.
        kubelets: Asks the nodes.
    """
    kinds = registry.kinds()
    watches = sending.Watches()
    back = backend.Backend(
        store=store,
        kinds=kinds,
        admission=chain.chain(),
        clock=clock,
        new_uid=lambda: str(uuid.uuid4()),
        new_suffix=suffix,
        handlers={**subjects.handlers(identity), **access.HANDLERS},
        kubelets=kubelets,
    )
    meter = metrics.Metrics(
        revision=lambda: store.revision,
        watches=lambda: len(watches.deadlines),
        connections=connections,
    )
    at = f"{options.address}:{options.port}"
    dispatcher = dispatch.Dispatcher(
        backend=back,
        gate=gate.Gate(authenticator=identity, objects=store),
        places=places.Places(
            checks=_checks(store, clock, watches),
            meter=meter,
            discovery=discovery.Discovery(kinds, address=at),
            openapi=openapi.OpenApi(kinds),
        ),
        sender=sending.Sender(clock=clock, watches=watches),
        meter=meter,
        clock=clock,
        log=log,
    )
    return Parts(backend=back, dispatcher=dispatcher, watches=watches)


def _checks(store: port.Store, clock: clocks.Clock, watches: sending.Watches) -> health.Checks:
    async def shutdown() -> str:
        return "the server is ending" if watches.closing else ""

    live: Mapping[str, health.Check] = {"ping": health.well, "log": health.well}
    ready: Mapping[str, health.Check] = {
        "store": health.Writable(store, clock),
        "shutdown": shutdown,
    }
    return health.Checks(live=live, ready=ready)
