"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from staticlet.testing import apirun, kubecluster
from staticlet.testing import containerd as containerd_of_ours

# Without a loop of the thread's own, pytest-asyncio makes one for each runner on Python 3.11 and
# never closes it: the first async test after a synchronous one would fail with a ResourceWarning.
asyncio.set_event_loop(None)


LONG = frozenset(
    (
        "test_api_contents",
        "test_api_faults",
        "test_api_outage",
        "test_api_pods",
        "test_bad_requests",
        "test_crowds",
        "test_demo",
        "test_joined_agent",
        "test_kubectl_tells_the_truth",
        "test_odd_objects",
        "test_schema_requests",
        "test_survives_kill",
        "test_transcripts",
        "test_two_of_a_name",
        "test_up_with_api",
        "test_upgrade",
    )
)
"""Modules that take minutes together: `make test` leaves them to `make test-long`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run choose the API server that agents of tests join."""
    parser.addoption(
        "--api-server",
        choices=apirun.CHOICES,
        default=apirun.EMBEDDED,
        help="what agents join: staticlet api, or the kube-apiserver of `make kube`",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say at once when there is no server of the chosen kind."""
    if config.getoption("--api-server") == apirun.KUBE:
        try:
            kubecluster.programs()
        except kubecluster.NotBuilt as fault:
            raise pytest.UsageError(str(fault)) from fault


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a containerd (`-m "not containerd"` leaves it out), or any API server.

    What needs the programs of `make kube` takes minutes: it runs with `make test-kube`.
    """
    kube = config.getoption("--api-server") == apirun.KUBE
    for item in items:
        if not kube and item.get_closest_marker("kube") is not None:
            item.add_marker(pytest.mark.skip(reason="runs with make test-kube"))
        if item.path.stem in LONG:
            item.add_marker(pytest.mark.long)
        fixtures = getattr(item, "fixturenames", ())
        if "containerd" in fixtures:
            item.add_marker(pytest.mark.containerd)
        if "api_server_kind" in fixtures:
            item.add_marker(pytest.mark.any_api_server)


@pytest.fixture(scope="session")
def api_server_kind(pytestconfig: pytest.Config) -> str:
    """The kind of API server that this run uses; what takes it is to hold for each kind."""
    return str(pytestconfig.getoption("--api-server"))


@pytest.fixture(scope="session")
def containerd() -> Iterator[containerd_of_ours.Containerd]:
    """A real containerd for the whole run, with the pause and busybox images; root only."""
    with containerd_of_ours.running() as running:
        yield running
