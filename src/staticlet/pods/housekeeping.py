"""Clearing what pods of an earlier life of the agent left on the disk.

A worker cleans up after its own pod. What is left when the agent was killed in between is found
here, at start and with the slow re-list: pod directories and cgroups of UIDs that nobody wants and
of which the runtime has nothing.
"""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from staticlet.config.settings import Settings
from staticlet.host import cgroup
from staticlet.pods import discard, faults, paths, podcgroup, wanted
from staticlet.pods.node import NodeFacts

log = logging.getLogger(__name__)

_NOBODY = wanted.PodKey("none", "none")


class House:
    """Knows where pods leave things; blocking, meant for a thread."""

    def __init__(
        self, settings: Settings, *, trees: cgroup.Hierarchies, node: Callable[[], NodeFacts]
    ) -> None:
        self._settings = settings
        self._trees = trees
        self._node = node

    def left_behind(self) -> list[str]:
        """The UIDs that have a directory here."""
        directory: Path = self._settings.root_dir / "pods"
        try:
            with os.scandir(directory) as entries:
                return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []

    def clear(self, uid: str) -> None:
        """Remove the directory, logs and cgroup of one UID."""
        try:
            for key in (_NOBODY, *self._logged(uid)):
                discard.remove_pod(paths.of(key, uid, self._settings))
        except (discard.CleanupFault, faults.PodFault) as fault:
            log.warning("left by an earlier pod: %s", fault)
            return
        podcgroup.remove(uid, trees=self._trees, node=self._node(), settings=self._settings)
        log.info("removed what pod %s had left", uid)

    def clear_links(self) -> None:
        """Remove old style links to logs that are gone."""
        discard.remove_dead_links(self._settings.container_logs_dir, self._settings.pod_logs_dir)

    def _logged(self, uid: str) -> Iterator[wanted.PodKey]:
        """The pods with logs of this UID; directories are named `<namespace>_<name>_<uid>`."""
        for directory in self._settings.pod_logs_dir.glob(f"*_{glob.escape(uid)}"):
            namespace, _, name = directory.name.removesuffix(f"_{uid}").partition("_")
            if namespace and name:
                yield wanted.PodKey(namespace, name)
