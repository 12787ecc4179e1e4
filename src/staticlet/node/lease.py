"""Renews the node's Lease, the sign of life; and finds out whether the node's name is ours.

As the kubelet's: in kube-node-lease, four renewals in the time for which it holds, owned by the
Node. It never gives up while the API server is away, and the log says things once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from staticlet.client import port
from staticlet.kube import rfc3339
from staticlet.node import claim, ties

log = logging.getLogger(__name__)

Object = dict[str, Any]

NAMESPACE = "kube-node-lease"
PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
RENEWALS = 4
JITTER = 0.04
LOOK_S = 2.0
TAKEN_LOOK_S = 5.0
TRIES = 5
"""How often a renewal that met a conflict is tried again at once."""

_REMEMBERED = 20


class Lease:
    """Keeps the Lease of one node.

    Args:
        ours: What it works with; the Node is told whether the name is ours.
        agent: What marks it as ours: the same after every start on this machine.
        taken: Told who has the name when that is somebody else, and the empty text when it is
            ours again.
    """

    def __init__(self, ours: ties.Ties, *, agent: str, taken: Callable[[str], None]) -> None:
        self._ties = ours
        self._node = ours.node
        self._duration_s = ours.settings.node_lease_duration_s
        self._agent = agent
        self._taken = taken
        self._back = ours.pauses()
        self._saying = ours.saying(log, f"Lease {NAMESPACE}/{ours.node.name}")
        self._lease: Object | None = None
        self._tried: deque[str] = deque(maxlen=_REMEMBERED)
        self._strikes = claim.Strikes()
        self._trusting = True

    async def run(self) -> None:
        """Wait until the name is ours, then keep the Lease; for ever."""
        while True:
            await self._become_sure()
            self._taken("")
            self._node.grant(granted=True)
            await self._keep()
            self._node.grant(granted=False)

    async def _become_sure(self) -> None:
        """Look at the Lease until nobody else has it; nothing is written meanwhile."""
        before: claim.Watched | None = None
        agent = self._agent if self._trusting else ""
        while True:
            try:
                self._lease = await self._get()
            except port.Refused as fault:
                if fault.code == HTTPStatus.FORBIDDEN:
                    self._saying.lost(str(fault))
                    return  # it cannot be known; most likely nobody renews it
                await self._failed(fault)
                continue
            except port.ApiFault as fault:
                await self._failed(fault)
                continue
            verdict, before = claim.look(
                self._lease,
                before,
                agent=agent,
                now=self._ties.clock.now(),
                now_s=self._ties.clock.monotonic(),
            )
            if verdict is claim.Verdict.FREE:
                return
            if verdict is claim.Verdict.TAKEN and self._lease is not None:
                self._taken(_holder(self._lease, self._agent))
            await asyncio.sleep(TAKEN_LOOK_S if verdict is claim.Verdict.TAKEN else LOOK_S)

    async def _keep(self) -> None:
        """Renew until the name is lost."""
        self._strikes, self._trusting = claim.Strikes(), True
        with self._node.changes.subscribed() as changes:
            while True:
                if not self._node.known_uid:
                    await changes.next()  # a Lease belongs to a Node: wait for one
                    continue
                try:
                    if not await self._renew():
                        return
                except port.ApiFault as fault:
                    await self._failed(fault)
                    continue
                self._back.reset()
                self._saying.back()
                every_s = self._duration_s / RENEWALS
                await asyncio.sleep(every_s * (1 + JITTER * self._ties.random()))

    async def _renew(self) -> bool:
        """Renew once; False when the name is somebody else's now.

        Raises:
            ApiFault: It could not be renewed now.
        """
        for _ in range(TRIES):
            wanted = self._wanted()
            self._tried.append(claim.renewed_at(wanted))
            try:
                self._lease = await self._write(wanted)
            except port.Refused as fault:
                if fault.code not in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                    raise
                if fault.code == HTTPStatus.NOT_FOUND and self._lease is None:
                    raise  # not the Lease is missing, but its namespace
            else:
                return True
            self._lease = await self._get()
            if self._lease is not None and self._lost(self._lease):
                return False
        return True

    def _lost(self, lease: Object) -> bool:
        """Whether a Lease that was written by another shows that the name is another's."""
        if claim.renewed_at(lease) in self._tried:
            return False  # ours, of a request whose answer was lost; or only its labels changed
        if claim.agent_of(lease) not in ("", self._agent):
            return True
        self._strikes = self._strikes.more(self._ties.clock.monotonic())
        self._trusting = self._strikes.count < claim.STRIKES
        return not self._trusting

    def _wanted(self) -> Object:
        """The Lease as it is to be now."""
        now = claim.next_renewal(self._lease, self._ties.clock.now())
        made: Object = self._lease or {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._node.name, "namespace": NAMESPACE},
        }
        meta = dict(made["metadata"])
        meta["annotations"] = {**(meta.get("annotations") or {}), claim.AGENT: self._agent}
        meta["ownerReferences"] = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "name": self._node.name,
                "uid": self._node.known_uid,
            }
        ]
        spec = {
            **(made.get("spec") or {}),
            "holderIdentity": self._node.name,
            "leaseDurationSeconds": self._duration_s,
            "renewTime": rfc3339.micro(now),
        }
        return {**made, "metadata": meta, "spec": spec}

    async def _write(self, wanted: Object) -> Object:
        if self._lease is None:
            return await self._ties.ask("POST", PATH, wanted)
        place = f"{PATH}/{self._node.name}"
        return await self._ties.ask("PUT", place, wanted)

    async def _get(self) -> Object | None:
        try:
            place = f"{PATH}/{self._node.name}"
            return await self._ties.ask("GET", place)
        except port.Refused as fault:
            if fault.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _failed(self, fault: port.ApiFault) -> None:
        retry_after_s = None
        if isinstance(fault, port.Refused):
            retry_after_s = fault.retry_after_s
            if fault.code != HTTPStatus.UNAUTHORIZED:
                self._saying.lost(str(fault))
        log.debug("lease: %s", fault)
        await self._ties.pause(self._back.next(retry_after_s))


def _holder(lease: Object, ours: str) -> str:
    """Who has a Lease, in words; a kubelet leaves our mark where it finds it."""
    agent = claim.agent_of(lease)
    if agent in ("", ours):
        return "a kubelet or the like"
    return f"another staticlet (marked {agent})"
