"""Sees to it that there is a Node for this machine.

As the kubelet's registration: it is tried until it works; a Node that is there is taken, and put
right where it describes the machine. Unlike the kubelet, one that is deleted while we run is made
again: a node without a Node has no mirror pods and gets no pods, until somebody looks.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from staticlet.client import port
from staticlet.node import conditions, nodeobject, observer, ties

log = logging.getLogger(__name__)

Object = dict[str, Any]

PATH = "/api/v1/nodes"


class Registrar:
    """Registers one Node.

    Args:
        ours: What it works with.
        watcher: How the machine is.

    Attributes:
        refusal: Why there is no Node, as long as that is so; empty otherwise.
    """

    def __init__(self, ours: ties.Ties, watcher: observer.Observer) -> None:
        self.refusal = ""
        self._forbidden = ""
        self._ties = ours
        self._node = ours.node
        self._watcher = watcher
        self._back = ours.pauses()
        self._saying = ours.saying(log, f"Node {ours.node.name}")

    async def run(self) -> None:
        """Register whenever there is no Node; for ever."""
        with self._node.changes.subscribed() as changes:
            while True:
                if self._node.settled or not self._node.granted:
                    await changes.next()
                    continue
                try:
                    await self._settle()
                except port.ApiFault as fault:
                    await self._failed(fault)
                else:
                    self._back.reset()
                    self._saying.back()
                    self.refusal = ""

    async def _settle(self) -> None:
        """Make the Node, or take the one that is there.

        Raises:
            ApiFault: There is none yet.
        """
        self._forbidden = ""
        wanted = nodeobject.node(
            await self._watcher.look(), self._ties.settings, self._ties.clock.now()
        )
        made = await self._make(wanted) if self._ties.settings.register_node else None
        if made is None:
            await self._take(wanted)
        else:
            log.info("registered node %s", self._node.name)
            self._node.settle(made)
            for reason in conditions.news({}, wanted["status"]):
                self._ties.tell("Normal", reason, status_words(self._node.name, reason))

    async def _make(self, wanted: Object) -> Object | None:
        """The Node that was made; None when there may be one already."""
        try:
            return await self._ties.ask("POST", PATH, wanted)
        except port.Refused as fault:
            if fault.code == HTTPStatus.FORBIDDEN:
                # Some may look but not make: the refusal counts only if there is no Node.
                self._forbidden = str(fault)
                return None
            if fault.code == HTTPStatus.CONFLICT:
                return None
            raise

    async def _take(self, wanted: Object) -> None:
        place = f"{PATH}/{self._node.name}"
        there = await self._ties.ask("GET", place)
        rebooted = _rebooted(there, wanted)
        patch = nodeobject.reconciled(there, wanted)
        if patch is not None:
            there = await self._ties.ask("PATCH", place, patch, media=port.MERGE_PATCH)
            log.info("put the labels of node %s right", self._node.name)
        self._node.settle(there)
        if rebooted:
            words = f"Node {self._node.name} has been rebooted, boot id: {rebooted}"
            self._ties.tell("Warning", "Rebooted", words)

    async def _failed(self, fault: port.ApiFault) -> None:
        retry_after_s = None
        if isinstance(fault, port.Refused):
            retry_after_s = fault.retry_after_s
            refusal = self._forbidden or str(fault)
            if self._forbidden or fault.code == HTTPStatus.FORBIDDEN:
                name = self._node.name
                refusal += f"; use a kubeconfig for system:node:{name} of the group system:nodes"
            if fault.code == HTTPStatus.NOT_FOUND and not self._ties.settings.register_node:
                refusal = "registerNode is false, and nobody has made the Node: waiting for it"
            if fault.code != HTTPStatus.UNAUTHORIZED:
                self._saying.lost(refusal)
            self.refusal = refusal
        log.debug("registering: %s", fault)
        await self._ties.pause(self._back.next(retry_after_s))


def status_words(name: str, reason: str) -> str:
    """The kubelet's words for an event about a condition."""
    return f"Node {name} status is now: {reason}"


def _rebooted(there: Object, wanted: Object) -> str:
    """The boot id when the Node tells of an earlier boot; empty otherwise."""
    before = ((there.get("status") or {}).get("nodeInfo") or {}).get("bootID")
    now = str(wanted["status"]["nodeInfo"]["bootID"])
    return now if before and before != now else ""
