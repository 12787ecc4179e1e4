"""`staticlet api` as a process: its start, its end, and backups beside it."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from staticlet.app import api
from staticlet.testing import apiloop, apiserver
from staticlet.testing.until import until

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[apiserver.ApiProcess]:
    made = apiserver.ApiProcess(tmp_path)
    made.start()
    yield made
    made.stop()
    assert "Traceback" not in made.log, made.story()


def staticlet(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "staticlet", *words],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


async def written(server: apiserver.ApiProcess, name: str) -> int:
    """Make a config map; the code of the answer."""
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    async with apiloop.client_of(server.url, server.options.state_dir) as client:
        return (await client.ask("POST", MAPS, made)).code


async def names(server: apiserver.ApiProcess) -> list[str]:
    """The names of all config maps."""
    async with apiloop.client_of(server.url, server.options.state_dir) as client:
        got = await client.ask("GET", MAPS)
    return [one["metadata"]["name"] for one in got.body["items"]]


async def test_sigterm_ends_it_in_good_order_while_somebody_watches(server):
    async with (
        asyncio.timeout(20),
        apiloop.client_of(server.url, server.options.state_dir) as client,
        client.open("GET", f"{MAPS}?watch=1") as response,
    ):
        status = await asyncio.to_thread(server.stop)
        assert await response.content.read() == b""  # ended as a watch ends, not cut off
    assert status == 0


async def test_what_was_acknowledged_is_there_after_it_was_killed(server):
    assert await written(server, "kept") == 201
    server.kill()
    server.start()
    assert await names(server) == ["kept"]


async def test_a_backup_is_taken_while_it_runs_and_restored_by_its_file(server, tmp_path):
    copy = tmp_path / "copy.db"
    state = server.options.state_dir
    assert await written(server, "before") == 201
    done = await asyncio.to_thread(staticlet, "api", "backup", str(copy), f"--state-dir={state}")
    assert (done.returncode, done.stderr) == (0, "")
    assert await written(server, "after") == 201
    server.stop()
    for beside in state.glob("state.db*"):
        beside.unlink()
    copy.rename(state / "state.db")
    server.start()
    assert await names(server) == ["before"]


def test_a_backup_of_nothing_says_so(tmp_path):
    done = staticlet("api", "backup", str(tmp_path / "copy.db"), f"--state-dir={tmp_path / 'no'}")
    assert done.returncode == 1
    assert "there is no such file" in done.stderr


def test_secrets_are_its_owners_alone(server):
    places = [server.kubeconfig, server.node_kubeconfig, server.options.state_dir / "state.db"]
    pki = server.options.state_dir / "pki"
    until((pki / "sa.key").exists, "the key of service accounts' tokens, which is made meanwhile")
    places += pki.glob("*.key")
    assert len(places) >= 5
    assert {path.stat().st_mode & 0o777 for path in places} == {0o600}


def test_a_second_server_changes_nothing_in_the_directory_of_the_first(server):
    state_dir = server.options.state_dir
    before = {path: path.read_bytes() for path in (server.kubeconfig, server.node_kubeconfig)}
    second = staticlet("api", f"--state-dir={state_dir}", "--secure-port=0")
    assert second.returncode == 1
    assert "another process uses it" in second.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_it_has_no_more_files_open_than_clients_are_worth(server):
    soft, _ = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    assert soft <= api.FILES


def test_systemd_hears_when_it_is_ready(tmp_path, monkeypatch):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        server = apiserver.ApiProcess(tmp_path)
        server.start()
        said = [heard.recv(1024).decode() for _ in range(2)]
        server.stop()
        said.append(heard.recv(1024).decode())
    assert said == [f"STATUS=serving on {server.url}", "READY=1", "STOPPING=1"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--bind-address=everywhere",), "is no IP address"),
        (("--bind-address=0.0.0.0",), "--tls-san"),
        (("--controllers=nope",), "nope"),
        (("--token-auth-file=/nonexistent",), "/nonexistent"),
    ],
)
def test_what_it_cannot_do_is_one_line_and_status_one(tmp_path, flags, words):
    done = staticlet("api", f"--state-dir={tmp_path}", "--secure-port=0", *flags)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_agent_does_not_load_what_only_the_server_needs():
    code = (
        "import sys; from staticlet.app import agent; from staticlet.cli import run; "
        "print([name for name in ('cryptography', 'jwt', 'prometheus_client', 'sqlite3') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert done.stdout == "[]\n"
