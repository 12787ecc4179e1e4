"""What an agent shows, put together as on a machine, on a fake runtime and before it runs."""

from __future__ import annotations

import pytest

from staticlet.aio import clock
from staticlet.app import agent, attached
from staticlet.config.settings import Settings
from staticlet.kube import finding
from staticlet.testing import fake_runtime


@pytest.fixture
def view(tmp_path):
    """The view of an agent that is to join an API server."""
    time = clock.SystemClock()
    fake = fake_runtime.FakeRuntime(time)
    settings = Settings(node_name="n1", root_dir=tmp_path, kubeconfig=tmp_path / "none.conf")
    connections = attached.Connections(endpoint="fake", runtime=fake, images=fake.images)
    return agent.Agent(settings, connections, time).view


def test_a_joined_agent_shows_its_manifests_and_has_nothing_to_find_fault_with(view):
    assert view.manifests().findings == ()
    assert (view.pods(), view.happened(), view.remembered()) == ([], (), ())
    assert (view.node(), view.works.is_set()) == ("n1", False)


def test_what_is_wrong_with_the_node_is_among_the_findings(view):
    wrong = finding.Finding(severity=finding.Severity.ERROR, source="node n1", message="is bad")
    view.node_findings = lambda merged: [wrong] if merged is view._merging.wanted else []
    assert view.manifests().findings == (wrong,)


def test_an_agent_that_has_not_looked_at_its_runtime_does_not_work_yet(view):
    assert view.vitals().pods == "0 pods, 0 running"
    assert not view.vitals().works
