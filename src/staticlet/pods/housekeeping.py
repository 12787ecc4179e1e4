"""Clearing what pods of an earlier life of the agent left on the disk.

A worker cleans up after its own pod. What is left when the agent was killed in between is found
here, at start and with the slow re-list: directories that we marked as ours, of UIDs that nobody
wants and of which the runtime has nothing. What another agent (a kubelet that used the same root
directory, say) has left bears no mark, and stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Set

from staticlet.config.settings import Settings
from staticlet.host import cgroup, osfault
from staticlet.pods import discard, faults, paths, podcgroup, wanted
from staticlet.pods.node import NodeFacts

log = logging.getLogger(__name__)


class House:
    """Knows where pods leave things; blocking, meant for a thread."""

    def __init__(
        self, settings: Settings, *, trees: cgroup.Hierarchies, node: Callable[[], NodeFacts]
    ) -> None:
        self._settings = settings
        self._trees = trees
        self._node = node
        self._told = ""

    def left_behind(self, *, but: Set[str]) -> Mapping[str, wanted.PodKey]:
        """Whose directories are here but these UIDs'; nobody's while the disk does not tell."""
        root_dir = self._settings.root_dir
        try:
            discard.remove_husks(root_dir, but=but)
            return discard.left_behind(root_dir, but=but)
        except OSError as fault:
            self._tell(f"cannot look for what earlier pods left: {osfault.words(fault, root_dir)}")
            return {}

    def clear(self, key: wanted.PodKey, uid: str) -> None:
        """Remove the cgroup, logs and directory of one UID."""
        podcgroup.remove(uid, trees=self._trees, node=self._node(), settings=self._settings)
        try:
            discard.remove_pod(paths.of(key, uid, self._settings))
        except (discard.CleanupFault, faults.PodFault) as fault:
            log.warning("%s: left by an earlier pod: %s", key, fault)
            return
        log.info("%s: removed what pod %s had left", key, uid)

    def clear_links(self) -> None:
        """Remove old style links to logs that are gone."""
        links = self._settings.container_logs_dir
        try:
            discard.remove_dead_links(links, self._settings.pod_logs_dir)
        except OSError as fault:
            self._tell(f"cannot remove dead links: {osfault.words(fault, links)}")

    def _tell(self, words: str) -> None:
        """Log a trouble once, not with every look."""
        if words != self._told:
            self._told = words
            log.warning("%s", words)
