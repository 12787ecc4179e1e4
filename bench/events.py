"""The moments at which containerd saw tasks start and end, read from its own stream of events."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from staticlet.aio import clock

START = "/tasks/start"
EXIT = "/tasks/exit"
SUBSCRIBED_AFTER_S = 0.5
"""`ctr events` does not say when it listens."""

_LINE = re.compile(r"(\S+ \d\d:\d\d:\d\d)(\.\d+)? \+0000 UTC \S+ (\S+) (\{.*\})\s*")
_CLOCK = clock.SystemClock()


class Missed(Exception):
    """What was awaited did not happen in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One start or end of a task.

    Attributes:
        at: Seconds since the epoch, by containerd.
        topic: START or EXIT.
        task: The id of the sandbox or container.
    """

    at: float
    topic: str
    task: str


def now() -> float:
    """The same clock as the events': seconds since the epoch."""
    return _CLOCK.now().timestamp()


def parse(line: str) -> Event | None:
    """An event from a line of `ctr events`; None for all but starts and ends of tasks."""
    match = _LINE.fullmatch(line)
    if match is None or match[3] not in (START, EXIT):
        return None
    body = json.loads(match[4])
    task = body.get("container_id", "")
    if body.get("id", task) != task:
        return None  # an exec inside the task
    day = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return Event(at=day.timestamp() + float(match[2] or 0), topic=match[3], task=task)


class Events:
    """The stream of one containerd, as a queue of what was not yet looked at."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue()

    def drain(self) -> None:
        """Forget what came so far."""
        while not self._queue.empty():
            self._queue.get_nowait()

    async def last_of(self, topic: str, count: int, *, timeout_s: float) -> Event:
        """The last of so many events of a topic.

        Raises:
            Missed: They were fewer when the time was over.
        """
        came = 0
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    event = await self._queue.get()
                    came += event.topic == topic
                    if came == count:
                        return event
        except TimeoutError as fault:
            raise Missed(f"{came} of {count} {topic} within {timeout_s:g} s") from fault

    async def follow(self, lines: asyncio.StreamReader) -> None:
        """Take in all lines."""
        while line := await lines.readline():
            event = parse(line.decode())
            if event is not None:
                self._queue.put_nowait(event)


@asynccontextmanager
async def listening(socket: Path, namespace: str) -> AsyncIterator[Events]:
    """The events of the containerd on a socket, from here to the end of the block."""
    events = Events()
    ctr = await asyncio.create_subprocess_exec(
        *("ctr", "--address", str(socket), "--namespace", namespace, "events"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.TaskGroup() as group:
            if ctr.stdout is not None:
                reading = group.create_task(events.follow(ctr.stdout), name="events")
            await asyncio.sleep(SUBSCRIBED_AFTER_S)
            yield events
            reading.cancel()
    finally:
        ctr.terminate()
        await ctr.wait()
