"""An agent for each module of end-to-end tests; tests give their pods names of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import apiclient, apirun
from staticlet.testing import containerd as containerd_of_ours

_numbers = itertools.count()


@pytest.fixture(scope="module")
def place(containerd: containerd_of_ours.Containerd) -> Path:
    """A short path for one more agent, which the containerd's end clears with everything else."""
    return containerd.base / f"a{next(_numbers)}"


@pytest.fixture(scope="module")
def agent(
    request: pytest.FixtureRequest, containerd: containerd_of_ours.Containerd, place: Path
) -> Iterator[agents.Agent]:
    """The module's agent, with the module's `CONFIG` if it has one."""
    config = getattr(request.module, "CONFIG", agents.QUICK)
    with agents.running(place, containerd, config=config) as made:
        yield made


@pytest.fixture(scope="module")
def api_server(
    request: pytest.FixtureRequest,
    api_server_kind: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[apirun.Server]:
    """The module's API server, of the kind that the run has chosen.

    There is a scheduler if the module has a true `SCHEDULER`.
    """
    scheduler = getattr(request.module, "SCHEDULER", False)
    place = tmp_path_factory.mktemp("api")
    with apirun.chosen(api_server_kind, place, node=agents.NODE, scheduler=scheduler) as made:
        yield made


@pytest.fixture
def admin(api_server: apirun.Server) -> Iterator[apiclient.Client]:
    """The administrator's plain client of it."""
    made = apirun.client(api_server)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_manifest_outlives_its_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """The next test finds an empty directory; pods may still be ending."""
    yield
    if "agent" in request.fixturenames:
        request.getfixturevalue("agent").manifests.clear()
