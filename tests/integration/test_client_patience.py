"""How long requests to a server hang that was away: real connections behind a bad network."""

from __future__ import annotations

import asyncio
import logging
import time
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from staticlet.aio import clock as clocks
from staticlet.client import connection, patience, port
from staticlet.host import certs
from staticlet.testing import apiloop, apiserver, badproxy, kubeconfigs

DEFAULT = "/api/v1/namespaces/default"


@dataclass(frozen=True, kw_only=True)
class Behind:
    """A connection, and the proxy before its server."""

    api: connection.Connection
    proxy: badproxy.BadProxy


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    async with apiloop.serving(tmp_path) as server:
        url = urllib.parse.urlsplit(server.url)
        async with badproxy.before(url.hostname or "", url.port or 0) as proxy:
            kubeconfig = kubeconfigs.write(
                tmp_path,
                proxy.url,
                cluster={"certificate-authority": str(certs.Places(tmp_path / "api").ca)},
                user={"token": apiserver.TOKENS["admin"]},
            )
            async with aclosing(
                connection.Connection(kubeconfig, clock=clocks.SystemClock())
            ) as api:
                yield Behind(api=api, proxy=proxy)


async def fault_of(api: connection.Connection, deadline_s: float) -> port.ApiFault:
    with pytest.raises(port.ApiFault) as raised:
        await api.ask("GET", DEFAULT, deadline_s=deadline_s)
    return raised.value


async def test_what_hangs_is_sent_again_when_the_server_answers_others(
    behind: Behind, caplog: pytest.LogCaptureFixture
) -> None:
    """As with a server that was just coming up, or a machine that is gone: none waits 10 s."""
    caplog.set_level(logging.INFO, "staticlet.client")
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        behind.proxy.swallow()
        asked = [group.create_task(behind.api.ask("GET", DEFAULT), name="hangs") for _ in range(3)]
        await asyncio.sleep(0.5)
        behind.proxy.stall()  # these connections never recover
        behind.proxy.pass_on()
        await behind.api.ask("GET", DEFAULT)
    assert [one.result()["kind"] for one in asked] == ["Namespace"] * 3
    assert time.monotonic() - began < patience.MOMENT_S + 3
    assert caplog.messages == []


async def test_what_gives_up_soon_says_nothing_of_the_server(
    behind: Behind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "staticlet.client")
    behind.proxy.swallow()
    async with asyncio.TaskGroup() as group:
        patient = group.create_task(fault_of(behind.api, 4), name="patient")
        await asyncio.sleep(0)
        began = time.monotonic()
        fault = await fault_of(behind.api, 4)
        assert time.monotonic() - began < patience.SHORT_S + 1
        assert str(fault) == f"{behind.proxy.url}: no answer within 2 s"
        assert caplog.messages == []
    assert caplog.messages == [f"API server: {patient.result()}"]
    assert str(patient.result()) == f"{behind.proxy.url}: no answer within 4 s"
