"""API servers for integration tests: of the kind that the run chose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from staticlet.testing import anyserver, apirun, kubecluster


@pytest.fixture(scope="session")
def kube_cluster(
    api_server_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[kubecluster.KubeCluster | None]:
    """The control plane of the run, if it has one."""
    if api_server_kind != apirun.KUBE:
        yield None
        return
    with kubecluster.running(tmp_path_factory.mktemp("kube"), node="node1") as made:
        yield made


@pytest.fixture
async def any_server(
    kube_cluster: kubecluster.KubeCluster | None, tmp_path: Path
) -> AsyncIterator[anyserver.AnyServer]:
    """A server of the run's choice, without nodes and pods."""
    async with anyserver.serving(tmp_path, kube_cluster) as made:
        yield made
