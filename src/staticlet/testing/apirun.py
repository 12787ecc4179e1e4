"""Using an API server from outside: a process to talk to without a loop of one's own.

Which server it is, is the run's choice: `staticlet api`, or the kube-apiserver of `kubecluster`.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from staticlet.aio import clock
from staticlet.kube import rfc3339
from staticlet.testing import apiclient, apiserver, kubecluster

ADMIN_TOKEN = apiserver.TOKENS["admin"]
EMBEDDED, KUBE = CHOICES = ("embedded", "kube")
"""The servers that a run of tests may choose from."""

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
RENEW_S = 10.0
"""How often the Lease of a node that was made by hand is renewed."""

_MERGE = {"Content-Type": "application/merge-patch+json"}


class Server(Protocol):
    """An API server as a process: `apiserver.ApiProcess`, `kubecluster.KubeCluster`."""

    @property
    def url(self) -> str:
        """Where it listens."""

    @property
    def ca(self) -> Path:
        """The CA of the server's certificate, and of that which it shows to nodes."""

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""

    @property
    def node_kubeconfig(self) -> Path:
        """The node's kubeconfig."""

    @property
    def pid(self) -> int | None:
        """Its pid while it runs."""

    @property
    def log(self) -> str:
        """All that it has printed."""

    def start(self) -> None:
        """Start it after it was killed, and wait until it answers."""

    def kill(self) -> None:
        """SIGKILL; what it has stored stays."""

    def story(self) -> str:
        """The end of its log, for failures."""


@contextmanager
def chosen(choice: str, place: Path, *, node: str, scheduler: bool = False) -> Iterator[Server]:
    """The server of a choice for one node, from here to the end of the block.

    It has the controllers of a cluster.

    Args:
        choice: One of `CHOICES`.
        place: A directory of the test's own.
        node: The node's name.
        scheduler: Whether there is one.

    Raises:
        NotBuilt: There is no kube-apiserver.
    """
    if choice == KUBE:
        with kubecluster.running(place, node=node, scheduler=scheduler) as cluster:
            yield cluster
    else:
        flags = (f"--hostname-override={node}",)
        controllers = "*" if scheduler else "*,-scheduler"
        with running(place, flags=flags, controllers=controllers) as made:
            yield made


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


def trust(server: Server) -> ssl.SSLContext:
    """TLS that trusts this server alone."""
    return ssl.create_default_context(cafile=server.ca)


def port(server: Server) -> int:
    """Its port on the loopback."""
    return urlsplit(server.url).port or 443


@contextmanager
def alive(server: Server, node: str) -> Iterator[None]:
    """Renew the Lease of a node that was made by hand, as an agent would, while the block runs."""
    over, time = threading.Event(), clock.SystemClock()

    def renew() -> None:
        kept = client(server)
        body = {"metadata": {"name": node}, "spec": {"holderIdentity": node}}
        kept.ask("POST", LEASES, body)
        while not over.wait(RENEW_S):
            with contextlib.suppress(OSError, http.client.HTTPException):  # it is killed, perhaps
                spec = {"renewTime": rfc3339.micro(time.now())}
                kept.ask("PATCH", f"{LEASES}/{node}", {"spec": spec}, headers=_MERGE)
        kept.close()

    thread = threading.Thread(target=renew, name=f"lease of {node}")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def client(server: Server, token: str = ADMIN_TOKEN) -> apiclient.Client:
    """A plain client: the administrator's, or whose token it is; empty for nobody."""
    return apiclient.Client(host="127.0.0.1", port=port(server), tls=trust(server), token=token)
