"""The files that give access to a server, read together: a kubeconfig and those that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from staticlet.client import kubeconfig
from staticlet.host import osfault

_MOST_BYTES = 4 * 1024 * 1024

_Signature = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """All that the files say, read at one time.

    Attributes:
        config: The kubeconfig.
        signatures: By which it is seen that a file has changed.
        authority: The CA's certificates, PEM; None for none.
        certificate: The client's certificate, PEM; None for none.
        key: Its private key, PEM.
        token: The bearer token; empty for none.
    """

    config: kubeconfig.Kubeconfig
    signatures: Mapping[Path, _Signature]
    authority: bytes | None
    certificate: bytes | None
    key: bytes | None
    token: str


def load(path: Path) -> kubeconfig.Kubeconfig:
    """What a kubeconfig says, with all its files looked at: to tell of mistakes at start-up.

    Raises:
        BadKubeconfig: It, or a file that it names, cannot be used.
    """
    return read(path).config


def again(path: Path, before: Files | None, *, force: bool) -> Files:
    """What the files say now; the very same value when none of them has changed.

    Args:
        path: The kubeconfig.
        before: What they said before; None for nothing.
        force: Read them in any case.

    Raises:
        BadKubeconfig: One of them cannot be used.
    """
    kept = before.signatures.items() if before is not None and not force else ()
    if before is not None and kept and all(_signature(file) == sign for file, sign in kept):
        return before
    return read(path)


def read(path: Path) -> Files:
    """What the files say.

    Raises:
        BadKubeconfig: One of them cannot be used.
    """
    signatures = {path: _signature(path)}
    config = kubeconfig.parse(_bytes(path, str(path)), path)
    signatures |= {file: _signature(file) for file in config.files}
    token = config.user.token
    if config.user.token_file is not None:
        where = f"{path}: tokenFile"
        token = _token(_bytes(config.user.token_file, where), config.user.token_file)
    return Files(
        config=config,
        signatures=signatures,
        authority=_pem(config, config.cluster.authority),
        certificate=_pem(config, config.user.certificate),
        key=_pem(config, config.user.key),
        token=token,
    )


def _pem(config: kubeconfig.Kubeconfig, pem: kubeconfig.Pem | None) -> bytes | None:
    if pem is None:
        return None
    return pem.data if pem.path is None else _bytes(pem.path, f"{config.path}: {pem.field}")


def _bytes(path: Path, where: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as fault:
        words = osfault.advised(fault) if where == str(path) else osfault.words(fault, path)
        raise kubeconfig.BadKubeconfig(f"{where}: {words}") from fault
    if len(data) > _MOST_BYTES:
        raise kubeconfig.BadKubeconfig(f"{where}: {path} is larger than any such file")
    return data


def _token(data: bytes, path: Path) -> str:
    try:
        token = data.decode("ascii").strip()
    except UnicodeDecodeError as fault:
        raise kubeconfig.BadKubeconfig(f"{path}: holds no token: it is not ASCII") from fault
    if not token:
        raise kubeconfig.BadKubeconfig(f"{path}: is empty, but should hold a token")
    return token


def _signature(path: Path) -> _Signature:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
