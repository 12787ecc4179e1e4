"""Logs over a real unix socket, of real log files."""

import os

import pytest

from staticlet.testing import steered, until
from staticlet.testing.steered import line, running, said

WAITING = (
    'Error from agent (BadRequest): container "setup" in pod "web-node1" is waiting to start: X\n'
)
BOTH_TIMES = (
    "Error from agent (Invalid): sinceSeconds: at most one of `sinceTime` or `sinceSeconds` may "
    "be given\n"
)


@pytest.fixture
def agent(tmp_path):
    return steered.Agent(tmp_path / "log")


@pytest.fixture
async def socket(agent, tmp_path):
    async with steered.served(agent, tmp_path / "s.sock") as path:
        yield path


async def test_a_log_is_printed_and_ends(socket):
    code, out, err = await said(socket, "logs", "web")
    assert (code, out) == (0, "one\ntwo\nthree\n")
    assert err == 'Defaulted container "main" out of: main, setup (init)\n'


async def test_the_end_of_a_log_and_its_times(socket):
    _, out, _ = await said(socket, "logs", "web-node1", "-c", "main", "--tail=1", "--timestamps")
    assert out == "2026-01-01T00:00:00.000000000Z three\n"


async def test_only_what_is_new_enough(socket, agent):
    agent.path.write_text(line("old", 10) + line("new", 50))
    assert (await said(socket, "logs", "web", "main", "--since", "30m"))[1] == "new\n"
    since = ("--since-time", "2026-01-01T00:20:00Z")
    assert (await said(socket, "logs", "web", "main", *since))[1] == "new\n"


async def test_the_previous_life(socket, agent):
    (agent.directory / "previous.log").write_text(line("before"))
    assert (await said(socket, "logs", "-p", "web", "main"))[1] == "before\n"


async def test_every_container_with_its_name(socket):
    code, out, err = await said(socket, "logs", "web", "--all-containers", "--prefix", "--tail=1")
    assert (code, out) == (1, "[pod/web-node1/main] three\n")
    assert 'container "setup" in pod "web-node1" is waiting to start: X' in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nobody",), 'Error from agent (NotFound): pods "nobody" not found\n'),
        (
            ("web", "setup"),
            WAITING,
        ),
        (
            ("web", "main", "--limit-bytes=0"),
            "Error from agent (Invalid): limitBytes: Invalid value: 0: must be greater than 0\n",
        ),
        (
            ("web", "main", "--since=1s", "--since-time=2026-01-01T00:00:00Z"),
            BOTH_TIMES,
        ),
    ],
)
async def test_what_cannot_be_printed_is_told_in_one_line(socket, args, words):
    assert await said(socket, "logs", *args) == (1, "", words)


async def test_a_log_file_that_is_gone_is_told_with_its_path(socket, agent):
    agent.path.unlink()
    code, _, err = await said(socket, "logs", "web", "main")
    assert code == 1
    assert f"cannot be read: No such file or directory: {agent.path}" in err


async def test_a_previous_log_that_has_just_made_room_is_no_fault(socket, agent):
    agent.path.unlink()
    assert await said(socket, "logs", "--previous", "web", "main") == (
        1,
        "",
        (
            "Error from agent (BadRequest): the previous log of container "
            '"main" in pod "web-node1" was just removed\n'
        ),
    )


async def test_a_log_is_followed_over_rotation_and_restart_to_the_end(socket, agent):
    async with running(socket, "logs", "-f", "--tail=1", "web", "main") as command:
        assert await command.line() == "three\n"
        agent.write("four")
        assert await command.line() == "four\n"
        agent.path.rename(agent.directory / "0.log.1")
        with (agent.directory / "0.log.1").open("a") as file:
            file.write(line("late"))
        assert await command.line() == "late\n"
        agent.write("five")
        assert await command.line() == "five\n"
        agent.write("last")
        agent.end()
        agent.begin()
        agent.write("second life")
        assert await command.line() == "last\n"
        assert await command.line() == "second life\n"
        agent.end(again=False)
        assert await command.end() == (0, "")


async def test_a_log_that_was_cut_is_read_from_its_start(socket, agent):
    async with running(socket, "logs", "-f", "--tail=1", "web", "main") as command:
        assert await command.line() == "three\n"
        agent.write("before")
        assert await command.line() == "before\n"
        os.truncate(agent.path, 0)
        agent.write("after")
        assert await command.line() == "after\n"


async def test_who_follows_several_containers_gets_whole_lines_of_each(socket, agent):
    args = ("logs", "-f", "web", "--all-containers", "--prefix", "--tail=1")
    async with running(socket, *args) as command:
        refused, first = sorted([await command.line(), await command.line()])
        assert "waiting to start: X" in refused
        assert first == "[pod/web-node1/main] three\n"
        agent.write("a")
        assert await command.line() == "[pod/web-node1/main] a\n"
        agent.end(again=False)
        assert await command.end() == (1, "")


async def test_a_follower_that_hangs_up_leaves_nothing_behind(socket, agent):
    async with running(socket, "logs", "-f", "web", "main") as command:
        await command.line()
        await until.soon(lambda: agent.changes._subscriptions, "somebody watches")
        command.hang_up()
        await until.soon(lambda: not agent.changes._subscriptions, "nobody watches")
