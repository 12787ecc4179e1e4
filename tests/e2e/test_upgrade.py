"""Upgrades and downgrades hand pods over as they run: from the commit before, to it, and back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from staticlet.testing.agent import Agent, Life
from staticlet.testing.scripted import WAIT, pod, script
from staticlet.testing.until import lasts, until

ROOT = Path(__file__).parents[2]


def git(*args: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in the repository, also where it belongs to somebody else."""
    return subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *args],
        capture_output=True,
        check=False,
        timeout=30,
    )


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The code of the commit before, else of this one, else what is here; it says which."""
    place = tmp_path_factory.mktemp("before")
    for commit in ("HEAD~1", "HEAD") if shutil.which("git") else ():
        archive = git("archive", commit, "src")
        if archive.returncode == 0:
            subprocess.run(
                ["tar", "-x", "-C", place], input=archive.stdout, check=True, timeout=30
            )
            break
    else:
        commit = "none: this is no repository"
        shutil.copytree(ROOT / "src", place / "src")
    print(f"the agent before is that of commit {commit}")  # noqa: T201  said in failures and -s
    yield place / "src"
    shutil.rmtree(place)


def test_the_code_of_the_commit_before_is_what_runs(before: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import staticlet; print(staticlet.__file__)"],
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
        env=os.environ | {"PYTHONPATH": str(before)},
    )
    assert Path(found.stdout.strip()).is_relative_to(before)


def test_pods_are_handed_over_without_a_restart_and_back(agent: Agent, before: Path) -> None:
    side = script(name="side") | {"restartPolicy": "Always"}
    pods = {
        "plain": pod("plain", WAIT, script(name="b")),
        "net": pod("net", WAIT, host_network=False, initContainers=[side]),
        "once": pod("once", WAIT, restartPolicy="Never"),
    }
    containers = (("plain", "main"), ("plain", "b"), ("net", "main"), ("net", "side"))
    agent.stop()
    agent.code = before
    agent.start()
    for name, content in pods.items():
        agent.manifests.put(f"{name}.yaml", content)
    lives = {each: agent.until_runs(*each) for each in (*containers, ("once", "main"))}
    uids = {name: agent.pod(name)["metadata"]["uid"] for name in pods}
    for code in (None, before):
        agent.stop()
        agent.code = code
        agent.start()
        run_on(agent, lives)
        assert {name: agent.pod(name)["metadata"]["uid"] for name in pods} == uids
    agent.stop()
    agent.code = None
    agent.start()
    agent.manifests.remove("plain.yaml")
    until(lambda: not agent.owned_of("plain"), "nothing is left of it", story=agent.story)


def run_on(agent: Agent, lives: dict[tuple[str, str], Life]) -> None:
    """Every container is shown as it was, and stays so."""
    for where, life in lives.items():
        assert agent.until_runs(*where) == life
    agent.until_settled()
    lasts(
        lambda: all(agent.life(*where) == life for where, life in lives.items()),
        "all containers run on",
        for_s=0.5,
        story=agent.story,
    )
