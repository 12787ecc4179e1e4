"""What `staticlet api` is told, and what of it makes no sense. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from staticlet.apiserver.controllers import nodehealth

STATE_DIR = Path("/var/lib/staticlet/api")
ADDRESS = "127.0.0.1"
PORT = 6443


class CannotServe(Exception):
    """The API cannot be served as it is asked for; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the API server is told.

    Attributes:
        node_name: The node that `node.conf` is for.
        state_dir: Where everything is that it keeps.
        address: The IP address that it listens on.
        port: The port; 0 takes any that is free.
        token_file: Static tokens, in kube-apiserver's form; None for none.
        certificate: The serving certificate; None for one that is made here.
        key: Its private key.
        client_ca: Whose client certificates are believed beside our own CA's; None for no others.
        names: More names and addresses that the certificate that is made here holds for.
        controllers: Which controllers run, as kube-controller-manager reads such a list.
        node_grace_s: How long a node may be silent, in seconds, before it is Unknown.
        audit_log: Where requests are written down; None for nowhere.
        kubelet_ca: The CA of kubelets' certificates; None where these are not looked at.
    """

    node_name: str
    state_dir: Path = STATE_DIR
    address: str = ADDRESS
    port: int = PORT
    token_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    names: tuple[str, ...] = ()
    controllers: str = "*"
    node_grace_s: float = nodehealth.GRACE_S
    audit_log: Path | None = None
    kubelet_ca: Path | None = None

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        return ipaddress.ip_address(self.address).is_loopback


def check(options: Options) -> None:
    """Return when the options go together.

    Raises:
        CannotServe: They do not.
    """
    try:
        address = ipaddress.ip_address(options.address)
    except ValueError as fault:
        raise CannotServe(
            f"--bind-address {options.address!r} is no IP address: give one of this machine's"
        ) from fault
    if (options.certificate is None) is not (options.key is None):
        raise CannotServe("--tls-cert-file and --tls-private-key-file go together: give both")
    if address.is_unspecified and not options.names and options.certificate is None:
        raise CannotServe(
            f"--bind-address {address} is every address of this machine, and no certificate "
            "holds for what is not known: give --tls-san with the names and addresses that "
            "clients use, or a certificate of your own with --tls-cert-file"
        )
