"""TLS of a server: what it shows, and whose certificates it believes.

A client may show a certificate and need not. One that it shows must be of the client CA, else the
handshake fails: who shows credentials that prove nothing is told so at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


class TlsFault(Exception):
    """The certificates cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """What a server's TLS is made of, as PEM files.

    Attributes:
        certificate: The server's certificate, and what chains it to its CA.
        key: Its private key.
        client_cas: The CAs whose client certificates are believed; empty when none are asked for.
    """

    certificate: Path
    key: Path
    client_cas: tuple[Path, ...] = ()


def context(
    files: TlsFiles, *, oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2, ciphers: str = ""
) -> ssl.SSLContext:
    """A server's side of TLS.

    Args:
        files: What it shows, and whom it believes.
        oldest: The oldest version that it offers.
        ciphers: The cipher suites below TLS 1.3 that it offers, in OpenSSL's words; empty for
            the usual ones.

    Raises:
        TlsFault: A file cannot be read, or is not what it should be.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = oldest
    if ciphers:
        made.set_ciphers(ciphers)
    made.set_alpn_protocols(["http/1.1"])
    show(made, read(files))
    for file in files.client_cas:
        try:
            made.load_verify_locations(file)
        except (OSError, ssl.SSLError) as fault:
            raise TlsFault(
                f"cannot take client certificates of {file}: {fault.strerror or fault}"
            ) from fault
        made.verify_mode = ssl.CERT_OPTIONAL
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its private key, which fit each other, as PEM."""

    certificate: bytes
    key: bytes


def read(files: TlsFiles) -> Pair:
    """The certificate and the key as they are in their files now.

    Raises:
        TlsFault: A file cannot be read, or is not what it should be.
    """
    try:
        found = Pair(certificate=files.certificate.read_bytes(), key=files.key.read_bytes())
        show(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), found)
    except (OSError, ssl.SSLError) as fault:
        what = fault.filename or f"{files.certificate} and {files.key}"
        raise TlsFault(f"cannot serve with {what}: {fault.strerror or fault}") from fault
    return found


def show(used: ssl.SSLContext, pair: Pair) -> None:
    """Show a certificate to all who connect from now on.

    OpenSSL takes the two halves one after the other and forgets a key that does not fit: a pair
    must have been tried before, and no handshake may begin meanwhile. Call this where connections
    are served, and `read` elsewhere.
    """
    with _file_of(pair.certificate) as certificate, _file_of(pair.key) as key:
        used.load_cert_chain(certificate, key, password=_nobody_knows)


def _nobody_knows() -> str:
    """Refuse a key that is encrypted: else OpenSSL would ask on the terminal, and wait.

    Raises:
        OSError: Always.
    """
    raise OSError(errno.EACCES, "the private key is encrypted: write it without a password")


@contextlib.contextmanager
def _file_of(data: bytes) -> Iterator[str]:
    """The name of a file in memory, while the context is open: OpenSSL takes nothing else."""
    descriptor = os.memfd_create("tls")
    try:
        os.write(descriptor, data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def peer_certificate(request: web.BaseRequest) -> bytes | None:
    """The client's certificate (DER), which the handshake has verified; None when none came."""
    transport = request.transport
    if transport is None:
        return None
    shown = transport.get_extra_info("ssl_object")
    if shown is None:
        return None
    certificate: bytes | None = shown.getpeercert(binary_form=True)
    return certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What a client's certificate says of it, read without `cryptography`.

    Attributes:
        name: The subject's common name; empty when it has none.
        organizations: The subject's organizations.
        until_s: When the certificate ends, in seconds of the epoch: a connection may outlive it.
    """

    name: str
    organizations: tuple[str, ...]
    until_s: float


def peer(request: web.BaseRequest) -> Peer | None:
    """Who the client is by its certificate, which the handshake has verified; None for nobody."""
    transport = request.transport
    shown = transport.get_extra_info("ssl_object") if transport is not None else None
    said = shown.getpeercert() if shown is not None else None
    if not said:
        return None
    subject = [pair for part in said.get("subject", ()) for pair in part]
    names = [value for kind, value in subject if kind == "commonName"]
    return Peer(
        name=names[0] if names else "",
        organizations=tuple(value for kind, value in subject if kind == "organizationName"),
        until_s=float(ssl.cert_time_to_seconds(said["notAfter"])),
    )
