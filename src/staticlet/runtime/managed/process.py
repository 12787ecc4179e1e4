"""A process by a handle that cannot mean another one: a pidfd, with its identity in a file.

A containerd outlives the agent that started it. The next agent finds it by its pid file, which
says more than a pid: a pid, the tick at which that process started and the boot it belongs to.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from staticlet.host import machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One process among all that ever ran on this machine."""

    pid: int
    start_ticks: int
    boot_id: str

    def to_json(self) -> str:
        """The text of a pid file."""
        return json.dumps(asdict(self)) + "\n"


def parse_identity(text: str) -> Identity | None:
    """The identity in a pid file; None when it is not one."""
    try:
        fields = json.loads(text)
        return Identity(
            pid=int(fields["pid"]),
            start_ticks=int(fields["start_ticks"]),
            boot_id=str(fields["boot_id"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def parse_start_ticks(stat: str) -> int:
    """The start time in /proc/PID/stat; the name before it may hold spaces and brackets."""
    return int(stat.rpartition(")")[2].split()[19])


def identify(pid: int) -> Identity | None:
    """Who has this pid now; None when nobody."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Identity(pid=pid, start_ticks=parse_start_ticks(stat), boot_id=machine.boot_id())


class Process:
    """A running or dead process; our child or not."""

    def __init__(self, identity: Identity, pidfd: int) -> None:
        self.identity = identity
        self._pidfd = pidfd
        self._status: int | None = None

    @property
    def pid(self) -> int:
        """Its number."""
        return self.identity.pid

    @property
    def ended(self) -> bool:
        """Whether it is dead."""
        if self._pidfd < 0:
            return True
        ready, _, _ = select.select([self._pidfd], [], [], 0)
        return bool(ready)

    @property
    def how(self) -> str:
        """How it ended, in words, as far as is known: only its parent is told."""
        self._reap()
        if self._status is None:
            return "ended"
        if self._status < 0:
            return f"was killed by {signal.Signals(-self._status).name}"
        return f"ended with status {self._status}"

    async def wait(self) -> None:
        """Return when it is dead: at once, without polling."""
        if self.ended:
            return
        loop = asyncio.get_running_loop()
        dead = asyncio.Event()
        loop.add_reader(self._pidfd, dead.set)
        try:
            await dead.wait()
        finally:
            loop.remove_reader(self._pidfd)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a dead process gets none."""
        if self.ended:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            pass  # it died just now

    async def stop(self, *, grace_s: float) -> None:
        """TERM, and KILL when it still runs after the grace; returns when it is dead."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.wait()
        self.close()

    async def kill(self) -> None:
        """KILL; returns when it is dead."""
        self.signal(signal.SIGKILL)
        await self.wait()
        self.close()

    def close(self) -> None:
        """Let go of it: reap it if it is our dead child, leave it alone if it runs."""
        self._reap()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def _reap(self) -> None:
        if self._pidfd < 0 or self._status is not None:
            return
        try:
            end = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return  # not our child: its parent reaps it
        if end is not None:
            killed = end.si_code != os.CLD_EXITED
            self._status = -end.si_status if killed else end.si_status


def spawn(args: list[str], *, log: Path, env: Mapping[str, str] | None = None) -> Process:
    """Start a program in a session of its own, its output appended to a log file.

    Raises:
        OSError: When the program cannot be run.
    """
    with log.open("ab") as output:
        return _spawned(args, env, output=output, own_session=True)


def spawn_beside(args: list[str], *, env: Mapping[str, str] | None = None) -> Process:
    """Start a program in our process group; it prints where we log.

    Raises:
        OSError: When the program cannot be run.
    """
    return _spawned(args, env, output=sys.stderr, own_session=False)


def _spawned(
    args: list[str], env: Mapping[str, str] | None, *, output: IO[Any], own_session: bool
) -> Process:
    child = subprocess.Popen(
        args,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=env,
        start_new_session=own_session,
    )
    identity = identify(child.pid)  # a child stays in /proc until it is reaped
    if identity is None:
        raise ProcessLookupError(f"{args[0]} vanished as it started")
    # Popen complains when a child that still runs is forgotten: this one may outlive us.
    child.returncode = 0
    return Process(identity, os.pidfd_open(child.pid))


def find(identity: Identity) -> Process | None:
    """The process with this identity, if it still runs."""
    try:
        pidfd = os.pidfd_open(identity.pid)
    except (ProcessLookupError, ValueError):
        return None
    # The handle is taken first: whoever has the pid now cannot be replaced by another unseen.
    process = Process(identity, pidfd)
    if identify(identity.pid) != identity or process.ended:
        process.close()
        return None
    return process
