"""The kubelet's API served in this process, on ports of its own, for an agent with one pod."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import client as http

from staticlet.aio import clock
from staticlet.client import port as client
from staticlet.config.settings import Settings
from staticlet.host import selfsigned, signing, x509
from staticlet.server import kubeletapi, kubeletauth
from staticlet.testing import kubeletview, ports, until

NOW = clock.SystemClock().now
MADE_FOR = ("node1", "localhost", "127.0.0.1")
LOG = f"/containerLogs/{kubeletview.KEY.namespace}/{kubeletview.KEY.name}/{kubeletview.CONTAINER}"


class Reviews:
    """An API server that knows the token `good` as jane's; she and `api` may everything."""

    server = "https://api"

    async def ask(
        self, method: str, path: str, body: client.Object | None = None, **_: object
    ) -> client.Object:
        """Review a token, or a right."""
        asked = (body or {})["spec"]
        if path == kubeletauth.TOKEN_REVIEWS:
            known = asked["token"] == "good"  # noqa: S105  a test's
            return {"status": {"authenticated": known, "user": {"username": "jane"}}}
        return {"status": {"allowed": asked["user"] in ("jane", "api")}}

    def watch(self, path: str, *, query: Mapping[str, str], silence_s: float) -> Any:
        """Fail: nobody watches reviews."""
        raise AssertionError(f"watched {path}")


class Kubelet:
    """A kubelet's API.

    Args:
        place: Where its files lie.
        made: The certificate that it has already: making one takes a moment.
        given: Settings of its own.

    Attributes:
        place: That directory.
        ca: Its client CA.
        settings: What it is told.
        view: Its agent.
        wrong: What is wrong with how it looks after pods.
    """

    def __init__(self, place: Path, made: selfsigned.Places, **given: Any) -> None:
        self.ca = signing.Authority.new(x509.Key.new(), name="ca", now=NOW())
        ca_file = place / "ca.crt"
        ca_file.write_bytes(self.ca.certificate.pem)
        self.place = place
        wanted: dict[str, Any] = {
            "node_name": "node1",
            "root_dir": place / "root",
            "cert_dir": made.directory,
            "address": "127.0.0.1",
            "port": ports.free(),
            "healthz_port": ports.free(),
            "client_ca_file": ca_file,
        }
        self.settings = Settings(**(wanted | given))
        logs = place / "logs"
        logs.mkdir(exist_ok=True)
        self.view = kubeletview.KubeletView(logs, self.settings)
        self.wrong = ""

    @contextlib.asynccontextmanager
    async def opening(self, *, api: client.Api | None = None) -> AsyncIterator[Kubelet]:
        """Serve; the ports may open a moment later."""
        opened = kubeletapi.serving(
            self.view,
            self.settings,
            api=api,
            clock=clock.SystemClock(),
            syncloop=lambda: self.wrong,
        )
        async with opened, aiohttp.ClientSession() as self.session:
            yield self
            self.view.changes.close()

    @contextlib.asynccontextmanager
    async def serving(self, *, api: client.Api | None = None) -> AsyncIterator[Kubelet]:
        """Serve, with all ports open."""
        async with self.opening(api=api):
            own = self.settings.port if self.settings.enable_server else 0
            for number in (own, self.settings.read_only_port, self.settings.healthz_port):
                if number:
                    await until_open(number)
            yield self

    def trusting(
        self, *groups: str, name: str = "", ca: signing.Authority | None = None
    ) -> ssl.SSLContext:
        """A client's side of TLS, with a certificate if a name is given."""
        made = ssl.create_default_context()
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        if name:
            key = x509.Key.new()
            subject = x509.Subject(name=name, groups=groups)
            signed = (ca or self.ca).client(subject, key, NOW())
            file = self.place / f"{name}.pem"
            file.write_bytes(signed.pem + key.pem)
            made.load_cert_chain(file)
        return made

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        trust: ssl.SSLContext | None = None,
        token: str = "",
        port: int = 0,
    ) -> tuple[int, str]:
        """Status and text of an answer.

        Args:
            path: The path, as it goes over the wire.
            method: The HTTP method.
            trust: The client's side of TLS.
            token: Its bearer token.
            port: Another port than that of the API, which speaks plain HTTP.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        scheme = "http" if port else "https"
        where = f"{scheme}://127.0.0.1:{port or self.settings.port}{path}"
        url = http.URL(where, encoded=True)  # type: ignore[attr-defined]  # yarl is aiohttp's
        async with self.session.request(
            method,
            url,
            ssl=trust or self.trusting(),
            headers=headers,
        ) as answer:
            return answer.status, await answer.text()


async def until_open(number: int) -> None:
    """Wait until somebody listens on a port of this machine."""
    await until.soon(lambda: ports.is_open(number), f"port {number} is open")
