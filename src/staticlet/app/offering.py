"""What this node offers to pods: the labels and the room that its Node tells of, and no others.

Nothing here needs an API server. Where there is one, the labels that somebody gave the Node there
count as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from staticlet.config.settings import Settings
from staticlet.host import nodeinfo
from staticlet.node import capacity, nodeobject
from staticlet.pods import node as nodes


class Offering:
    """Keeps what is offered.

    Args:
        settings: The node's name and labels, and what is reserved of the machine.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        labels = nodeobject.labels(nodeinfo.identity(), settings)
        self._offer = nodes.Offer(
            name=settings.node_name, labels=labels, allocatable=self.measure()
        )

    def now(self) -> nodes.Offer:
        """What is offered."""
        return self._offer

    def measure(self) -> Mapping[str, str]:
        """What is allocatable on the machine as it is now; may block as a disk does."""
        there = capacity.capacity(nodeinfo.capacity(self._settings.root_dir), self._settings)
        return capacity.texts(capacity.allocatable(there, self._settings))

    def measured(self, allocatable: Mapping[str, str]) -> bool:
        """Take what was measured; whether something has changed."""
        return self._take(replace(self._offer, allocatable=allocatable))

    def labelled(self, node: Mapping[str, Any] | None) -> bool:
        """Take the labels of the Node in the API; whether something has changed."""
        labels = ((node or {}).get("metadata") or {}).get("labels") or {}
        return self._take(replace(self._offer, api_labels=dict(labels)))

    def _take(self, offer: nodes.Offer) -> bool:
        before, self._offer = self._offer, offer
        return offer != before
