"""A certificate that a server makes for itself, kept in two files as the kubelet keeps its own.

`kubelet.crt` holds the certificate and the CA that signed it, whose key is thrown away;
`kubelet.key` holds the private key. A first line says that they were made here, for which names
and until when: what has no such line is somebody else's, is used as it is and never replaced.

They are made by another process, since `cryptography` once imported stays in memory for good.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from staticlet.host import osfault, secretfile, signing, x509

MARGIN = timedelta(days=30)
"""How long before its end a certificate is made anew."""

LIMIT_S = 60.0
"""How long making one may take: it is a matter of a second, but machines may be busy."""

_MADE = "# made by staticlet"
_HEAD = re.compile(r"# made by staticlet for (\S+) until (\S+);")


class CannotMake(Exception):
    """There is no certificate to serve with; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the two files are.

    Attributes:
        directory: Their directory.
    """

    directory: Path

    @property
    def certificate(self) -> Path:
        """The certificate and its CA."""
        return self.directory / "kubelet.crt"

    @property
    def key(self) -> Path:
        """The private key."""
        return self.directory / "kubelet.key"


async def ensure(places: Places, names: Sequence[str], now: datetime) -> bool:
    """Make the two files where they are missing, near their end, or for other names.

    Returns:
        Whether they were made.

    Raises:
        CannotMake: They are somebody else's and not complete, or cannot be read or written.
    """
    names = signing.server_names(names)
    heads = [_head(places.certificate), _head(places.key)]
    if all(head is not None and _fits(head, names, now) for head in heads):
        return False
    for path, head in zip((places.certificate, places.key), heads, strict=True):
        if head is not None and not head.startswith(_MADE):
            raise CannotMake(
                f"{path} was not made by staticlet, and the file beside it is missing or was: put "
                "both there, or move this one away to have new ones"
            )
    await _make_apart(places, names)
    return True


def _fits(head: str, names: Sequence[str], now: datetime) -> bool:
    """Whether a file can be used, by its first line."""
    if not head.startswith(_MADE):
        return True
    found = _HEAD.match(head)
    if found is None or found[1] != ",".join(names):
        return False
    return now < datetime.fromisoformat(found[2]) - MARGIN


def _head(path: Path) -> str | None:
    """The first line of a file; None when there is no such file."""
    try:
        data = secretfile.read(path)
    except OSError as fault:
        raise CannotMake(f"cannot read {osfault.words(fault, path)}") from fault
    except ValueError as fault:
        raise CannotMake(f"{path}: {fault}") from fault
    return None if data is None else data.partition(b"\n")[0].decode("ascii", "replace")


async def _make_apart(places: Places, names: Sequence[str]) -> None:
    command = (sys.executable, "-m", __name__, str(places.directory), *names)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            _, said = await process.communicate()
    except TimeoutError as fault:
        raise CannotMake(f"no certificate was made within {LIMIT_S:g} s") from fault
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = said.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise CannotMake(f"cannot make a certificate in {places.directory}: {words[0]}")


def write(places: Places, names: Sequence[str], now: datetime) -> None:
    """Make both files.

    Raises:
        OSError: They cannot be written.
        ValueError: A name cannot be in a certificate.
    """
    authority = signing.Authority.new(x509.Key.new(), name=f"{names[0]}-ca", now=now)
    key = x509.Key.new()
    made = authority.server(x509.Subject(name=names[0]), names, key, now)
    until = (now + signing.LIFE).replace(microsecond=0).isoformat()
    head = f"{_MADE} for {','.join(names)} until {until}; put your own in its place if you like\n"
    secretfile.write(places.key, head.encode() + key.pem)
    secretfile.write(places.certificate, head.encode() + made.pem + authority.certificate.pem)


def main(directory: str, *names: str) -> None:
    """Make both files, as a program of its own, which gives way to the pods that start."""
    os.nice(10)
    try:
        write(Places(Path(directory)), names, datetime.now(UTC))  # noqa: TID251  a process apart
    except (OSError, ValueError) as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main(*sys.argv[1:])
