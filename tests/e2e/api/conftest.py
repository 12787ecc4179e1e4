"""An API server for each module, and kubectls, clients and namespaces to use it with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import apiclient, apiobjects, apirun, apiserver
from staticlet.testing.kubectl import Kubectl, programs
from staticlet.testing.until import until

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apiserver.ApiProcess]:
    """The module's `staticlet api`, a process of its own."""
    with apirun.running(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: apiserver.ApiProcess) -> Iterator[apiclient.Client]:
    """The administrator's plain client, which makes what tests look at."""
    client = apirun.client(server)
    yield client
    client.close()


@pytest.fixture(scope="module")
def node(server: apiserver.ApiProcess, api: apiclient.Client) -> Iterator[dict[str, Any]]:
    """A node that says it is ready, and shows life: pods are bound to it."""
    status = {"status": apiobjects.NODE_STATUS}
    api.create("/api/v1/nodes", {**apiobjects.head("v1", "Node", apiobjects.NODE), **status})
    made: dict[str, Any] = api.patch(f"/api/v1/nodes/{apiobjects.NODE}/status", status)
    with apirun.alive(server, apiobjects.NODE):
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kubectl's home: what it discovered is found again by the module's other tests."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def ns(api: apiclient.Client) -> str:
    """A namespace for the test alone, with its default service account."""
    name = f"t{next(_numbers)}"
    api.create("/api/v1/namespaces", apiobjects.head("v1", "Namespace", name))
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    until(lambda: api.ask("GET", account).code == 200, f"{name} has a default service account")
    return name


@pytest.fixture
def kubectl(server: apiserver.ApiProcess, home: Path, ns: str) -> Kubectl:
    """Stock kubectl as the administrator, in the test's namespace."""
    return Kubectl(program=programs()[-1], kubeconfig=server.kubeconfig, home=home, namespace=ns)


@pytest.fixture(params=range(len(programs())), ids="kubectl{}".format)
def each_kubectl(request: pytest.FixtureRequest, kubectl: Kubectl) -> Kubectl:
    """Every kubectl of the machine, one after the other."""
    return replace(kubectl, program=programs()[request.param])


@pytest.fixture
def make(api: apiclient.Client, ns: str) -> Callable[..., Any]:
    """Make a core object in the test's namespace: `make("pods", apiobjects.pod("web"))`."""

    def made(resource: str, body: dict[str, Any], **query: str) -> Any:
        return api.create(f"/api/v1/namespaces/{ns}/{resource}", body, **query)

    return made
