"""Watches and selectors over a real unix socket."""

import asyncio
import contextlib
import json

import msgspec
import pytest

from staticlet.pods import wanted
from staticlet.server import watch
from staticlet.testing import steered, until
from staticlet.testing.steered import running, said


@pytest.fixture
def agent(tmp_path):
    return steered.Agent(tmp_path / "log")


@pytest.fixture
async def socket(agent, tmp_path):
    async with steered.served(agent, tmp_path / "s.sock") as path:
        yield path


async def test_a_watch_prints_the_table_and_then_what_changes(socket, agent):
    async with running(socket, "get", "pods", "-w") as command:
        assert (await command.line()).split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Running", "0"]
        agent.put(steered.pod())
        agent.put(steered.pod(ended=True))
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Error", "0"]
        agent.put(steered.pod(restarts=1))
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Running", "1"]
        agent.put(None)
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Running", "1"]
        agent.changes.close()
        assert await command.end() == (0, "")


async def test_a_watch_of_objects_prints_each_that_matches(socket, agent):
    args = ("get", "pods", "--watch-only", "-l", "app=web", "-o", "name")
    async with running(socket, *args) as command:
        await until.soon(lambda: agent.changes._subscriptions, "somebody watches")
        other = wanted.PodKey("default", "db-node1")
        agent.put(steered.pod(name="db-node1", labels={"app": "db"}), other)
        agent.put(steered.pod(labels={"app": "web"}))
        assert await command.line() == "pod/web-node1\n"
        agent.changes.close()
        assert await command.end() == (0, "")


async def test_the_watch_speaks_kubernetes_watch_events(socket, agent):
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(b"GET /pods?watch=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    async def event():
        while not (got := await reader.readline()).startswith(b"{"):
            assert got, "the stream ended"
        return json.loads(got)

    async with asyncio.timeout(until.DEADLINE_S), contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(writer.wait_closed)
        stack.callback(writer.close)
        assert (await event())["type"] == "ADDED"
        mark = await event()
        assert mark["type"] == "BOOKMARK"
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        agent.put(steered.pod(phase="Failed"))
        changed = await event()
        assert (changed["type"], changed["object"]["status"]["phase"]) == ("MODIFIED", "Failed")
        agent.put(None)
        assert (await event())["type"] == "DELETED"
        agent.changes.close()
        assert b"0\r\n" in await reader.read()


async def test_a_watcher_that_reads_nothing_is_dropped(socket, agent, monkeypatch):
    monkeypatch.setattr(watch, "SLOW_S", 0.2)
    _, writer = await asyncio.open_unix_connection(str(socket), limit=1)
    writer.write(b"GET /pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    await until.soon(lambda: agent.changes._subscriptions, "somebody watches")
    for number in range(100):
        agent.put(steered.pod(labels={"long": f"{number}" * 100_000}))
        await asyncio.sleep(0)
    await until.soon(lambda: not agent.changes._subscriptions, "nobody watches")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert (await said(socket, "get", "pods", "-o", "name"))[1] == "pod/web-node1\n"


async def test_nothing_is_shown_to_nobody(socket, agent, monkeypatch):
    asked = []
    monkeypatch.setattr(agent, "pod", asked.append)
    agent.put(steered.pod(restarts=1))
    await said(socket, "get", "pods")
    assert asked == []


async def test_pods_are_chosen_by_labels_and_fields(socket, agent):
    agent.put(steered.pod(labels={"app": "web"}))
    agent.put(steered.pod(name="db-node1", phase="Pending"), wanted.PodKey("default", "db-node1"))
    for args, names in (
        (("-l", "app=web"), ["pod/web-node1"]),
        (("-l", "!app"), ["pod/db-node1"]),
        (("--field-selector", "status.phase=Pending"), ["pod/db-node1"]),
        (("--field-selector=metadata.name!=db-node1", "-l", "app"), ["pod/web-node1"]),
    ):
        _, out, _ = await said(socket, "get", "pods", "-o", "name", *args)
        assert out.splitlines() == names


async def test_labels_are_shown_and_headings_left_out(socket, agent):
    agent.put(steered.pod(labels={"tier": "front", "app": "web"}))
    _, out, _ = await said(socket, "get", "pods", "--no-headers", "--show-labels")
    (row,) = out.splitlines()
    assert row.endswith("app=web,tier=front")


async def test_a_selector_that_is_none_is_a_wrong_command(socket):
    code, _, err = await said(socket, "get", "pods", "-l", "app in")
    assert code == 2
    assert "found its end, expected '('" in err


def test_a_watched_pod_is_one_line_however_it_is_encoded():
    assert b"\n" not in msgspec.json.encode(steered.pod().to_dict())
