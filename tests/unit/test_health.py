"""Health of the API server: checks by name, and the one of its store."""

from __future__ import annotations

import asyncio

import pytest

from staticlet.apiserver.http import health
from staticlet.apiserver.store.port import WriteFailed
from staticlet.testing import fakes


class Disk:
    """A store that is asked whether it takes writes."""

    def __init__(self, fault: str = "", takes_s: float = 0.0) -> None:
        self.fault = fault
        self.takes_s = takes_s
        self.asked = 0

    async def check(self) -> None:
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        if self.fault:
            raise WriteFailed(self.fault)


def checks(wrong: str = "") -> health.Checks:
    async def shutdown() -> str:
        return wrong

    return health.Checks(live={"ping": health.well}, ready={"shutdown": shutdown})


async def test_health_is_one_word():
    assert await health.answer(checks(), "/readyz", {}) == health.Health(200, "ok")
    assert await health.answer(checks(), "/healthz/ping", {}) == health.Health(200, "ok")


async def test_verbose_health_lists_its_checks():
    told = await health.answer(checks(), "/readyz", {"verbose": ""})
    assert told.text == "[+]ping ok\n[+]shutdown ok\nreadyz check passed\n"


async def test_a_check_that_fails_is_named():
    told = await health.answer(checks("ending"), "/readyz", {})
    assert told.code == 500
    assert told.text == "[+]ping ok\n[-]shutdown failed: ending\nreadyz check failed\n"
    assert (await health.answer(checks("ending"), "/readyz/shutdown", {})).code == 500


async def test_a_server_that_ends_is_alive_and_not_ready():
    assert (await health.answer(checks("ending"), "/livez", {})).code == 200
    excluding = await health.answer(checks("ending"), "/readyz", {"exclude": "shutdown"})
    assert excluding.code == 200


async def test_an_unknown_check_is_not_there():
    assert (await health.answer(checks(), "/readyz/nope", {})).code == 404
    assert (await health.answer(checks(), "/livez/shutdown", {})).code == 404


async def test_a_store_that_takes_no_writes_is_told_with_the_reason():
    disk, clock = Disk("no room"), fakes.ManualClock()
    writable = health.Writable(disk, clock)
    assert await writable() == "no room"
    disk.fault = ""
    clock.advance(health.REMEMBERED_S)
    assert await writable() == ""


async def test_many_who_ask_cost_one_write_a_second():
    disk, clock = Disk(), fakes.ManualClock()
    writable = health.Writable(disk, clock)
    await asyncio.gather(*(writable() for _ in range(20)))
    assert disk.asked == 1
    clock.advance(health.REMEMBERED_S)
    await writable()
    assert disk.asked == 2


@pytest.mark.looptime
async def test_a_disk_that_hangs_is_told_in_time(looptime):
    writable = health.Writable(Disk(takes_s=3600), fakes.LoopClock())
    assert await writable() == "the disk has taken no write for 5 s"
    assert looptime == 5
