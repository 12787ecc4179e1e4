"""Pods from a URL: run, changed and removed as the page says, kept while it says nothing good."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.agent import Agent, Life
from staticlet.testing.manifestdir import text_of
from staticlet.testing.scripted import WAIT, pod, script
from staticlet.testing.until import lasts, until


class Page(http.server.ThreadingHTTPServer):
    """A page of which the test says what it holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.status, self.text, self.visits = 200, "", 0
        self.seen: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/pods"


class _Visit(http.server.BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        page = self.server
        page.visits += 1
        page.seen = dict(self.headers)
        self.send_response(page.status)
        self.end_headers()
        self.wfile.write(page.text.encode())

    def log_message(self, *args: Any) -> None:
        del args


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with Page() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def agent(containerd: containerd_of_ours.Containerd, page: Page) -> Iterator[Agent]:
    flags = (
        f"--manifest-url={page.url}",
        "--http-check-frequency=200ms",
        "--manifest-url-header=X-Key:secret",
    )
    page.text = text_of(pod("page", WAIT), pod("other", WAIT))
    with agents.running(containerd.base / "url", containerd, flags=flags) as made:
        yield made
        made.stop()
        made.start(without=f"--manifest-url={page.url}")


def until_visited(agent: Agent, page: Page) -> None:
    """Two visits from now the agent has seen what the page holds."""
    goal = page.visits + 2
    until(lambda: page.visits >= goal, "the page is fetched", story=agent.story)


def runs_on(agent: Agent, page: Page, name: str, life: Life) -> None:
    until_visited(agent, page)
    lasts(lambda: agent.life(name) == life, f"{name} runs on", for_s=0.5, story=agent.story)


def test_pods_of_a_url_run_beside_those_of_files(agent: Agent, page: Page) -> None:
    agent.manifests.put("file.yaml", pod("file", WAIT))
    for name in ("page", "other", "file"):
        agent.until_runs(name)
    assert page.seen["X-Key"] == "secret"
    annotations = agent.pod("page")["metadata"]["annotations"]
    assert annotations["kubernetes.io/config.source"] == "http"


@pytest.mark.parametrize(
    ("status", "text"),
    [(500, "oops"), (200, ""), (200, "kind: [Pod"), (404, "not here")],
    ids=["an error", "nothing", "nonsense", "not found"],
)
def test_a_page_that_turns_bad_keeps_the_last_good_pods(
    agent: Agent, page: Page, status: int, text: str
) -> None:
    good = page.text
    life = agent.until_runs("page")
    page.status, page.text = status, text
    runs_on(agent, page, "page", life)
    page.status, page.text = 200, good
    runs_on(agent, page, "page", life)


def test_a_changed_page_changes_its_pods_and_nothing_else(agent: Agent, page: Page) -> None:
    page_life, other = agent.until_runs("page"), agent.until_runs("other")
    changed = pod("page", script(env=[{"name": "WORD", "value": "new"}]))
    page.text = text_of(changed, pod("other", WAIT))
    agent.until_runs("page", after=page_life)
    runs_on(agent, page, "other", other)
    page.text = text_of(changed)
    agent.until_gone("other")


def test_a_restarted_agent_keeps_the_pods_of_a_page_that_is_away(agent: Agent, page: Page) -> None:
    life = agent.until_runs("page")
    agent.stop()
    good, page.status = page.text, 503
    agent.start()
    agent.until_runs("page")
    runs_on(agent, page, "page", life)
    page.status, page.text = 200, good
    runs_on(agent, page, "page", life)


def test_pods_of_a_url_that_is_configured_no_more_are_stopped(agent: Agent, page: Page) -> None:
    agent.until_runs("page")
    agent.stop()
    agent.start(without=f"--manifest-url={page.url}")
    until(lambda: not agent.owned(), "nothing is left", story=agent.story)
