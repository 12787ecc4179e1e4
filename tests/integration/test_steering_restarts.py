"""Restarts and completion over a real unix socket."""

import asyncio

import pytest
from click.testing import CliRunner

from staticlet.cli import main
from staticlet.pods import wanted
from staticlet.testing import steered, until
from staticlet.testing.steered import KEY, running, said


@pytest.fixture
def agent(tmp_path):
    return steered.Agent(tmp_path / "log")


@pytest.fixture
async def socket(agent, tmp_path):
    async with steered.served(agent, tmp_path / "s.sock") as path:
        yield path


async def test_a_restart_is_awaited_until_every_container_lives_anew(socket, agent):
    async with running(socket, "restart", "pod", "web") as command:
        await until.soon(lambda: agent.restarted, "it was asked for")
        agent.put(steered.pod(ended=True))
        agent.put(steered.pod(restarts=1))
        assert await command.end() == (0, "pod/web-node1 restarted\n")
    assert agent.restarted == [KEY]


async def test_a_restart_that_is_not_awaited_returns_at_once(socket):
    code, out, _ = await said(socket, "restart", "pod", "web", "--no-wait")
    assert (code, out) == (0, "pod/web-node1 restarted\n")


async def test_a_pod_that_goes_while_its_restart_is_awaited_is_told(socket, agent):
    async with running(socket, "restart", "pod", "web") as command:
        await until.soon(lambda: agent.restarted, "it was asked for")
        agent.put(None)
        code, out = await command.end()
        assert (code, out) == (1, "Error: pod/web-node1 is gone: its manifest was removed\n")


async def test_a_pod_that_is_not_wanted_is_not_restarted(socket, agent):
    gone = wanted.PodKey("default", "gone-node1")
    agent.put(steered.pod(name="gone-node1"), gone)
    code, _, err = await said(socket, "restart", "pod", "gone")
    assert code == 1
    assert err == (
        'Error from agent (Conflict): pod "gone-node1" cannot be restarted: it is being stopped, '
        "its manifest is gone\n"
    )


async def test_names_are_completed_by_asking_the_agent(socket, monkeypatch):
    async def completed(words):
        def call():
            environment = {
                "_STATICLET_COMPLETE": "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": str(len(words.split(" ")) - 1),
                "STATICLET_SOCKET": str(socket),
            }
            result = CliRunner().invoke(main.main, env=environment, prog_name="staticlet")
            return [each.partition(",")[2] for each in result.stdout.split()]

        return await asyncio.to_thread(call)

    assert await completed("staticlet logs we") == ["web-node1"]
    assert await completed("staticlet restart pod ") == ["web-node1"]
    assert await completed("staticlet get pods nob") == []
    assert await completed("staticlet logs web-node1 -c ") == ["main", "setup"]
    assert await completed("staticlet logs web-node1 se") == ["setup"]
    assert await completed("staticlet logs -n other w") == []


async def test_without_an_agent_nothing_is_completed_and_nothing_is_said(tmp_path):
    environment = {
        "_STATICLET_COMPLETE": "bash_complete",
        "COMP_WORDS": "staticlet logs w",
        "COMP_CWORD": "2",
        "STATICLET_SOCKET": str(tmp_path / "none.sock"),
    }
    result = CliRunner().invoke(main.main, env=environment, prog_name="staticlet")
    assert (result.stdout.strip(), result.stderr) == ("", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_the_script_of_each_shell_calls_staticlet(shell):
    out = CliRunner().invoke(main.main, ["completion", shell]).stdout
    assert "_STATICLET_COMPLETE" in out
    assert "staticlet" in out
