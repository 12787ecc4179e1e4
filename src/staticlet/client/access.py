"""Access to a server as a kubeconfig gives it, kept up with files that rotate.

Every file is looked at again after a few seconds, and at once when the server did not accept what
they say. A file that is caught half written, or spoiled later, does not undo what was good: the
last good access is used on, and the log says so once.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from staticlet.aio import clock as clocks
from staticlet.client import accessfiles, execplugin, kubeconfig, saying, tls, validity

log = logging.getLogger(__name__)

CHECK_S = 5.0
"""How often the files are looked at."""

FORCED_S = 1.0
"""How often they are at most, when the server refuses what they say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one request needs.

    Attributes:
        server: The server's URL, without a slash at the end.
        server_name: The name that its certificate must have; None for that of the URL.
        tls: TLS with the CA and the client's certificate; None for plain HTTP. Two accesses with
            the same one may share connections.
        headers: What says who one is.
        told: What an exec plugin told, as far as it is used.
        ends: When the client's certificate ends; None where there is none.
    """

    server: str
    server_name: str | None
    tls: ssl.SSLContext | None
    headers: Mapping[str, str]
    told: execplugin.Credential | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A TLS context, what it was made of, and when the client's certificate in it ends."""

    of: tuple[bool, bytes | None, bytes | None, bytes | None]
    context: ssl.SSLContext
    ends: datetime | None


class Source:
    """Gives access by one kubeconfig.

    Args:
        path: The kubeconfig; it need not exist yet.
        clock: The time.
    """

    def __init__(self, path: Path, clock: clocks.Clock) -> None:
        self.path = path
        self._clock = clock
        self._one = asyncio.Lock()
        self._files: accessfiles.Files | None = None
        self._reading: asyncio.Future[accessfiles.Files] | None = None
        self._looked_at = float("-inf")
        self._forced_at = float("-inf")
        self._plugin: execplugin.Plugin | None = None
        self._made: _Made | None = None
        self._access: Access | None = None
        self._fault: kubeconfig.BadKubeconfig | None = None
        self._spoiled = saying.Saying(log, "kubeconfig", clock)

    @property
    def server(self) -> str:
        """The server's URL as it was known last; before that, the kubeconfig's path."""
        return self._access.server if self._access else str(self.path)

    @property
    def outdated(self) -> str:
        """When the client's certificate has ended, in words; empty while it holds."""
        ends = self._access.ends if self._access else None
        if ends is None or ends > self._clock.now():
            return ""
        return f"ended on {ends:%Y-%m-%d %H:%M} UTC"

    async def access(self) -> Access:
        """What a request needs now.

        Raises:
            BadKubeconfig: The files do not say, and never did.
        """
        async with self._one:
            await self._look(force=False)
            return await self._use(None)

    async def renewed(self, refused: Access) -> Access | None:
        """What to try when an access was not accepted (401); None when there is nothing else.

        Raises:
            BadKubeconfig: As `access`.
        """
        async with self._one:
            if refused is self._access:
                await self._look(force=True)
            access = await self._use(refused.told)
            same = access.headers == refused.headers and access.tls is refused.tls
            return None if same else access

    async def _look(self, *, force: bool) -> None:
        """Read the files again if they may have changed; those never read yet are looked for."""
        now = self._clock.monotonic()
        if force and now - self._forced_at >= FORCED_S:
            self._forced_at = now
        elif self._files is not None and now - self._looked_at < CHECK_S:
            return
        self._looked_at = now
        try:
            self._files = await self._read(force=force)
        except kubeconfig.BadKubeconfig as fault:
            self._fault = fault
            self._doubt(fault)
        else:
            self._fault = None

    async def _read(self, *, force: bool) -> accessfiles.Files:
        """Read the files in a thread; one that hangs (a network file system) keeps one thread."""
        if self._reading is None:
            again = functools.partial(accessfiles.again, self.path, self._files, force=force)
            self._reading = asyncio.get_running_loop().run_in_executor(None, again)
        reading = self._reading
        try:
            return await asyncio.shield(reading)
        finally:
            if reading.done():
                self._reading = None

    async def _use(self, refused: execplugin.Credential | None) -> Access:
        """Access by the files as they were read last."""
        if self._files is None:
            raise self._fault or kubeconfig.BadKubeconfig(f"{self.path}: not read yet")
        try:
            access = await self._of(self._files, refused)
        except kubeconfig.BadKubeconfig as fault:
            if self._access is None:
                raise
            self._doubt(fault)
            return self._access
        if self._fault is None:
            self._spoiled.back()
        if self._access is None or access != self._access:
            self._access = access
        return self._access

    def _doubt(self, fault: kubeconfig.BadKubeconfig) -> None:
        """Say that what is used is not what the files say now."""
        if self._access is not None:
            self._spoiled.lost(f"{fault}; going on with what was there before")

    async def _of(self, files: accessfiles.Files, refused: execplugin.Credential | None) -> Access:
        user = files.config.user
        token, certificate, key = files.token, files.certificate, files.key
        told = await self._told(files, refused)
        if told is not None:
            token = token or told.token
            if certificate is None:
                certificate, key = told.certificate, told.key
        cluster = files.config.cluster
        made = self._tls(files, certificate, key)
        return Access(
            server=cluster.server,
            server_name=cluster.server_name or None,
            tls=made.context if made else None,
            headers=_headers(user, token, files.config),
            told=told,
            ends=made.ends if made else None,
        )

    async def _told(
        self, files: accessfiles.Files, refused: execplugin.Credential | None
    ) -> execplugin.Credential | None:
        spec = files.config.user.exec
        if spec is None:
            self._plugin = None
            return None
        cluster = None
        if spec.provide_cluster:
            cluster = execplugin.cluster_info(files.config.cluster, files.authority)
        if self._plugin is None or (self._plugin.spec, self._plugin.cluster) != (spec, cluster):
            self._plugin = execplugin.Plugin(spec, cluster, self._clock)
        try:
            return await self._plugin.credential(but=refused)
        except execplugin.ExecFault as fault:
            raise kubeconfig.BadKubeconfig(
                f"{self.path}: the exec plugin {execplugin.name_of(spec)} {fault}"
            ) from fault

    def _tls(
        self, files: accessfiles.Files, certificate: bytes | None, key: bytes | None
    ) -> _Made | None:
        cluster, user = files.config.cluster, files.config.user
        if cluster.server.startswith("http://"):
            return None
        of = (cluster.insecure, files.authority, certificate, key)
        if self._made is None or self._made.of != of:
            try:
                made = tls.context(
                    authority=files.authority,
                    insecure=cluster.insecure,
                    certificate=certificate,
                    key=key,
                )
            except tls.BadAuthority as fault:
                raise self._bad(cluster.authority, "certificate-authority", fault) from fault
            except tls.BadCertificate as fault:
                raise self._bad(user.certificate, "client-certificate", fault) from fault
            ends = validity.ends(certificate) if certificate is not None else None
            self._made = _Made(of=of, context=made, ends=ends)
        return self._made

    def _bad(
        self, pem: kubeconfig.Pem | None, otherwise: str, fault: tls.BadPem
    ) -> kubeconfig.BadKubeconfig:
        field = pem.field if pem is not None else otherwise
        place = f" ({pem.path})" if pem is not None and pem.path is not None else ""
        return kubeconfig.BadKubeconfig(f"{self.path}: {field}{place}: {fault}")


def _headers(user: kubeconfig.User, token: str, config: kubeconfig.Kubeconfig) -> dict[str, str]:
    if token:
        if not token.isascii() or not token.isprintable():
            raise kubeconfig.BadKubeconfig(f"{config.path}: the token holds characters none has")
        return {"Authorization": f"Bearer {token}"}
    if user.basic is not None:
        pair = base64.b64encode(":".join(user.basic).encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}
