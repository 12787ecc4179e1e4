"""A program as a process, which tests start, stop and kill; one log for all its lives."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from staticlet.testing.until import DEADLINE_S

LOG_TAIL = 6000


class Program:
    """A program that may be started again and again.

    Args:
        name: What it is called in failures: `the agent`.
        place: Where it works.
        log: The name of its log there.
    """

    def __init__(self, name: str, place: Path, *, log: str) -> None:
        self.name = name
        self._place = place
        self._log = place / log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its pid while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    @property
    def log(self) -> str:
        """All that it has printed, over all its lives."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def launch(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start it, and wait for nothing.

        Args:
            command: The program and its arguments.
            env: What is in its environment beside what is in ours.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._place,
                env={**os.environ, **(env or {})},
            )

    def check_alive(self) -> None:
        """Return while it runs.

        Raises:
            AssertionError: It has ended.
        """
        if self.pid is None:
            raise AssertionError(f"{self.name} has ended{self.story()}")

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        return self._process.wait(timeout=DEADLINE_S)

    def story(self) -> str:
        """The end of its log, for failures."""
        return f"\n--- log of {self.name}:\n{self.log[-LOG_TAIL:]}"
