"""Using `staticlet api` from outside: a process to talk to without a loop of one's own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from staticlet.host import certs
from staticlet.testing import apiclient, apiserver

ADMIN_TOKEN = apiserver.TOKENS["admin"]


@contextmanager
def running(
    place: Path, *, flags: Sequence[str] = (), controllers: str = "*"
) -> Iterator[apiserver.ApiProcess]:
    """A server from here to the end of the block, with all its controllers.

    Raises:
        AssertionError: Its log has a traceback in the end.
    """
    server = apiserver.ApiProcess(place, flags=flags, controllers=controllers)
    server.start()
    try:
        yield server
    finally:
        server.stop()
    untroubled(server)


def untroubled(server: apiserver.ApiProcess) -> None:
    """See that nothing went wrong in a way that it did not expect."""
    at = server.log.find("Traceback")
    if at >= 0:
        raise AssertionError(f"a traceback in the API server's log:\n{server.log[at:][:4000]}")


def trust(server: apiserver.ApiProcess) -> ssl.SSLContext:
    """TLS that trusts this server alone."""
    return ssl.create_default_context(cafile=certs.Places(server.options.state_dir).ca)


def port(server: apiserver.ApiProcess) -> int:
    """Its port on the loopback."""
    return urlsplit(server.url).port or 443


def client(server: apiserver.ApiProcess, token: str = ADMIN_TOKEN) -> apiclient.Client:
    """A plain client: the administrator's, or whose token it is; empty for nobody."""
    return apiclient.Client(host="127.0.0.1", port=port(server), tls=trust(server), token=token)
