"""A containerd of our own: started or adopted, watched, restarted, stopped.

Containerd's shims hold the containers: when containerd ends, or is killed, they go on, and the
next containerd with the same root and state takes them over. So does the next agent: it finds the
containerd that a killed agent left behind by its pid file and goes on with that one, unless its
configuration is not what it should be now.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from pathlib import Path

from staticlet.aio import clock
from staticlet.host import machine as host
from staticlet.host import mounts
from staticlet.runtime.managed import answer, machine, process
from staticlet.runtime.managed.layout import Layout

LOG = logging.getLogger(__name__)

START_DEADLINE_S = 60.0  # many containers to take over after a crash take their time
POLL_S = 0.005
STOP_GRACE_S = 10.0
STEADY_S = 60.0  # who ran this long did not crash at start
MAX_DELAY_S = 30.0
MAX_LOG_BYTES = 16 * 1024 * 1024


class CannotStart(RuntimeError):
    """Containerd ended, or did not answer; the text says what it said last."""


def restart_delay_s(failures: int) -> float:
    """How long to wait before a start, after so many deaths in a row: none, then doubling."""
    return 0.0 if failures <= 1 else min(2.0 ** min(failures - 2, 5), MAX_DELAY_S)


class Containerd:
    """One containerd, alive from `start` to `stop`, also across its own deaths under `watch`."""

    def __init__(
        self,
        layout: Layout,
        config: str,
        *,
        iptables: Path | None = None,
        time: clock.Clock | None = None,
    ) -> None:
        """Prepare; nothing is started.

        Args:
            layout: Where everything is.
            config: The content of config.toml.
            iptables: The program that network plugins should find under the name iptables.
            time: The clock that restarts are paced by.
        """
        self.layout = layout
        self._config = config
        self._iptables = iptables
        self._time = time or clock.SystemClock()
        self._process: process.Process | None = None
        self.adopted = False

    @property
    def pid(self) -> int | None:
        """The pid of the containerd that runs now."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Adopt the containerd that runs here already, or start one; returns when it answers.

        Raises:
            CannotStart: When it ends or does not answer in a minute.
        """
        self._process = await self._adopt()
        self.adopted = self._process is not None
        if self._process is None:
            self._clean_after_boot()
            self._process = self._launch()
        try:
            await self._answering(self._process)
        except CannotStart:
            await self._process.kill()  # it may hang: the next try starts from nothing
            self._process = None
            raise

    async def watch(self) -> None:
        """Start it again whenever it ends, until cancelled; crashes at start are spaced out."""
        failures = 0
        while True:
            since = self._time.monotonic()
            if self._process is not None:
                await self._process.wait()
            failures = 1 if self._time.monotonic() - since >= STEADY_S else failures + 1
            delay_s = restart_delay_s(failures)
            self._report_death(delay_s)
            await asyncio.sleep(delay_s)
            try:
                await self.start()
            except CannotStart as fault:
                LOG.error("%s", fault)  # noqa: TRY400  the fault's text says it all

    async def stop(self, *, grace_s: float = STOP_GRACE_S) -> None:
        """End containerd, but none of its containers."""
        if self._process is None:
            return
        await self._process.stop(grace_s=grace_s)
        self._process = None
        self.layout.pid_file.unlink(missing_ok=True)

    def release(self) -> None:
        """Leave containerd running and forget it: the next `start` adopts it."""
        if self._process is not None:
            self._process.close()
            self._process = None

    async def kill(self) -> None:
        """End containerd without a chance to tidy up, as a crash does."""
        if self._process is not None:
            await self._process.kill()
            self._process = None

    async def _adopt(self) -> process.Process | None:
        """The containerd that runs here already, if it is as it should be."""
        found = self._running()
        if found is None:
            return None
        if _read(self.layout.config) == self._config and await self._responds(found):
            LOG.info("containerd already runs here as pid %d: it is kept", found.pid)
            return found
        LOG.info("the containerd that runs here as pid %d is out of date: restarting", found.pid)
        await found.stop(grace_s=STOP_GRACE_S)
        return None

    def _running(self) -> process.Process | None:
        identity = process.parse_identity(_read(self.layout.pid_file))
        if identity is None or identity.boot_id != host.boot_id():
            return None
        return process.find(identity)

    async def _responds(self, found: process.Process) -> bool:
        try:
            await self._answering(found)
        except CannotStart:
            return False
        return True

    def _clean_after_boot(self) -> None:
        """Drop what a run directory on a disk kept over a reboot: mounts and pids of the past."""
        identity = process.parse_identity(_read(self.layout.pid_file))
        if identity is None or identity.boot_id == host.boot_id():
            return
        for path in (self.layout.state, self.layout.cni_state):
            if not mounts.below(path):
                shutil.rmtree(path, ignore_errors=True)

    def _launch(self) -> process.Process:
        layout = self.layout
        for path in (layout.root, layout.state, layout.run_dir, layout.bin):
            path.mkdir(parents=True, exist_ok=True)
        layout.run_dir.chmod(0o700)
        layout.config.write_text(self._config)
        self._provide_iptables()
        if layout.log.exists() and layout.log.stat().st_size > MAX_LOG_BYTES:
            layout.log.replace(layout.log.with_suffix(".log.1"))
        try:
            started = process.spawn(
                ["containerd", "--config", str(layout.config)], log=layout.log, env=self._env()
            )
        except OSError as fault:
            raise CannotStart(f"cannot run containerd: {fault.strerror}") from fault
        layout.pid_file.write_text(started.identity.to_json())
        LOG.info("containerd started as pid %d, log in %s", started.pid, layout.log)
        return started

    def _provide_iptables(self) -> None:
        """Let plugins find the variant that works here under the only name they know."""
        link = self.layout.bin / "iptables"
        link.unlink(missing_ok=True)
        if self._iptables is not None and self._iptables.name != "iptables":
            link.symlink_to(self._iptables)

    def _env(self) -> dict[str, str]:
        env = {
            name: value
            for name, value in os.environ.items()
            # READY=1 of containerd is not for systemd; CONTAINERD_* are ctr's and the shims'.
            if name != "NOTIFY_SOCKET" and not name.startswith("CONTAINERD_")
        }
        env["PATH"] = f"{self.layout.bin}:{machine.search_path()}"
        return env

    async def _answering(self, started: process.Process) -> None:
        """Wait until its CRI service answers."""
        deadline = self._time.monotonic() + START_DEADLINE_S
        while await answer.version(self.layout.socket) is None:
            if started.ended:
                raise CannotStart(f"containerd {started.how}: {self._last_words()}")
            if self._time.monotonic() >= deadline:
                raise CannotStart(
                    f"containerd (pid {started.pid}) does not answer on {self.layout.socket} "
                    f"after {START_DEADLINE_S:g} s: {self._last_words()}"
                )
            await asyncio.sleep(POLL_S)

    def _report_death(self, delay_s: float) -> None:
        if self._process is None:
            return
        LOG.warning(
            "containerd (pid %d) %s: starting it again%s; pods go on meanwhile",
            self._process.pid,
            self._process.how,
            f" in {delay_s:g} s" if delay_s else "",
        )
        self._process.close()
        self._process = None

    def _last_words(self) -> str:
        """The last line of its log that says what went wrong, else where the log is."""
        lines = _read(self.layout.log).splitlines()[-50:]
        telling = [
            line for line in lines if "level=fatal" in line or line.startswith("containerd")
        ]
        return telling[-1] if telling else f"see {self.layout.log}"


def _read(path: Path) -> str:
    """A file's text; nothing when there is no such file."""
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
