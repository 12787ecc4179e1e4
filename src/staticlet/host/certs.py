"""The certificates of the embedded API server: made at the first start, kept fit at each.

Below the state directory lie a CA, the server's certificate with its key, and two kubeconfigs:
`admin.conf` of an administrator and `node.conf` of the node. What is missing is made, what nears
its end or does not fit the machine any more is made anew; what cannot be read, or was signed by
somebody else, is left as it is and said.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from staticlet.host import certfiles, signing, x509
from staticlet.kube import kubeconfig

MARGIN = timedelta(days=30)
"""How long before its end a certificate is made anew."""

CLUSTER = "staticlet"
KUBELET_CLIENT = "kube-apiserver-kubelet-client"
"""As whom the server asks nodes: nobody else, so that nobody is let in at the server by it."""

_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "127.0.0.1",
    "::1",
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything lies.

    Attributes:
        state_dir: The API server's state directory.
    """

    state_dir: Path

    @property
    def ca(self) -> Path:
        """The CA's certificate: what clients are given."""
        return self.state_dir / "pki" / "ca.crt"

    @property
    def ca_key(self) -> Path:
        """The CA's private key."""
        return self.state_dir / "pki" / "ca.key"

    @property
    def serving(self) -> Path:
        """The server's certificate and its private key, in one file: they change together."""
        return self.state_dir / "pki" / "apiserver.pem"

    @property
    def kubelet_client(self) -> Path:
        """What the server shows to nodes: a client certificate and its key, in one file."""
        return self.state_dir / "pki" / "apiserver-kubelet-client.pem"

    @property
    def account_keys(self) -> Path:
        """The keys that sign the tokens of service accounts."""
        return self.state_dir / "pki" / "sa.key"

    @property
    def admin_conf(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state_dir / "admin.conf"

    @property
    def node_conf(self) -> Path:
        """The node agent's kubeconfig."""
        return self.state_dir / "node.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the certificates must fit.

    Attributes:
        host_name: This machine's name.
        bind_address: The address that the server listens on.
        port: Its port.
        node_name: The name of the node that `node.conf` is for.
        names: More names and addresses by which clients reach the server.
    """

    host_name: str
    bind_address: str
    port: int
    node_name: str
    names: tuple[str, ...] = ()

    @property
    def server_names(self) -> tuple[str, ...]:
        """Every name and address that the server's certificate has."""
        bound = () if _is_any(self.bind_address) else (self.bind_address,)
        return signing.server_names((*_NAMES, self.host_name, *bound, *self.names))


def server_url(bind_address: str, port: int) -> str:
    """The URL of the server for a client on this machine."""
    if _is_any(bind_address):
        bind_address = "127.0.0.1"
    host = f"[{bind_address}]" if ":" in bind_address else bind_address
    return f"https://{host}:{port}"


def ensure(places: Places, wanted: Wanted, now: datetime) -> tuple[Path, ...]:
    """Make what is missing, and anew what ends within a month or does not fit.

    Returns:
        The files that were written.

    Raises:
        CertificateFault: A file cannot be used; it and what depends on it are as before.
    """
    written: list[Path] = []
    authority = _authority(places, now, written)
    _serving(places, wanted, authority, now, written)
    admin = x509.Subject(name="kubernetes-admin", groups=("system:masters",))
    node = x509.Subject(name=f"system:node:{wanted.node_name}", groups=("system:nodes",))
    url = server_url(wanted.bind_address, wanted.port)
    for path, subject in ((places.admin_conf, admin), (places.node_conf, node)):
        _client(path, subject, url, authority, now, written)
    _kubelet_client(places.kubelet_client, authority, now, written)
    return tuple(written)


_RESTORE = (
    "put the right one back, or move all of the state directory's pki, admin.conf and node.conf "
    "away to have new ones"
)
"""What to do about the CA itself, on which everything else stands."""


def _authority(places: Places, now: datetime, written: list[Path]) -> signing.Authority:
    pem, key_pem = certfiles.read(places.ca), certfiles.read(places.ca_key)
    if key_pem is None:
        if pem is not None:
            raise certfiles.CertificateFault(
                f"{places.ca_key}: is missing, and {places.ca} is of no use without it: {_RESTORE}"
            )
        key = x509.Key.new()
        certfiles.write(places.ca_key, key.pem, written)
    else:
        key = certfiles.parsed(places.ca_key, x509.Key.read, key_pem, remedy=_RESTORE)
    if pem is not None:
        certificate = certfiles.parsed(places.ca, x509.Certificate.read, pem, remedy=_RESTORE)
        if not certificate.is_authority or not certificate.has_key(key):
            raise certfiles.CertificateFault(
                f"{places.ca}: is not the certificate of a CA with the key {places.ca_key}: "
                f"{_RESTORE}"
            )
        if certificate.lasts(now, MARGIN):
            return signing.Authority(certificate=certificate, key=key)
    made = signing.Authority.new(key, name=f"{CLUSTER}-ca", now=now)
    certfiles.write(places.ca, made.certificate.pem, written)
    return made


def _serving(
    places: Places,
    wanted: Wanted,
    authority: signing.Authority,
    now: datetime,
    written: list[Path],
) -> None:
    names = wanted.server_names
    there = certfiles.with_key(places.serving, authority)
    if there is not None and there.names == set(names) and there.lasts(now, MARGIN):
        return
    key = x509.Key.new()
    subject = x509.Subject(name="kube-apiserver")
    try:
        made = authority.server(subject, names, key, now)
    except ValueError as fault:
        raise certfiles.CertificateFault(
            f"{places.serving}: cannot be made for the names {', '.join(names)}: {fault}"
        ) from fault
    certfiles.write(places.serving, made.pem + key.pem, written)


def _kubelet_client(
    path: Path, authority: signing.Authority, now: datetime, written: list[Path]
) -> None:
    subject = x509.Subject(name=KUBELET_CLIENT, groups=("system:masters",))
    there = certfiles.with_key(path, authority)
    if there is not None and there.subject == subject and there.lasts(now, MARGIN):
        return
    key = x509.Key.new()
    certfiles.write(path, authority.client(subject, key, now).pem + key.pem, written)


def _client(
    path: Path,
    subject: x509.Subject,
    url: str,
    authority: signing.Authority,
    now: datetime,
    written: list[Path],
) -> None:
    old = certfiles.read(path)
    if old is not None and _fits(path, old, subject, url, authority, now):
        return
    key = x509.Key.new()
    access = kubeconfig.Access(
        server=url,
        authority=authority.certificate.pem,
        certificate=authority.client(subject, key, now).pem,
        key=key.pem,
    )
    if old is None:
        data = kubeconfig.write(access, cluster=CLUSTER, user=subject.name)
    else:
        data = kubeconfig.renew(old, access)
    certfiles.write(path, data, written)


def _fits(
    path: Path,
    old: bytes,
    subject: x509.Subject,
    url: str,
    authority: signing.Authority,
    now: datetime,
) -> bool:
    """Whether a kubeconfig is as it should be.

    Raises:
        CertificateFault: It is not one that was made here.
    """
    access = certfiles.parsed(path, kubeconfig.read, old)
    certificate = certfiles.parsed(path, x509.Certificate.read, access.certificate)
    key = certfiles.parsed(path, x509.Key.read, access.key)
    if not certificate.issued_by(authority.certificate):
        raise certfiles.CertificateFault(
            f"{path}: its client certificate was not signed by this server's CA: move it away to "
            "have a new one"
        )
    return (
        certificate.has_key(key)
        and certificate.subject == subject
        and certificate.lasts(now, MARGIN)
        and access.server == url
        and access.authority == authority.certificate.pem
    )


def _is_any(address: str) -> bool:
    """Whether an address stands for all of the machine's."""
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False
