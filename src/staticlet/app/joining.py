"""The agent's side of an API server, constructed and joined: node, mirror pods, events.

Nothing that keeps static pods running waits for anything in here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

from staticlet.aio import clock as clocks
from staticlet.aio import fanout, supervise
from staticlet.app import contents
from staticlet.client import connection, reflector, saying
from staticlet.config.settings import Settings
from staticlet.kube import finding
from staticlet.node import apipods, eventsender, joined, mirrors
from staticlet.pods import events, wanted
from staticlet.runtime import port

WARNING = events.WARNING


class Joining:
    """Everything that speaks to one API server.

    Args:
        kubeconfig: How it is reached.
        settings: What the agent is told.
        agent: The pods.
        runtime: The container runtime.
        images: Its images.
        recorder: Keeps events.
        news: Tells that there is another one.
        clock: The time.
        publish: Takes what the API wants of this node, as a source's snapshots.
        labelled: Takes the Node whenever the API has another one.
        renew: Is told which pods refer to something of which there is news.

    Attributes:
        contents: What pods of the API refer to.
    """

    def __init__(
        self,
        kubeconfig: Path,
        settings: Settings,
        *,
        agent: apipods.Agent,
        runtime: port.Runtime,
        images: port.Images,
        recorder: events.Recorder,
        news: fanout.Fanout[str],
        clock: clocks.Clock,
        publish: Callable[[wanted.Snapshot], None],
        labelled: Callable[[Mapping[str, Any] | None], None],
        renew: Callable[[wanted.PodKey], None],
    ) -> None:
        self._labelled = labelled
        self.api = connection.Connection(kubeconfig, clock=clock, patience_s=saying.PATIENCE_S)
        subject = joined.subject(settings.node_name)
        chance = random.SystemRandom().random
        self._node = joined.Node(
            self.api,
            settings,
            runtime=runtime,
            images=images,
            tell=lambda kind, reason, message: recorder.record(subject, kind, reason, message),
            clock=clock,
            random=chance,
            pause=self.api.pause,
        )
        self._pods = reflector.Reflector(
            self.api,
            "/api/v1/pods",
            clock=clock,
            random=chance,
            query={"fieldSelector": f"spec.nodeName={settings.node_name}"},
            pause=self.api.pause,
        )
        self.contents = contents.Contents(
            self.api,
            clock=clock,
            random=chance,
            changed=renew,
            pause=self.api.pause,
            record=recorder.record,
        )
        self._publish = publish
        self._mirrors = mirrors.Mirrors(
            self._node.api,
            node=settings.node_name,
            owner=self._node.own,
            agent=agent,
            there=self._pods,
            clock=clock,
            random=chance,
            pause=self._node.api.pause,
            tell=lambda reason, words: recorder.record(subject, WARNING, reason, words),
        )
        self._api_pods = apipods.ApiPods(
            self._node.api,
            agent=agent,
            there=self._pods,
            node=self._node.own,
            clock=clock,
            random=chance,
            pause=self._node.api.pause,
            publish=self._take,
            record=recorder.record,
        )
        self._sender = eventsender.EventSender(
            self.api,
            agent,
            news,
            clock,
            random=chance,
            pause=self.api.pause,
            qps=settings.event_record_qps,
            burst=settings.event_burst,
        )

    def _take(self, snapshot: wanted.Snapshot) -> None:
        """Take what the API wants here: what it refers to is known to be missing, then wanted."""
        self.contents.take(snapshot)
        self._publish(snapshot)

    def findings(self, merged: wanted.Wanted) -> tuple[finding.Finding, ...]:
        """What is wrong with the node and with mirror pods in the API, and lasts."""
        return (*self._node.findings(), *self._mirrors.findings(merged.pods))

    def grace_of(self, uid: str) -> int | None:
        """The grace in seconds with which the API deletes a pod; None when it does not."""
        return self._api_pods.graces.get(uid)

    def tasks(self) -> Iterator[tuple[str, Coroutine[None, None, None]]]:
        """The works, by their names; each is begun anew should it fail unforeseen."""
        for name, work in (
            ("node", self._node.run),
            ("pods of the API", self._pods.run),
            ("mirror pods", self._mirrors.run),
            ("API pods", self._api_pods.run),
            ("objects of API pods", self.contents.run),
            ("events for the API", self._sender.run),
            ("labels of the node", self._follow_labels),
        ):
            yield name, supervise.restarting(name, work)

    async def _follow_labels(self) -> None:
        """Tell of the Node as it is, whenever it has changed."""
        own = self._node.own
        while True:
            with own.changes.subscribed() as news:
                self._labelled(own.node)
                try:
                    while await news.next():
                        self._labelled(own.node)
                except fanout.Dropped:
                    continue
                else:
                    return

    async def aclose(self) -> None:
        """Close the connections."""
        await self.api.aclose()
