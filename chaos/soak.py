"""`python -m chaos.soak`: half an hour of ordinary life; what the agent uses must stay flat.

Pods come, change, crash and go, manifests turn bad and good again, people ask, and a URL is asked
again and again. Meanwhile memory, descriptors, tasks and threads are sampled. Root only.
"""

from __future__ import annotations

import argparse
import http.server
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import usage
from chaos import deeds, manifests, run, survey, trend
from chaos.model import Shape, Variant
from staticlet.cli import agentsocket
from staticlet.testing import agent as agents
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing import manifestdir, scripted
from staticlet.testing.agent import Agent
from staticlet.testing.until import pause

SAMPLE_S = 5.0
DEED_S = 1.0
QUESTIONS = ("/pods", "/manifests", "/events", "/why", "/healthz")
MARGINS = {
    "RSS": trend.Margin(unit="MB", share=0.05, more=1.0),
    "PSS": trend.Margin(unit="MB", share=0.05, more=1.0),
    "descriptors": trend.Margin(unit="", share=0.1, more=5),
    "tasks": trend.Margin(unit="", share=0.1, more=5),
    "threads": trend.Margin(unit="", share=0.0, more=2),
}
"""Pods come and go, so that counts move by a few; the allocator keeps what it once had."""


class Page(http.server.ThreadingHTTPServer):
    """The page that the agent polls."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.text = ""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/pods"


class _Visit(http.server.BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        """Answer with the page."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
        del args


def soak(*, seconds: float, seed: int, tell: Callable[[str], None]) -> dict[str, list[float]]:
    """Live for so long; the samples by name."""
    samples: dict[str, list[float]] = {name: [] for name in MARGINS}
    with (
        _page() as page,
        survey.groups_removed() as groups,
        containerd_of_ours.running() as containerd,
    ):
        group = f"/soak-{containerd.base.name}"
        groups.append(group)
        config = {
            **agents.QUICK,
            "httpCheckFrequency": "1s",
            "crashLoopBackOff": {"maxContainerRestartPeriod": "10s"},
            "cgroupRoot": group,
        }
        flags = (f"--manifest-url={page.url}",)
        agent = Agent(containerd.base / "a", containerd, config=config, flags=flags)
        life = _Life(
            agent, page, deeds.Deeds(agent, containerd, deeds.rng_of(seed), lambda _: None)
        )
        try:
            agent.start()
            life.begin()
            _live(life, agent, samples, seconds, tell)
        finally:
            agent.kill()
    run.well(agent)
    return samples


class _Life:
    """Ordinary life, a little of it every second."""

    def __init__(self, agent: Agent, page: Page, doing: deeds.Deeds) -> None:
        self._agent = agent
        self._page = page
        self._doing = doing
        self._turn = 0

    def begin(self) -> None:
        """Write everything, with a pod that crashes for ever and one that comes by the URL."""
        crashing = scripted.pod("crashing", "sleep 1; exit 3")
        self._agent.manifests.put("crashing.yaml", crashing)
        self._doing.everything()
        self._change_page()

    def go_on(self) -> None:
        """One deed, some questions, and now and then another page."""
        self._turn += 1
        self._doing.ordinary()
        for question in QUESTIONS:
            agentsocket.ask(self._agent.socket, question)
        if self._turn % 20 == 0:
            self._change_page()

    def _change_page(self) -> None:
        one = manifests.pod(Variant("page", self._turn, Shape.PLAIN), place="soak")
        self._page.text = "kind: [" if self._turn % 60 == 20 else manifestdir.text_of(one)


def _live(
    life: _Life,
    agent: Agent,
    samples: dict[str, list[float]],
    seconds: float,
    tell: Callable[[str], None],
) -> None:
    begun = time.monotonic()
    next_sample, next_deed = begun + SAMPLE_S, begun
    while (now := time.monotonic()) < begun + seconds:
        if now >= next_deed:
            next_deed = now + DEED_S
            life.go_on()
        if now >= next_sample:
            next_sample = now + SAMPLE_S
            sample = _sample(agent)
            for name, value in sample.items():
                samples[name].append(value)
            if len(samples["RSS"]) % 12 == 0:
                figures = ", ".join(f"{name} {value:.1f}" for name, value in sample.items())
                tell(f"{(now - begun) / 60:5.1f} min  {figures}")
        pause(0.1)


def _sample(agent: Agent) -> dict[str, float]:
    pid = agent.pid
    if pid is None:
        raise run.Wrong(f"the agent has ended{agent.story()}")
    memory = usage.memory(pid)
    counts = agentsocket.ask(agent.socket, "/stats")
    return {
        "RSS": memory.rss_mb,
        "PSS": memory.pss_mb,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208  counted, not used
        "tasks": counts["tasks"],
        "threads": len(os.listdir(f"/proc/{pid}/task")),  # noqa: PTH208  counted, not used
    }


@contextmanager
def _page() -> Iterator[Page]:
    with Page() as page:
        thread = threading.Thread(target=page.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield page
        finally:
            page.shutdown()
            thread.join()


def main() -> int:
    """Live, and print the verdict: 0 when all is flat, 1 when something grows or is wrong."""
    parser = argparse.ArgumentParser(prog="python -m chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (%(default)s)")
    parser.add_argument("--seed", type=int, help="repeat the deeds of this seed")
    parser.add_argument("--samples", type=Path, metavar="PATH", help="write every sample there")
    given = parser.parse_args()
    seed = deeds.seed_of(dict(os.environ)) if given.seed is None else given.seed
    print(f"seed {seed}, {given.minutes:g} minutes", flush=True)
    try:
        samples = soak(
            seconds=given.minutes * 60, seed=seed, tell=lambda line: print(line, flush=True)
        )
        found = trend.rows(samples, MARGINS)
    except (run.Wrong, trend.TooFew) as fault:
        print(f"FAILED with seed {seed}: {fault}")
        return 1
    except containerd_of_ours.NeedsRoot as fault:
        print(f"cannot run: {fault}", file=sys.stderr)
        return 2
    if given.samples:
        lines = [
            ",".join(samples),
            *(",".join(map(str, row)) for row in zip(*samples.values(), strict=True)),
        ]
        given.samples.write_text("\n".join(lines) + "\n")
    print(trend.table(found))
    return int(not all(row.flat for row in found))


if __name__ == "__main__":
    sys.exit(main())
