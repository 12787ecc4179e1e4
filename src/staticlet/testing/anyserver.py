"""An API server of the run's choice for tests that talk to it in a loop of their own.

`staticlet api` starts afresh in the loop of each test. A kube-apiserver takes seconds to start:
one serves all tests, and is emptied before each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staticlet.host import certs
from staticlet.testing import apiloop, kubecluster

EMPTIED_S = 30.0
_NAMESPACE = "/api/v1/namespaces/default"
_KEPT = ("/api/v1/nodes", f"{_NAMESPACE}/pods", f"{_NAMESPACE}/events")
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyServer:
    """A server without nodes and pods; pods may be made in the namespace `default`.

    Attributes:
        client: Speaks to it as its administrator.
        places: Where its certificates and kubeconfigs lie.
    """

    client: apiloop.Client
    places: certs.Places


@asynccontextmanager
async def serving(
    place: Path, cluster: kubecluster.KubeCluster | None
) -> AsyncIterator[AnyServer]:
    """A server from here to the end of the block.

    Args:
        place: A directory of the test's own.
        cluster: The control plane whose server it is to be; None for one in this loop.
    """
    if cluster is None:
        async with apiloop.serving(place) as client:
            await client.ask("POST", f"{_NAMESPACE}/serviceaccounts", _ACCOUNT)
            yield AnyServer(client=client, places=certs.Places(place / "api"))
        return
    state = cluster.place / "api"
    async with apiloop.client_of(cluster.url, state) as client:
        await _empty(client)
        yield AnyServer(client=client, places=certs.Places(state))


async def _empty(client: apiloop.Client) -> None:
    """Remove what an earlier test left, and wait until it is gone."""
    async with asyncio.timeout(EMPTIED_S):
        for path in (*_KEPT, _LEASES):
            while await _items(client, path):
                await client.ask("DELETE", f"{path}?gracePeriodSeconds=0")
                await asyncio.sleep(0.05)


async def _items(client: apiloop.Client, path: str) -> list[Any]:
    return list((await client.ask("GET", path)).body["items"])
