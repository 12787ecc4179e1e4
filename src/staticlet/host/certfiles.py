"""Files of certificates: read, held against their CA, and written; faults say what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from staticlet.host import osfault, secretfile, signing, x509
from staticlet.kube import kubeconfig

T = TypeVar("T")


class CertificateFault(Exception):
    """A file that cannot be used or written: the text names it and says what to do."""


def read(path: Path) -> bytes | None:
    """What a file holds; None where there is none.

    Raises:
        CertificateFault: It cannot be read, or is too large to be one of ours.
    """
    try:
        return secretfile.read(path)
    except OSError as fault:
        raise CertificateFault(f"cannot read {osfault.words(fault, path)}") from fault
    except ValueError as fault:
        raise CertificateFault(f"{path}: {fault}: it is not what the server wrote") from fault


def write(path: Path, data: bytes, written: list[Path]) -> None:
    """Write a file as a whole, for nobody's eyes but the owner's, and note it in `written`.

    Raises:
        CertificateFault: It cannot be written.
    """
    try:
        secretfile.write(path, data)
    except OSError as fault:
        raise CertificateFault(f"cannot write {path}: {osfault.advised(fault)}") from fault
    written.append(path)


def parsed(
    path: Path,
    parse: Callable[[bytes], T],
    data: bytes,
    *,
    remedy: str = "mend it, or move it away to have a new one",
) -> T:
    """What the bytes of a file mean.

    Args:
        path: The file.
        parse: Reads them.
        data: The bytes.
        remedy: What to do about a file that cannot be used.

    Raises:
        CertificateFault: They mean nothing.
    """
    try:
        return parse(data)
    except (x509.Unusable, kubeconfig.NotOurs) as fault:
        raise CertificateFault(f"{path}: {fault}: {remedy}") from fault


def with_key(path: Path, authority: signing.Authority) -> x509.Certificate | None:
    """The certificate of this CA that lies in one file with its key; None where there is no file.

    Raises:
        CertificateFault: The file holds something else.
    """
    pem = read(path)
    if pem is None:
        return None
    certificate = parsed(path, x509.Certificate.read, pem)
    key = parsed(path, x509.Key.read, pem)
    if not certificate.issued_by(authority.certificate) or not certificate.has_key(key):
        raise CertificateFault(
            f"{path}: was not signed by this server's CA, or has another key: move it away to "
            "have a new one"
        )
    return certificate
