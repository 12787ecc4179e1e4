"""Containers of ours whose sandbox is gone: nobody's pod, seen by no worker.

A runtime that removes a sandbox removes the containers that it has then. One that is made in that
moment stays behind, when somebody else removes the sandbox, or when an agent is killed while it
makes a container and the next one removes the sandbox. The kubelet's garbage collection finds such
containers too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from staticlet.runtime import port

log = logging.getLogger(__name__)


def of(sandboxes: Iterable[port.Sandbox], containers: Iterable[port.Container]) -> frozenset[str]:
    """The ids of the containers that belong to none of the sandboxes."""
    known = {each.id for each in sandboxes}
    return frozenset(each.id for each in containers if each.sandbox_id not in known)


class Orphans:
    """Removes what has been an orphan in two lists in a row.

    In one list only it may be new: its sandbox was made after the sandboxes were listed.

    Args:
        runtime: The container runtime.
    """

    def __init__(self, runtime: port.Runtime) -> None:
        self._runtime = runtime
        self._seen: frozenset[str] = frozenset()

    async def listed(
        self, sandboxes: Iterable[port.Sandbox], containers: Iterable[port.Container]
    ) -> None:
        """Take what was listed, all with our label, and remove what is nobody's.

        Raises:
            port.Unavailable: The runtime is gone.
        """
        found = of(sandboxes, containers)
        for container_id in sorted(found & self._seen):
            await self._remove(container_id)
        self._seen = found

    async def _remove(self, container_id: str) -> None:
        try:
            await self._runtime.stop_container(container_id, grace_s=0)
            await self._runtime.remove_container(container_id)
        except port.Unavailable:
            raise
        except port.RuntimeFault as fault:
            log.warning(
                "cannot remove container %s, which has no sandbox: %s", container_id, fault
            )
        else:
            log.info("removed container %s, which had no sandbox any more", container_id)
