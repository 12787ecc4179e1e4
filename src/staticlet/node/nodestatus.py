"""Keeps the Node's status true.

It is computed every ten seconds, at once when the runtime becomes ready or not, and when somebody
else has changed it: a node controller, say, that took us for dead while the network was cut. It is
sent only when something but the time has changed, or when it was not sent for five minutes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from staticlet.client import backoff, port
from staticlet.node import conditions, nodeobject, observer, register, ties

log = logging.getLogger(__name__)

Object = dict[str, Any]

JITTER = 0.04
REPORT_SPREAD = 0.5
QUIET_S = 1.0
MOST_QUIET_S = 10.0
"""Changes that others make are answered the less often, the more there are."""


class NodeStatus:
    """Publishes one Node's status.

    Args:
        ours: What it works with.
        watcher: How the machine is.
    """

    def __init__(self, ours: ties.Ties, watcher: observer.Observer) -> None:
        self._ties = ours
        self._node = ours.node
        self._watcher = watcher
        self._back = ours.pauses()
        self._saying = ours.saying(log, f"status of node {ours.node.name}")
        self._awake = asyncio.Event()
        self._sent: Object | None = None
        self._answered: Object | None = None
        self._due_s = 0.0
        self._cordoned = False

    def wake(self) -> None:
        """Compute it soon: the runtime has changed."""
        self._awake.set()

    async def run(self) -> None:
        """Keep it true; for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_changes(), name="changes of the Node")
            while True:
                self._awake.clear()
                try:
                    if self._ours():
                        await self._publish()
                except port.ApiFault as fault:
                    await self._failed(fault)
                    continue
                await self._wait()

    async def _watch_changes(self) -> None:
        """Wake up when the Node that the API server has is not as we left it."""
        quiet = backoff.Backoff(lambda: 1.0, base_s=QUIET_S, most_s=MOST_QUIET_S)
        last_s = 0.0
        with self._node.changes.subscribed() as changes:
            while True:
                await changes.next()
                if not self._ours() or not self._tampered():
                    continue
                self._awake.set()
                now_s = self._ties.clock.monotonic()
                if now_s - last_s > 2 * MOST_QUIET_S:
                    quiet.reset()
                last_s = now_s
                await asyncio.sleep(quiet.next())

    def _ours(self) -> bool:
        return bool(self._node.uid) and self._node.settled

    def _tampered(self) -> bool:
        return self._answered != nodeobject.essence(self._current())

    def _current(self) -> Mapping[str, Any]:
        node = self._node.node or {}
        status: Mapping[str, Any] = node.get("status") or {}
        return status

    async def _wait(self) -> None:
        every_s = self._ties.settings.node_status_update_frequency_s
        try:
            async with asyncio.timeout(every_s * (1 + JITTER * self._ties.random())):
                await self._awake.wait()
        except TimeoutError:
            return

    async def _publish(self) -> None:
        """Compute the status, and send it if it is news or due.

        Raises:
            ApiFault: It could not be sent.
        """
        seen = await self._watcher.look()
        node = self._node.node
        if node is None or not self._node.uid:
            return  # it went while we looked
        self._tell_cordoned(node)
        before = node.get("status") or {}
        wanted = nodeobject.status(
            seen, self._ties.settings, before=before, now=self._ties.clock.now()
        )
        essence = nodeobject.essence(wanted)
        due = self._ties.clock.monotonic() >= self._due_s
        if essence == self._sent and not self._tampered() and not due:
            return
        patch = nodeobject.patch(wanted, node)
        place = f"{register.PATH}/{self._node.name}/status"
        answer = await self._ties.ask("PATCH", place, patch, media=port.STRATEGIC_PATCH)
        self._sent = essence
        self._answered = nodeobject.essence(answer.get("status") or {})
        if any(essence[name] != self._answered[name] for name in essence.keys() - patch["status"]):
            self._answered = None  # somebody has overwritten meanwhile what we did not send
        report_s = self._ties.settings.node_status_report_frequency_s
        spread = 1 + REPORT_SPREAD * (2 * self._ties.random() - 1)
        self._due_s = self._ties.clock.monotonic() + report_s * spread
        self._node.take(answer)
        self._back.reset()
        self._saying.back()
        for reason in conditions.news(before, wanted):
            self._tell(reason)

    def _tell_cordoned(self, node: Mapping[str, Any]) -> None:
        """Tell whether pods may be placed here, when somebody has changed that."""
        cordoned = bool((node.get("spec") or {}).get("unschedulable"))
        if cordoned != self._cordoned:
            self._cordoned = cordoned
            self._tell("NodeNotSchedulable" if cordoned else "NodeSchedulable")

    def _tell(self, reason: str) -> None:
        words = register.status_words(self._node.name, reason)
        log.log(_level(reason), "%s", words)
        self._ties.tell("Normal", reason, words)

    async def _failed(self, fault: port.ApiFault) -> None:
        retry_after_s = None
        if isinstance(fault, port.Refused):
            retry_after_s = fault.retry_after_s
            await self._look_again(fault)
        log.debug("node status: %s", fault)
        await self._ties.pause(self._back.next(retry_after_s))

    async def _look_again(self, fault: port.Refused) -> None:
        """A Node that is gone, or is another one, is to be seen before the next try."""
        if fault.code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, 422):
            if fault.code != HTTPStatus.UNAUTHORIZED:
                self._saying.lost(str(fault))
            return
        try:
            node = await self._ties.ask("GET", f"{register.PATH}/{self._node.name}")
        except port.Refused as second:
            if second.code == HTTPStatus.NOT_FOUND:
                self._node.gone()
        except port.Unreachable as second:
            log.debug("node status: %s", second)
        else:
            if node["metadata"].get("uid") == self._node.known_uid:
                self._saying.lost(str(fault))  # it is the one: the server minds something else
            self._node.take(node)


def _level(reason: str) -> int:
    return logging.INFO if "Ready" in reason or "chedulable" in reason else logging.DEBUG
