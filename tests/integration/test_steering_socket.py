"""Logs, watches and restarts over a real unix socket, on real log files."""

import asyncio
import contextlib
import json
import os
import sys
from datetime import UTC, datetime

import msgspec
import pytest
from click.testing import CliRunner

from staticlet.aio import fanout
from staticlet.cli import main
from staticlet.kube import core
from staticlet.pods import logs, wanted
from staticlet.server import local, watch

KEY = wanted.PodKey("default", "web-node1")
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
DEADLINE_S = 10
WAITING = (
    'Error from agent (BadRequest): container "setup" in pod "web-node1" is waiting to start: X\n'
)
BOTH_TIMES = (
    "Error from agent (Invalid): sinceSeconds: at most one of `sinceTime` or `sinceSeconds` may "
    "be given\n"
)


def line(text, minute=0):
    return f"2026-01-01T00:{minute:02d}:00Z stdout F {text}\n"


def shown(*, restarts=0, phase="Running", name="web-node1", labels=None, ended=False):
    state = core.ContainerState(running=core.ContainerStateRunning())
    if ended:
        state = core.ContainerState(
            terminated=core.ContainerStateTerminated(exitCode=3, reason="Error")
        )
    status = core.ContainerStatus(
        name="main",
        image="i",
        imageID="",
        ready=True,
        restartCount=restarts,
        containerID=f"containerd://c{restarts}",
        state=state,
    )
    return core.Pod(
        apiVersion="v1",
        kind="Pod",
        metadata=core.ObjectMeta(
            name=name,
            namespace="default",
            labels=labels,
            creationTimestamp=datetime(2020, 1, 1, tzinfo=UTC),
        ),
        spec=core.PodSpec(
            containers=[core.Container(name="main", image="i")],
            initContainers=[core.Container(name="setup", image="i")],
            nodeName="node1",
        ),
        status=core.PodStatus(phase=phase, containerStatuses=[status]),
    )


class Shown:
    """An agent with one pod, whose log files lie in a directory."""

    def __init__(self, directory):
        self.changes = fanout.Fanout()
        self.all = {KEY: shown()}
        self.directory = directory
        self.life = 0
        self.running = True
        self.again = True
        self.restarted = []

    def put(self, pod, key=KEY):
        if pod is None:
            del self.all[key]
        else:
            self.all[key] = pod
        self.changes.publish(key)

    def pods(self):
        return [*self.all.values()]

    def pod(self, key):
        return self.all.get(key)

    def time(self):
        return NOW

    def restart(self, key):
        self.restarted.append(key)
        return "" if key == KEY else "it is being stopped, its manifest is gone"

    @property
    def path(self):
        return self.directory / f"{self.life}.log"

    def log_of(self, key, container, *, previous):
        if key not in self.all:
            raise logs.Unknown(f'pod "{key.name}" does not exist')
        if container == "setup":
            raise logs.NotAvailable(
                f'container "setup" in pod "{key.name}" is waiting to start: X'
            )
        return logs.LogFile(
            path=self.directory / "previous.log" if previous else self.path,
            uid="u1",
            container_id=f"c{self.life}",
            running=self.running,
            again=self.again,
        )

    def write(self, *texts):
        with self.path.open("a") as file:
            file.write("".join(line(text) for text in texts))

    def end(self, *, again=True):
        self.running, self.again = False, again
        self.changes.publish(KEY)

    def begin(self):
        self.life += 1
        self.running = True
        self.path.touch()
        self.changes.publish(KEY)


@pytest.fixture
def agent(tmp_path):
    directory = tmp_path / "log"
    directory.mkdir()
    made = Shown(directory)
    made.write("one", "two", "three")
    return made


@pytest.fixture
async def socket(agent, tmp_path):
    path = tmp_path / "s.sock"
    async with local.serving(agent, path):
        yield path
        agent.changes.close()


async def said(socket, *args):
    """What a command prints, and its exit status."""

    def call():
        return CliRunner().invoke(main.main, [*args, "--socket", str(socket)])

    result = await asyncio.to_thread(call)
    return result.exit_code, result.stdout, result.stderr


class Command:
    """A command that runs on, as a process."""

    def __init__(self, process):
        self._process = process

    async def line(self):
        async with asyncio.timeout(DEADLINE_S):
            return (await self._process.stdout.readline()).decode()

    async def end(self):
        async with asyncio.timeout(DEADLINE_S):
            rest = await self._process.stdout.read()
            return await self._process.wait(), rest.decode()

    def hang_up(self):
        self._process.kill()


@contextlib.asynccontextmanager
async def running(socket, *args):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "staticlet",
        *args,
        f"--socket={socket}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Command(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until(look):
    async with asyncio.timeout(DEADLINE_S):
        while not look():  # noqa: ASYNC110  another process is looked at
            await asyncio.sleep(0.01)


# Logs


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
        await until(lambda: agent.changes._subscriptions)
        command.hang_up()
        await until(lambda: not agent.changes._subscriptions)


# Watches


async def test_a_watch_prints_the_table_and_then_what_changes(socket, agent):
    async with running(socket, "get", "pods", "-w") as command:
        assert (await command.line()).split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Running", "0"]
        agent.put(shown())
        agent.put(shown(ended=True))
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Error", "0"]
        agent.put(shown(restarts=1))
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Running", "1"]
        agent.put(None)
        assert (await command.line()).split()[:4] == ["web-node1", "1/1", "Running", "1"]
        agent.changes.close()
        assert await command.end() == (0, "")


async def test_a_watch_of_objects_prints_each_that_matches(socket, agent):
    args = ("get", "pods", "--watch-only", "-l", "app=web", "-o", "name")
    async with running(socket, *args) as command:
        await until(lambda: agent.changes._subscriptions)
        other = wanted.PodKey("default", "db-node1")
        agent.put(shown(name="db-node1", labels={"app": "db"}), other)
        agent.put(shown(labels={"app": "web"}))
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

    async with asyncio.timeout(DEADLINE_S), contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(writer.wait_closed)
        stack.callback(writer.close)
        assert (await event())["type"] == "ADDED"
        mark = await event()
        assert mark["type"] == "BOOKMARK"
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        agent.put(shown(phase="Failed"))
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
    await until(lambda: agent.changes._subscriptions)
    for number in range(100):
        agent.put(shown(labels={"long": f"{number}" * 100_000}))
        await asyncio.sleep(0)
    await until(lambda: not agent.changes._subscriptions)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert (await said(socket, "get", "pods", "-o", "name"))[1] == "pod/web-node1\n"


async def test_nothing_is_shown_to_nobody(socket, agent, monkeypatch):
    asked = []
    monkeypatch.setattr(agent, "pod", asked.append)
    agent.put(shown(restarts=1))
    await said(socket, "get", "pods")
    assert asked == []


async def test_pods_are_chosen_by_labels_and_fields(socket, agent):
    agent.put(shown(labels={"app": "web"}))
    agent.put(shown(name="db-node1", phase="Pending"), wanted.PodKey("default", "db-node1"))
    for args, names in (
        (("-l", "app=web"), ["pod/web-node1"]),
        (("-l", "!app"), ["pod/db-node1"]),
        (("--field-selector", "status.phase=Pending"), ["pod/db-node1"]),
        (("--field-selector=metadata.name!=db-node1", "-l", "app"), ["pod/web-node1"]),
    ):
        _, out, _ = await said(socket, "get", "pods", "-o", "name", *args)
        assert out.splitlines() == names


async def test_labels_are_shown_and_headings_left_out(socket, agent):
    agent.put(shown(labels={"tier": "front", "app": "web"}))
    _, out, _ = await said(socket, "get", "pods", "--no-headers", "--show-labels")
    (row,) = out.splitlines()
    assert row.endswith("app=web,tier=front")


async def test_a_selector_that_is_none_is_a_wrong_command(socket):
    code, _, err = await said(socket, "get", "pods", "-l", "app in")
    assert code == 2
    assert "found its end, expected '('" in err


# Restarts


async def test_a_restart_is_awaited_until_every_container_lives_anew(socket, agent):
    async with running(socket, "restart", "pod", "web") as command:
        await until(lambda: agent.restarted)
        agent.put(shown(ended=True))
        agent.put(shown(restarts=1))
        assert await command.end() == (0, "pod/web-node1 restarted\n")
    assert agent.restarted == [KEY]


async def test_a_restart_that_is_not_awaited_returns_at_once(socket):
    code, out, _ = await said(socket, "restart", "pod", "web", "--no-wait")
    assert (code, out) == (0, "pod/web-node1 restarted\n")


async def test_a_pod_that_goes_while_its_restart_is_awaited_is_told(socket, agent):
    async with running(socket, "restart", "pod", "web") as command:
        await until(lambda: agent.restarted)
        agent.put(None)
        code, out = await command.end()
        assert (code, out) == (1, "Error: pod/web-node1 is gone: its manifest was removed\n")


async def test_a_pod_that_is_not_wanted_is_not_restarted(socket, agent):
    gone = wanted.PodKey("default", "gone-node1")
    agent.put(shown(name="gone-node1"), gone)
    code, _, err = await said(socket, "restart", "pod", "gone")
    assert code == 1
    assert err == (
        'Error from agent (Conflict): pod "gone-node1" cannot be restarted: it is being stopped, '
        "its manifest is gone\n"
    )


# Completion


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


def test_a_watched_pod_is_one_line_however_it_is_encoded():
    assert b"\n" not in msgspec.json.encode(shown().to_dict())
