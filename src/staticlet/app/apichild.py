"""`staticlet api` as a child of `staticlet up`: started, watched, restarted, ended with it.

Pods need none of this: whatever goes wrong here is said, tried again, and raised to nobody.

Unlike containerd it does not outlive `up`. Should `up` be killed, the child notices and ends by
itself; one that could not, because it hung, is found by its pid file and ended by the next `up`,
so that no two servers fight for the port and the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from staticlet.aio import clock as clocks
from staticlet.app import apioptions
from staticlet.config.settings import Settings
from staticlet.host import certs, osfault
from staticlet.host import machine as host
from staticlet.runtime.managed import process
from staticlet.web import listener

log = logging.getLogger(__name__)

PORT_RETRY_S = 5.0
STEADY_S = 10.0
"""Who served this long did not fail at start."""

MAX_DELAY_S = 60.0
STOP_GRACE_S = 5.0
_NOT_FOR_CHILDREN = frozenset({"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"})


def restart_delay_s(failures: int) -> float:
    """How long to wait before a start, after so many deaths in a row: none, then doubling."""
    return 0.0 if failures <= 1 else min(2.0 ** min(failures - 2, 6), MAX_DELAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The server that is wanted.

    Attributes:
        state_dir: Where it keeps everything.
        pid_file: Who runs: pid, start time and boot of the server that was started last.
        port: Its port on the loopback; 0 takes any that is free.
    """

    state_dir: Path
    pid_file: Path
    port: int = apioptions.PORT

    @property
    def places(self) -> certs.Places:
        """Where its certificates and kubeconfigs are."""
        return certs.Places(self.state_dir)


def command(wanted: Wanted, settings: Settings, *, parent: int) -> list[str]:
    """The command line of the server, for the node and the log of the agent's settings."""
    return [
        sys.executable,
        "-P",  # what lies in the working directory is no part of the program
        "-m",
        "staticlet",
        "api",
        f"--state-dir={wanted.state_dir}",
        f"--secure-port={wanted.port}",
        f"--hostname-override={settings.node_name}",
        f"--v={settings.verbosity}",
        f"--log-format={settings.log_format}",
        f"--parent={parent}",
    ]


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: ours, but for what lets it speak to systemd in our name."""
    return {name: value for name, value in own.items() if name not in _NOT_FOR_CHILDREN}


class ApiChild:
    """The server, alive as long as `run` runs, also across its own deaths.

    Args:
        wanted: The server.
        settings: The agent's: the node's name, and how to log.
        clock: What restarts are paced by.
    """

    def __init__(
        self, wanted: Wanted, settings: Settings, *, clock: clocks.Clock | None = None
    ) -> None:
        self._wanted = wanted
        self._settings = settings
        self._clock = clock or clocks.SystemClock()
        self._process: process.Process | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the server running until cancelled, and end it then.

        When `stop` is set, one that ends is not begun anew.
        """
        try:
            await self._end_leftover()
            await self._keep_up(stop)
        finally:
            await self._end()

    async def _keep_up(self, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            await self._port_to_be_free()
            since = self._clock.monotonic()
            self._launch()
            if self._process is not None:
                await self._process.wait()
            if stop.is_set():  # Ctrl-C reaches both of us
                return
            failures = 1 if self._clock.monotonic() - since >= STEADY_S else failures + 1
            delay_s = restart_delay_s(failures)
            self._report(delay_s)
            await asyncio.sleep(delay_s)

    async def _end(self) -> None:
        if self._process is None:
            return
        await self._process.stop(grace_s=STOP_GRACE_S)
        self._process = None
        with contextlib.suppress(OSError):
            self._wanted.pid_file.unlink()

    async def _end_leftover(self) -> None:
        """End a server that an `up` before us left behind, because both were killed or hung."""
        try:
            text = self._wanted.pid_file.read_text()
        except OSError:
            return
        identity = process.parse_identity(text)
        if identity is None or identity.boot_id != host.boot_id():
            return
        found = process.find(identity)
        if found is None:
            return
        log.info("ending the API server that was left here as pid %d", found.pid)
        await found.stop(grace_s=STOP_GRACE_S)

    async def _port_to_be_free(self) -> None:
        """Wait for the port, and say once who should do what."""
        told = False
        while fault := self._taken():
            if not told:
                log.error(
                    "no API server: %s; end what listens there, or give another --api-port; "
                    "pods run without it",
                    fault,
                )
                told = True
            await asyncio.sleep(PORT_RETRY_S)

    def _taken(self) -> str:
        """Why the port cannot be listened on; empty when it can."""
        if self._wanted.port == 0:
            return ""
        try:
            listener.bound(apioptions.ADDRESS, self._wanted.port).close()
        except listener.ListenFault as fault:
            return str(fault)
        return ""

    def _launch(self) -> None:
        arguments = command(self._wanted, self._settings, parent=os.getpid())
        try:
            self._process = process.spawn_beside(arguments, env=environment(os.environ))
        except OSError as fault:
            log.error("cannot start the API server: %s", fault.strerror)  # noqa: TRY400  it says it
            return
        log.info(
            "the API server starts as pid %d; once it serves, this shows the pods: "
            "kubectl --kubeconfig %s get pods -A",
            self._process.pid,
            self._wanted.places.admin_conf,
        )
        self._note(self._process.identity)
        _stand_back(self._process.pid)

    def _note(self, identity: process.Identity) -> None:
        """Let the next `up` find it. A full disk is no reason to have no server."""
        path = self._wanted.pid_file
        try:
            path.write_text(identity.to_json())
        except OSError as fault:
            log.warning("cannot write the API server's pid to %s", osfault.words(fault, path))

    def _report(self, delay_s: float) -> None:
        if self._process is None:
            return
        log.warning(
            "the API server (pid %d) %s: starting it again%s; pods go on meanwhile",
            self._process.pid,
            self._process.how,
            f" in {delay_s:g} s" if delay_s else "",
        )
        self._process.close()
        self._process = None


def _stand_back(pid: int) -> None:
    """Should memory run out, let the server be spared no more than other programs are.

    systemd's unit has `up` itself spared, which its children inherit: the kernel would rather end
    pods than a server that leaks.
    """
    with contextlib.suppress(OSError, ValueError):
        if int(Path("/proc/self/oom_score_adj").read_text()) < 0:
            Path(f"/proc/{pid}/oom_score_adj").write_text("0")
