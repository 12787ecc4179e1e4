"""Credentials that a program tells: client-go's exec plugins (`client.authentication.k8s.io`).

The program is run when there are no credentials yet, when theirs have expired, and when the server
did not accept them; never twice at once, and after a failure not before a moment has passed. It is
never asked to talk to anybody.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from staticlet.aio import clock as clocks
from staticlet.client import kubeconfig
from staticlet.kube import rfc3339

MOST_BYTES = 1024 * 1024
AGAIN_S = 2.0
"""How soon the program is run again, when it failed or when what it told was not accepted."""

LEAST_S = 30.0
"""For so long what a program told is used at least, whatever it says of its end: where that is
over already, one of two clocks is wrong, and the server will tell whether it is good."""

LONGEST_S = 9.0
"""How long it may run: a little less than a request has, so that it is told what took so long."""

GONE_S = 1.0
"""How long it is waited for a program to be gone that was killed."""

_LONGEST_WORDS = 300


class ExecFault(Exception):
    """The program told no credentials; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a program told.

    Attributes:
        token: A bearer token; empty for none.
        certificate: A client certificate, PEM; None for none.
        key: Its private key.
        expires: When it is good no more; None when that is not known.
    """

    token: str = ""
    certificate: bytes | None = None
    key: bytes | None = None
    expires: datetime | None = None


class Plugin:
    """One program, and what it told last.

    Args:
        spec: The program.
        cluster: Told to the program if it wants to know; see `cluster_info`.
        clock: The time.
    """

    def __init__(
        self, spec: kubeconfig.Exec, cluster: Mapping[str, Any] | None, clock: clocks.Clock
    ) -> None:
        self.spec = spec
        self.cluster = cluster
        self._clock = clock
        self._told: Credential | None = None
        self._good_until_s = float("inf")
        self._fault = ""
        self._ran_at = float("-inf")
        self._one = asyncio.Lock()

    async def credential(self, *, but: Credential | None = None) -> Credential:
        """What the program told, or tells now.

        Args:
            but: A credential that was not accepted, or None.

        Raises:
            ExecFault: It told nothing that can be used.
        """
        async with self._one:
            just = self._clock.monotonic() - self._ran_at < AGAIN_S
            told = self._told
            fresh = self._clock.monotonic() < self._good_until_s
            if told is not None and fresh and (told != but or just):
                return told
            if self._fault and just:
                raise ExecFault(self._fault)
            return await self._ask()

    async def _ask(self) -> Credential:
        self._ran_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(LONGEST_S):
                output = await _run(self.spec, self._environment())
            self._told, self._fault = read(output, self.spec), ""
            self._good_until_s = self._clock.monotonic() + self._lasts_s(self._told)
        except TimeoutError as fault:
            self._fault = f"told nothing within {LONGEST_S:g} s"
            raise ExecFault(self._fault) from fault
        except ExecFault as fault:
            self._fault = str(fault)
            raise
        return self._told

    def _lasts_s(self, told: Credential) -> float:
        """How long it is used from now on; a date that is set meanwhile changes nothing."""
        if told.expires is None:
            return float("inf")
        return max((told.expires - self._clock.now()).total_seconds(), LEAST_S)

    def _environment(self) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": False}
        if self.cluster is not None:
            spec["cluster"] = dict(self.cluster)
        info = {"kind": "ExecCredential", "apiVersion": self.spec.api_version, "spec": spec}
        given = {"KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}
        return {**os.environ, **dict(self.spec.env), **given}


def read(output: bytes, spec: kubeconfig.Exec) -> Credential:
    """What a program's output says.

    Raises:
        ExecFault: It is no ExecCredential that says anything.
    """
    try:
        told = msgspec.json.decode(output)
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        raise ExecFault("printed no JSON") from fault
    if not isinstance(told, dict) or told.get("kind") != "ExecCredential":
        raise ExecFault("printed no ExecCredential")
    if told.get("apiVersion") != spec.api_version:
        raise ExecFault(f"printed another apiVersion than {spec.api_version}")
    status = told.get("status")
    if not isinstance(status, dict):
        raise ExecFault("printed an ExecCredential without a status")
    token, certificate, key = (
        _text(status, name) for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if bool(certificate) != bool(key):
        raise ExecFault("printed one of clientCertificateData and clientKeyData without the other")
    if not token and not certificate:
        raise ExecFault("printed neither a token nor a client certificate")
    return Credential(
        token=token,
        certificate=certificate.encode() or None,
        key=key.encode() or None,
        expires=_expires(status),
    )


def _text(status: Mapping[str, Any], name: str) -> str:
    value = status.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ExecFault(f"printed a {name} that is not a string")
    return value.strip() if name == "token" else value


def _expires(status: Mapping[str, Any]) -> datetime | None:
    text = _text(status, "expirationTimestamp")
    if not text:
        return None
    try:
        expires = rfc3339.moment(text)
    except ValueError as fault:
        raise ExecFault("printed an expirationTimestamp that is not a time") from fault
    if expires.tzinfo is None:
        raise ExecFault("printed an expirationTimestamp without a time zone")
    return expires


def cluster_info(cluster: kubeconfig.Cluster, authority: bytes | None) -> dict[str, Any]:
    """What a program is told of the cluster, as `ExecCredential.spec.cluster`.

    Args:
        cluster: The cluster.
        authority: The CA's certificates, PEM.
    """
    info: dict[str, Any] = {"server": cluster.server, "config": cluster.exec_config}
    if cluster.server_name:
        info["tls-server-name"] = cluster.server_name
    if cluster.insecure:
        info["insecure-skip-tls-verify"] = True
    if authority:
        info["certificate-authority-data"] = base64.b64encode(authority).decode()
    return info


class _Conversation(asyncio.SubprocessProtocol):
    """Gathers what a program prints, within bounds, until it has ended."""

    def __init__(self) -> None:
        self.printed = {1: bytearray(), 2: bytearray()}
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep what is printed, and one byte more than is taken."""
        kept = self.printed[fd]
        kept += data[: max(MOST_BYTES + 1 - len(kept), 0)]

    def process_exited(self) -> None:
        """The program has ended; what it started may still print."""
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The program has ended and nobody prints any more."""
        self.silent.set()


async def _run(spec: kubeconfig.Exec, environment: Mapping[str, str]) -> bytes:
    """What the program prints; it and what it started are ended with the waiting for it."""
    pipe = asyncio.subprocess.PIPE
    try:
        transport, told = await asyncio.get_running_loop().subprocess_exec(
            _Conversation,
            spec.command,
            *spec.args,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except (OSError, ValueError) as fault:
        hint = f" ({spec.install_hint.strip()})" if spec.install_hint else ""
        words = getattr(fault, "strerror", None) or str(fault)
        raise ExecFault(f"cannot be run: {words.lower()}{hint}") from fault
    try:
        await told.silent.wait()
        status = transport.get_returncode()
    finally:
        await _end(transport, told)
    output, errors = bytes(told.printed[1]), bytes(told.printed[2])
    if len(output) > MOST_BYTES:
        raise ExecFault(f"printed more than {MOST_BYTES // 1024} KiB")
    if status:
        raise ExecFault(f"ended with status {status}{_last_words(errors)}")
    return output


async def _end(transport: asyncio.SubprocessTransport, told: _Conversation) -> None:
    """End the program and its children, and see it gone."""
    try:
        os.killpg(transport.get_pid(), signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended, and so has all that it started
    transport.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GONE_S):
            await told.exited.wait()


def _last_words(errors: bytes) -> str:
    lines = errors.decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    if not said:
        return ""
    shown = "".join(character for character in said[-1] if character.isprintable())
    return f": {shown[:_LONGEST_WORDS]}"


def name_of(spec: kubeconfig.Exec) -> str:
    """The program's name, for people."""
    return Path(spec.command).name
