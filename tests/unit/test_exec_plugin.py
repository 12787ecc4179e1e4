"""Programs that tell credentials."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from staticlet.client import access, execplugin, kubeconfig
from staticlet.testing import fakes, kubeconfigs, until

V1 = "client.authentication.k8s.io/v1"
NOBODY = kubeconfig.Exec(api_version=V1, command="x")


def told(status: Any = None, **more: Any) -> bytes:
    whole = {"apiVersion": V1, "kind": "ExecCredential", "status": status or {"token": "t"}}
    return json.dumps(whole | more).encode()


class Program:
    """A script that counts its runs and prints what a file says."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.clock = fakes.ManualClock()
        self._script = place / "helper"
        self.does("cat answer")
        self.says({"token": "one"})

    def does(self, commands: str) -> None:
        self._script.write_text(
            f'#!/bin/sh\ncd {self._place}\necho "$KUBERNETES_EXEC_INFO" >>runs\n{commands}\n'
        )
        self._script.chmod(0o755)

    def says(self, status: dict[str, Any]) -> None:
        (self._place / "answer").write_bytes(told(status))

    @property
    def runs(self) -> list[Any]:
        path = self._place / "runs"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def spec(self, **more: Any) -> kubeconfig.Exec:
        return kubeconfig.Exec(api_version=V1, command=str(self._script), **more)

    def plugin(self, **more: Any) -> execplugin.Plugin:
        return execplugin.Plugin(self.spec(**more), None, self.clock)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


async def test_it_is_run_once_and_remembered(program: Program) -> None:
    plugin = program.plugin()
    both = await asyncio.gather(plugin.credential(), plugin.credential())
    assert [one.token for one in both] == ["one", "one"]
    assert len(program.runs) == 1
    assert program.runs[0] == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {"interactive": False},
    }


async def test_it_is_run_again_when_what_it_told_has_expired(program: Program) -> None:
    expires = fakes.START.replace(minute=1).isoformat()
    program.says({"token": "one", "expirationTimestamp": expires})
    plugin = program.plugin()
    await plugin.credential()
    program.says({"token": "two"})
    program.clock.advance(59)
    assert (await plugin.credential()).token == "one"
    program.clock.advance(1)
    assert (await plugin.credential()).token == "two"


@pytest.mark.parametrize("jump_s", [3600, -3600, 86400, -86400])
async def test_a_date_that_is_set_neither_ends_nor_prolongs_what_it_told(
    program: Program, jump_s: float
) -> None:
    expires = fakes.START.replace(minute=1).isoformat()
    program.says({"token": "one", "expirationTimestamp": expires})
    plugin = program.plugin()
    await plugin.credential()
    program.says({"token": "two"})
    program.clock.jump(jump_s)
    program.clock.advance(59)
    assert (await plugin.credential()).token == "one"
    program.clock.advance(1)
    assert (await plugin.credential()).token == "two"


async def test_what_has_expired_already_by_our_clock_is_used_for_a_while(program: Program) -> None:
    """Our clock goes a day ahead: the program is not run for each request."""
    expires = fakes.START.replace(minute=1).isoformat()
    program.says({"token": "one", "expirationTimestamp": expires})
    program.clock.jump(86400)
    plugin = program.plugin()
    for _ in range(5):
        refused = await plugin.credential()
        program.clock.advance(execplugin.AGAIN_S)
    assert len(program.runs) == 1
    await plugin.credential(but=refused)
    assert len(program.runs) == 2
    program.clock.advance(execplugin.LEAST_S)
    await plugin.credential()
    assert len(program.runs) == 3


async def test_it_is_run_again_when_the_server_refused_what_it_told(program: Program) -> None:
    plugin = program.plugin()
    refused = await plugin.credential()
    program.says({"token": "two"})
    assert (await plugin.credential(but=refused)).token == "one"  # it was run a moment ago
    program.clock.advance(execplugin.AGAIN_S)
    assert (await plugin.credential(but=refused)).token == "two"
    assert (await plugin.credential(but=refused)).token == "two"
    assert len(program.runs) == 2


async def test_a_failure_is_told_and_not_repeated_at_once(program: Program) -> None:
    program.does("echo 'log in first' >&2; exit 3")
    plugin = program.plugin()
    for _ in range(3):
        with pytest.raises(execplugin.ExecFault, match="ended with status 3: log in first"):
            await plugin.credential()
    assert len(program.runs) == 1
    program.clock.advance(execplugin.AGAIN_S)
    program.does("cat answer")
    assert (await plugin.credential()).token == "one"


async def test_one_that_hangs_is_ended_with_all_that_it_started(
    program: Program, tmp_path: Path
) -> None:
    program.does("sleep 600 & echo $! >child; wait")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await program.plugin().credential()
    child = int((tmp_path / "child").read_text())
    until.until(lambda: not _lives(child), "what the plugin started has ended")


def _lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_one_that_takes_too_long_is_told(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execplugin, "LONGEST_S", 0.2)
    program.does("sleep 600")
    plugin = program.plugin()
    for _ in range(3):
        with pytest.raises(execplugin.ExecFault, match=r"told nothing within 0\.2 s"):
            await plugin.credential()
    assert len(program.runs) == 1


async def test_one_that_prints_without_end_is_refused(program: Program) -> None:
    program.does("head -c 3000000 /dev/zero")
    with pytest.raises(execplugin.ExecFault, match="more than 1024 KiB"):
        await program.plugin().credential()


async def test_one_that_is_not_there_is_told_with_its_hint() -> None:
    spec = kubeconfig.Exec(api_version=V1, command="/no/such", install_hint="apt install it")
    plugin = execplugin.Plugin(spec, None, fakes.ManualClock())
    with pytest.raises(execplugin.ExecFault) as raised:
        await plugin.credential()
    assert str(raised.value) == "cannot be run: no such file or directory (apt install it)"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "no ExecCredential"),
        (told(kind="Pod"), "no ExecCredential"),
        (told(apiVersion="v1"), "another apiVersion"),
        (told([1]), "without a status"),
        (told({"token": 1}), "token that is not a string"),
        (told({"x": 1}), "neither a token nor"),
        (told({"clientKeyData": "k"}), "without the other"),
        (told({"token": "t", "expirationTimestamp": "soon"}), "not a time"),
        (told({"token": "t", "expirationTimestamp": "2030-01-01T00:00:00"}), "time zone"),
    ],
)
def test_an_output_that_says_nothing_is_told(output: bytes, words: str) -> None:
    with pytest.raises(execplugin.ExecFault) as raised:
        execplugin.read(output, NOBODY)
    assert words in str(raised.value)


def _write(tmp_path: Path, command: str, **more: Any) -> Path:
    spec = {"apiVersion": V1, "command": command, "interactiveMode": "Never"} | more
    return kubeconfigs.write(tmp_path, "http://h", user={"exec": spec})


async def test_its_token_is_sent(program: Program, tmp_path: Path) -> None:
    source = access.Source(_write(tmp_path, "./helper"), program.clock)
    first = await source.access()
    assert first.headers == {"Authorization": "Bearer one"}
    program.says({"token": "two"})
    program.clock.advance(execplugin.AGAIN_S)
    renewed = await source.renewed(first)
    assert renewed is not None
    assert renewed.headers == {"Authorization": "Bearer two"}


async def test_it_may_know_the_cluster(program: Program, tmp_path: Path) -> None:
    source = access.Source(
        _write(tmp_path, "./helper", provideClusterInfo=True, args=["a"]), program.clock
    )
    await source.access()
    assert program.runs[0]["spec"]["cluster"]["server"] == "http://h"


async def test_a_credential_that_is_refused_and_not_renewed_is_not_tried_again(
    program: Program, tmp_path: Path
) -> None:
    source = access.Source(_write(tmp_path, "./helper"), program.clock)
    assert await source.renewed(await source.access()) is None
