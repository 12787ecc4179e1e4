"""The embedded API server inside a test's own loop; `apiserver` has it as a process.

It listens on a free port of the loopback, keeps everything below one directory, and knows three
users by their tokens: an administrator, the node `node1`, and somebody without rights.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from staticlet.app import api
from staticlet.host import certs
from staticlet.kube import kubeconfig
from staticlet.testing import apiclient, apiserver


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Speaks to a server as one of its users.

    Attributes:
        url: The server's.
        session: Carries the requests.
        tokens: The users' tokens.
    """

    url: str
    session: aiohttp.ClientSession
    tokens: Mapping[str, str] = field(default_factory=lambda: apiserver.TOKENS)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> apiclient.Reply:
        """Send a request and take the whole answer.

        Args:
            method: GET, POST, …
            path: Path and query.
            body: Sent as JSON; bytes are sent as they are. None for none.
            user: A name of `tokens`; empty for no credentials.
            headers: More headers; they count more than those made here.
        """
        async with self.open(method, path, body, user=user, headers=headers) as response:
            raw = await response.read()
            return apiclient.Reply(code=response.status, headers=response.headers, raw=raw)

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and read the answer as it comes: of a watch, say."""
        sent = {"Accept": "application/json"}
        if user:
            sent["Authorization"] = f"Bearer {self.tokens.get(user, user)}"
        data: io.BytesIO | None = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        sent |= headers or {}
        async with self.session.request(method, self.url + path, data=data, headers=sent) as got:
            yield got


def trusting(state_dir: Path, shown: Path | None = None) -> ssl.SSLContext:
    """TLS that trusts a server that keeps its certificates in a directory.

    Args:
        state_dir: That directory.
        shown: A kubeconfig whose certificate is shown; None for no certificate.
    """
    trust = ssl.create_default_context(cafile=certs.Places(state_dir).ca)
    if shown is not None:
        access = kubeconfig.read(shown.read_bytes())
        both = shown.with_suffix(".pem")
        both.write_bytes(access.certificate + access.key)
        trust.load_cert_chain(both)
    return trust


@asynccontextmanager
async def client_of(url: str, state_dir: Path) -> AsyncIterator[Client]:
    """A client of a server that keeps its certificates in a directory."""
    connector = aiohttp.TCPConnector(ssl=trusting(state_dir), limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Client(url=url, session=session)


@asynccontextmanager
async def serving(
    place: Path, *, hangup: asyncio.Event | None = None, **given: Any
) -> AsyncIterator[Client]:
    """A server in this very loop, and a client of it, which outlives the server by a moment.

    Args:
        place: A directory of the test's own; starting again there finds what was kept.
        hangup: Set by the test to have log files opened anew.
        given: Fields of `apioptions.Options`.
    """
    options = apiserver.options_in(place, **given)
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with contextlib.AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        outside = api.Outside(ready=started.set_result, hangup=hangup or asyncio.Event())
        server = group.create_task(api.serve(options, stop, outside), name="api server")
        await asyncio.wait((server, started), return_when=asyncio.FIRST_COMPLETED)
        if server.done():
            await server  # it could not start: say why
        async with client_of(started.result(), options.state_dir) as client:
            try:
                yield client
            finally:
                stop.set()
                await asyncio.wait((server,))
