"""What the agent shows: to its own socket, the kubelet's API, the API server and systemd.

Nothing is decided here and nothing is kept but the settings that hold: everything is read from
its one owner at the moment of asking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.app import facts, merging, vitals
from staticlet.config.settings import Settings
from staticlet.kube import core, finding
from staticlet.pods import (
    events,
    journal,
    logs,
    obstacles,
    places,
    pool,
    present,
    report,
    runtimegate,
    summary,
    wanted,
)


def _none(merged: wanted.Wanted) -> Iterable[finding.Finding]:
    """No findings, where there is no API server."""
    del merged
    return ()


class View:
    """The agent as others see it.

    Args:
        settings: What holds now; `settings` may be set to others.
        clock: The time.
        facts: The machine.
        gate: Whether the runtime answers.
        pool: The pods.
        merging: What is wanted.
        recorder: What happened.
        journal: What was decided.
        places: Which pods have a place on this node.
        changes: Tells which pods have changed; closed when the agent ends.
    """

    def __init__(
        self,
        settings: Settings,
        clock: clocks.Clock,
        *,
        facts: facts.Facts,
        gate: runtimegate.RuntimeGate,
        pool: pool.Pool,
        merging: merging.Merging,
        recorder: events.Recorder,
        journal: journal.Journal,
        places: places.Places,
        changes: fanout.Fanout[wanted.PodKey],
    ) -> None:
        self.settings = settings
        self.node_findings: Callable[[wanted.Wanted], Iterable[finding.Finding]] = _none
        self._clock = clock
        self._facts = facts
        self._gate = gate
        self._pool = pool
        self._merging = merging
        self._recorder = recorder
        self._journal = journal
        self._places = places
        self._changes = changes

    @property
    def works(self) -> asyncio.Event:
        """Set once the runtime was looked at, and what is wanted is acted on."""
        return self._merging.works

    @property
    def changes(self) -> fanout.Fanout[wanted.PodKey]:
        """Tells which pods have changed; closed when the agent ends."""
        return self._changes

    def is_gone(self, key: wanted.PodKey, uid: str) -> bool:
        """Whether nothing of a pod is left here, as far as the runtime was looked at."""
        known, wants = self._pool.report(key), self._merging.wanted.pods.get(key)
        others = [one.uid for one in (known.want if known else None, wants) if one is not None]
        if not self.works.is_set() or uid in others or (known is not None and not others):
            return False
        return uid not in self._pool.known_uids()

    def vitals(self) -> vitals.Vitals:
        """How the agent is."""
        version = self._gate.version
        return vitals.Vitals(
            works=self.works.is_set(),
            pods=summary.line(self._pool.reports()),
            runtime=f"{version.name} {version.version}" if version else "",
            fault="" if self._gate.up else self._gate.fault,
            listing_since=self._pool.listing_since,
            call_s=self.settings.runtime_request_timeout_s,
        )

    def pods(self) -> list[core.Pod]:
        """All pods with their status, by namespace and name."""
        shown = (self._shown(one) for one in self._pool.reports())
        return [pod for pod in shown if pod is not None]

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        """One pod with its status; None when there is none (any more)."""
        known = self._pool.report(key)
        return None if known is None else self._shown(known)

    def _shown(self, known: report.Report) -> core.Pod | None:
        version = self._gate.version
        return present.pod(
            known,
            host_ips=self._facts.now().ips,
            runtime_name=version.name if version else "containerd",
            now=self._clock.now(),
        )

    def time(self) -> datetime:
        """Now."""
        return self._clock.now()

    def restart(self, key: wanted.PodKey) -> str:
        """Begin to restart a pod; why not, in words, when it cannot be."""
        refusal = self._pool.restart(key)
        if not refusal:
            self._journal.decide(key, "restarting it", "`staticlet restart` asked for it")
        return refusal

    def log_of(self, key: wanted.PodKey, container: str, *, previous: bool) -> logs.LogFile:
        """The log of a container's present or previous life; raises logs.NotAvailable."""
        return logs.find(
            self._pool.report(key),
            self.pod(key),
            self.settings,
            name=key.name,
            container=container,
            previous=previous,
        )

    def manifests(self) -> wanted.Wanted:
        """All manifests with their states and findings.

        Among them are those about the Node, and about static pods that find no place on it.
        """
        merged = self._merging.wanted
        more = (*obstacles.findings(merged, self._places.waiting()), *self.node_findings(merged))
        return replace(merged, findings=(*merged.findings, *more)) if more else merged

    def held_up(self) -> Mapping[wanted.PodKey, obstacles.Obstacle]:
        """The pods that find no place on this node, and what is in the way of each."""
        return dict(self._places.waiting())

    def node(self) -> str:
        """The node's name."""
        return self.settings.node_name

    def happened(self) -> tuple[events.Event, ...]:
        """What happened, the last at the end."""
        return self._recorder.events()

    def remembered(self) -> tuple[wanted.PodKey, ...]:
        """The pods of which decisions are known."""
        return self._journal.pods()

    def decisions(self, key: wanted.PodKey) -> tuple[journal.Decision, ...]:
        """The decisions about a pod, the newest at the end."""
        return self._journal.of(key)

    def sync_trouble(self) -> str:
        """What keeps pods from being looked after, for `/healthz/syncloop`; empty for nothing."""
        now = self.vitals()
        if now.fault:
            return f"the container runtime is down: {now.fault}"
        if vitals.stuck(now, absent_s=0.0, time_s=self._clock.monotonic()):
            return "the list of what runs takes too long"
        return ""
