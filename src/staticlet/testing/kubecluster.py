"""A real control plane, Kubernetes 1.20 of `make kube`, which tests start, stop and kill.

etcd, a kube-apiserver with Node and RBAC authorization and the NodeRestriction admission plugin,
and a controller manager; a scheduler where it is asked for. All listen on the loopback only and
keep everything below one directory. Certificates and kubeconfigs are laid out as those of
`staticlet api`, and the users' tokens are the same, so that one test can use either server.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from staticlet.host import certs, secretfile, signing, x509
from staticlet.testing import apiserver, ports
from staticlet.testing.program import Program
from staticlet.testing.until import until

HOST = "127.0.0.1"
START_S = 90.0
"""A start takes three seconds on a quiet machine; the first one sets up the roles."""

_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"
"""Made by the controller manager; without it no pod of the namespace is let in."""


class NotBuilt(RuntimeError):
    """There is no kube-apiserver here; the text says what makes one."""


def programs(wanted: Sequence[str] = _PROGRAMS) -> Path:
    """The directory with what `make kube` builds: the control plane's programs, or others.

    Raises:
        NotBuilt: One is missing.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache / "staticlet" / "kube" / "bin"
    missing = [name for name in wanted if not os.access(found / name, os.X_OK)]
    if missing:
        raise NotBuilt(
            f"no {', '.join(missing)} in {found}: `make kube` builds what is missing (ten minutes "
            "or more, once)"
        )
    return found


class KubeCluster:
    """A control plane whose API server can be killed and started again on what it has stored.

    Args:
        place: A directory of the test's own.
        node: The name of the node that `node_kubeconfig` is for.
        scheduler: Whether it has a scheduler, too.

    Attributes:
        place: That directory.
        url: The API server's; the same at every start.

    Raises:
        NotBuilt: The programs are not there.
    """

    def __init__(self, place: Path, *, node: str, scheduler: bool = False) -> None:
        self._bin = programs()
        self.place = place
        self._port = ports.free(HOST)
        self.url = f"https://{HOST}:{self._port}"
        self._etcd_urls = [f"http://{HOST}:{ports.free(HOST)}" for _ in range(2)]
        self._places = certs.Places(place / "api")
        self._accounts = place / "accounts.key", place / "accounts.crt"
        self._tokens = place / "tokens.csv"
        self._write_secrets(node)
        self._etcd = Program("etcd", place, log="etcd.log")
        self._server = Program("kube-apiserver", place, log="api.log")
        helpers = {"kube-controller-manager": self._controller_flags()}
        if scheduler:
            helpers["kube-scheduler"] = ()
        self._helpers = {
            Program(name, place, log=f"{name}.log"): flags for name, flags in helpers.items()
        }

    def _write_secrets(self, node: str) -> None:
        now = datetime.now(UTC)  # noqa: TID251  certificates of processes that have the real time
        wanted = certs.Wanted(
            host_name="localhost", bind_address=HOST, port=self._port, node_name=node
        )
        certs.ensure(self._places, wanted, now)
        key, (key_path, certificate_path) = x509.Key.new(), self._accounts
        signer = signing.Authority.new(key, name="service-accounts", now=now)
        secretfile.write(key_path, key.pem)
        secretfile.write(certificate_path, signer.certificate.pem)
        mine = [line.replace(apiserver.NODE, node) for line in apiserver.USERS]
        secretfile.write(self._tokens, "".join(f"{line}\n" for line in mine).encode())

    @property
    def ca(self) -> Path:
        """The CA of the server's certificate, and of that which it shows to nodes."""
        return self._places.ca

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._places.admin_conf

    @property
    def node_kubeconfig(self) -> Path:
        """The node's kubeconfig: a certificate for `system:node:…` in `system:nodes`."""
        return self._places.node_conf

    @property
    def pid(self) -> int | None:
        """The API server's pid while it runs."""
        return self._server.pid

    @property
    def log(self) -> str:
        """All that the API server has printed."""
        return self._server.log

    def story(self) -> str:
        """The end of the API server's log, for failures."""
        return self._server.story()

    def start(self) -> None:
        """Start what does not run, and wait until the API server is ready."""
        if self._etcd.pid is None:
            self._etcd.launch([str(self._bin / "etcd"), *self._etcd_flags()])
        self._server.launch([str(self._bin / "kube-apiserver"), *self._server_flags()])
        until(self._ready, "kube-apiserver is ready", deadline_s=START_S, story=self.story)
        first = [one for one in self._helpers if one.pid is None]
        for one in first:
            common = (f"--kubeconfig={self.kubeconfig}", "--leader-elect=false")
            closed = ("--port=0", "--secure-port=0")
            name = self._bin / one.name
            one.launch([str(name), *common, *closed, *self._helpers[one]])
        if first:
            until(
                self._without_token,
                "the controller manager is at work",
                deadline_s=START_S,
                story=first[0].story,
            )

    def kill(self) -> None:
        """SIGKILL to the API server; what it has stored stays, and all else runs on."""
        self._server.kill()

    def stop(self) -> None:
        """End all processes: nobody needs what they have stored."""
        for one in (*self._helpers, self._server, self._etcd):
            one.kill()

    def _ready(self) -> bool:
        for one in (self._etcd, self._server):
            one.check_alive()
        return self._asked("/readyz") == http.client.OK

    def _without_token(self) -> bool:
        """Have no token mounted into pods: it would be a volume of kind secret. True once done."""
        change = '{"automountServiceAccountToken": false}'
        return self._asked(_ACCOUNT, "PATCH", change) == http.client.OK

    def _asked(self, path: str, method: str = "GET", body: str | None = None) -> int:
        """The status of an answer to the administrator; 0 when there is none."""
        tls = ssl.create_default_context(cafile=self.ca)
        talk = http.client.HTTPSConnection(HOST, self._port, timeout=5, context=tls)
        shown = {"Authorization": f"Bearer {apiserver.TOKENS['admin']}"}
        shown["Content-Type"] = "application/merge-patch+json"
        with contextlib.closing(talk), contextlib.suppress(OSError, http.client.HTTPException):
            talk.request(method, path, body, headers=shown)
            return talk.getresponse().status
        return 0

    def _etcd_flags(self) -> Sequence[str]:
        clients, peers = self._etcd_urls
        return (
            f"--data-dir={self.place / 'etcd'}",
            *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
            *("--logger=zap", "--log-level=error"),
        )

    def _server_flags(self) -> Sequence[str]:
        key, certificate = self._accounts
        return (
            f"--etcd-servers={self._etcd_urls[0]}",
            f"--bind-address={HOST}",
            f"--secure-port={self._port}",
            f"--tls-cert-file={self._places.serving}",
            f"--tls-private-key-file={self._places.serving}",
            f"--client-ca-file={self.ca}",
            f"--token-auth-file={self._tokens}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--kubelet-client-certificate={self._places.kubelet_client}",
            f"--kubelet-client-key={self._places.kubelet_client}",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={certificate}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
        )

    def _controller_flags(self) -> Sequence[str]:
        return (
            f"--root-ca-file={self.ca}",
            f"--service-account-private-key-file={self._accounts[0]}",
            "--use-service-account-credentials=false",
        )


@contextmanager
def running(place: Path, *, node: str, scheduler: bool = False) -> Iterator[KubeCluster]:
    """A control plane from here to the end of the block.

    Raises:
        NotBuilt: The programs are not there.
    """
    cluster = KubeCluster(place, node=node, scheduler=scheduler)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
