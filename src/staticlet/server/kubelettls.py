"""The TLS of the kubelet's API: its certificate, given or made here, kept as its files are.

Certificates and the client CA are read anew when their files change. What is wrong with new ones
is told once, and the old ones go on.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import TypeAlias

from staticlet.aio import clock as clocks
from staticlet.config import tlsrules
from staticlet.config.settings import Settings
from staticlet.host import selfsigned
from staticlet.web import tls

log = logging.getLogger(__name__)

LOOK_S = 60.0
"""How often the files are looked at."""

_VERSIONS = {
    tlsrules.OLDEST: ssl.TLSVersion.TLSv1_2,
    tlsrules.NEWEST: ssl.TLSVersion.TLSv1_3,
}

Stamp: TypeAlias = tuple[int, int, int] | None
"""What tells a file that was replaced or written from the one before; None for no file."""

FAULTS = (tls.TlsFault, selfsigned.CannotMake, OSError)
"""What may be raised here; all of it may pass."""


class Certificates:
    """What is shown on one port, and who is believed there.

    Args:
        settings: The files and the rules; read once.
        clock: The time.
    """

    def __init__(self, settings: Settings, clock: clocks.Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._shown: tuple[Stamp, ...] = ()
        self._believed: Stamp = None

    async def context(self) -> ssl.SSLContext:
        """TLS with the files as they are now; makes the certificate where none is given.

        Raises:
            TlsFault, CannotMake, OSError: A file is missing or wrong, or cannot be made.
        """
        suites, files = self._settings.tls_cipher_suites, await self._files()
        self._shown, self._believed = self._pair_now(), self._ca_now()  # before they are read
        return await asyncio.to_thread(
            tls.context,
            files,
            oldest=_VERSIONS[tlsrules.oldest(self._settings.tls_min_version, suites)],
            ciphers=tlsrules.openssl(suites),
        )

    async def keep(self, context: ssl.SSLContext) -> None:
        """Show the certificate as its files are; return when others are to be believed."""
        told = ""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._ca_now() != self._believed:
                return
            try:
                files = await self._files()
                now = self._pair_now()
                if now != self._shown:
                    tls.show(context, await asyncio.to_thread(tls.read, files))
                    self._shown, told = now, ""
                    where = files.certificate
                    log.info("the kubelet's API shows the new certificate in %s", where)
            except FAULTS as fault:
                if str(fault) != told:
                    told = str(fault)
                    words = "%s; going on with the certificate of before"
                    log.error(words, told)  # noqa: TRY400  it says it

    async def _files(self) -> tls.TlsFiles:
        """The files; makes the certificate where it is ours and missing, or near its end."""
        settings = self._settings
        if self._given is None:
            names = (settings.node_name, *settings.node_ips, "localhost", "127.0.0.1")
            if await selfsigned.ensure(self._own, names, self._clock.now()):
                log.info("wrote %s and %s", self._own.certificate, self._own.key)
        certificate, key = self._pair
        cas = () if settings.client_ca_file is None else (settings.client_ca_file,)
        return tls.TlsFiles(certificate=certificate, key=key, client_cas=cas)

    @property
    def _given(self) -> tuple[Path, Path] | None:
        certificate, key = self._settings.tls_cert_file, self._settings.tls_private_key_file
        return None if certificate is None or key is None else (certificate, key)

    @property
    def _own(self) -> selfsigned.Places:
        return selfsigned.Places(self._settings.cert_dir or self._settings.root_dir / "pki")

    @property
    def _pair(self) -> tuple[Path, Path]:
        return self._given or (self._own.certificate, self._own.key)

    def _pair_now(self) -> tuple[Stamp, ...]:
        return tuple(_stamp(path) for path in self._pair)

    def _ca_now(self) -> Stamp:
        ca = self._settings.client_ca_file
        return None if ca is None else _stamp(ca)


def _stamp(path: Path) -> Stamp:
    try:
        now = path.stat()
    except OSError:
        return None
    return now.st_ino, now.st_mtime_ns, now.st_size
