"""The kubelets of nodes over HTTPS, with the server's own client certificate.

As kube-apiserver does it, a kubelet's certificate is looked at only where a CA for it is given:
kubelets sign their own. What they answer is read no faster than the client takes it, and a
request ends with its client.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from staticlet.apiserver.verbs import nodeport
from staticlet.web import tls

CONNECT_S = 10.0
ANSWER_S = 60.0
"""How long a kubelet may take until its answer begins; then it may take as long as it likes."""

_UNTOLD = (
    "EOF: the node ended the connection without a word, as one does that does not believe this "
    "server's client certificate (authentication.x509.clientCAFile)"
)
_OURSELVES = "this is the API server itself, and no kubelet"
_UNTYPED = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubelets:
    """Asks kubelets.

    Attributes:
        session: Carries the requests.
        certificate: The client certificate with its key (PEM); it may be renewed at any time.
        authority: The CA of kubelets' certificates; None where these are not looked at.
    """

    session: aiohttp.ClientSession
    certificate: Path
    authority: Path | None
    _contexts: dict[bool, tuple[tuple[int, int], ssl.SSLContext]] = field(default_factory=dict)

    async def get(self, url: str, *, verify: bool = True) -> nodeport.Reply:
        """Begin a GET request.

        Raises:
            nodeport.Unreached: No answer began in time.
        """
        try:
            trust = await asyncio.to_thread(self._trust, verify=verify)
            async with asyncio.timeout(ANSWER_S):
                answer = await self.session.get(url, ssl=trust, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            raise nodeport.Unreached(url, _words(url, fault)) from fault
        media = answer.headers.get("Content-Type", "text/plain")
        if not (media.isascii() and media.isprintable()):
            media = _UNTYPED
        return nodeport.Reply(code=answer.status, media=media, pieces=_Pieces(url, answer))

    def _trust(self, *, verify: bool) -> ssl.SSLContext:
        """The client's side of TLS, made anew when the certificate was renewed.

        Raises:
            OSError: A file cannot be read, or is no certificate.
        """
        now = self.certificate.stat()
        stamp = (now.st_ino, now.st_mtime_ns)
        known = self._contexts.get(verify)
        if known is not None and known[0] == stamp:
            return known[1]
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.authority is None or not verify:
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        else:
            made.load_verify_locations(self.authority)
        made.load_cert_chain(self.certificate)
        self._contexts[verify] = stamp, made
        return made


@contextlib.asynccontextmanager
async def connected(
    certificate: Path, authority: Path | None, *, own: tuple[str, int]
) -> AsyncIterator[Kubelets]:
    """What asks kubelets, while the context is open.

    Args:
        certificate: The client certificate with its key (PEM).
        authority: The CA of kubelets' certificates; None where these are not looked at.
        own: The address and port that this server listens on: no kubelet is there, whatever a
            node says.

    Raises:
        tls.TlsFault: The CA cannot be used.
    """
    if authority is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(authority)
        except OSError as fault:
            raise tls.TlsFault(
                f"cannot look at nodes' certificates with {authority}: {fault.strerror or fault}"
            ) from fault
    patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    connector = aiohttp.TCPConnector(limit=0, force_close=True, socket_factory=_elsewhere(own))
    async with aiohttp.ClientSession(
        connector=connector, timeout=patience, auto_decompress=False
    ) as session:
        yield Kubelets(session=session, certificate=certificate, authority=authority)


def _elsewhere(own: tuple[str, int]) -> Callable[[aiohttp.AddrInfoType], socket.socket]:
    """What makes sockets for connections to anywhere but this server; names are resolved then."""

    def made(found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, at = found
        if int(at[1]) == own[1] and is_at(str(at[0]), own[0]):
            raise OSError(_OURSELVES)
        return socket.socket(family, kind, protocol)

    return made


def is_at(host: str, bound: str) -> bool:
    """Whether who connects to an address reaches what listens on another one (or on all)."""
    wanted, ours = _plain(host), _plain(bound)
    if wanted.is_unspecified:
        wanted = ipaddress.ip_address("127.0.0.1" if wanted.version == 4 else "::1")
    return _is_local(wanted) if ours.is_unspecified else wanted == ours


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _is_local(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether this machine has an address: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


class _Pieces:
    """The body of an answer."""

    def __init__(self, url: str, answer: aiohttp.ClientResponse) -> None:
        self._url = url
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            raise nodeport.Unreached(self._url, _words(self._url, fault)) from fault

    async def aclose(self) -> None:
        """End the request, whether anything was read or not."""
        self._answer.close()


def _words(url: str, fault: BaseException) -> str:
    """Why there is no answer, in the words of Go's clients where there are any."""
    at = urlsplit(url).netloc
    match fault:
        case aiohttp.ClientConnectorCertificateError():
            return f"tls: failed to verify certificate: {fault.certificate_error}"
        case aiohttp.ClientConnectorDNSError():
            return f"dial tcp: lookup {urlsplit(url).hostname}: no such host"
        case aiohttp.ConnectionTimeoutError():
            return f"dial tcp {at}: i/o timeout"
        case aiohttp.ClientSSLError():
            return f"remote error: tls: {fault.os_error}"
        case aiohttp.ClientConnectorError():
            number = fault.os_error.errno
            why = os.strerror(number).lower() if number else str(fault.os_error)
            return f"dial tcp {at}: connect: {why}"
        case aiohttp.ServerDisconnectedError():
            return _UNTOLD
        case TimeoutError():
            return "net/http: timeout awaiting response headers"
        case OSError():
            return f"{fault.strerror or fault}".lower()
    return str(fault) or type(fault).__name__
