"""What the reflector makes of a scripted server, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from staticlet.client import port, reflector
from staticlet.testing import fakes

PODS = "/api/v1/pods"
GONE = port.Refused(410, "Expired", "too old resource version")
AWAY = port.Unreachable("https://s: connection refused")
FOREVER = 10_000.0

pytestmark = pytest.mark.looptime


def pod(name: str, version: int = 1, **more: Any) -> dict[str, Any]:
    meta = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": str(version)}
    return {"metadata": meta | more}


def listed(*pods: dict[str, Any], version: int = 10, more: str = "") -> dict[str, Any]:
    meta = {"resourceVersion": str(version), "continue": more}
    return {"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": list(pods)}


def event(kind: str, thing: dict[str, Any]) -> port.Event:
    return port.Event(type=kind, object=thing)


def bookmark(version: int) -> port.Event:
    return event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


@dataclass(kw_only=True)
class Script:
    """Answers lists and watches from scripts; a number in a watch lets so many seconds pass."""

    lists: list[Any]
    watches: list[Any] = field(default_factory=list)
    asked: list[tuple[float, str, Mapping[str, str]]] = field(default_factory=list)
    server: str = "https://s"

    def _note(self, what: str, query: Mapping[str, str] | None) -> None:
        now = asyncio.get_running_loop().time()
        self.asked.append((now, what, dict(query or {})))

    async def ask(self, method: str, path: str, *_: Any, **given: Any) -> dict[str, Any]:
        self._note("list", given["query"])
        said = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(said, port.ApiFault):
            raise said
        assert isinstance(said, dict)
        return said

    async def watch(
        self, path: str, *, query: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[port.Event]:
        self._note("watch", query)
        for step in self.watches.pop(0) if self.watches else [FOREVER]:
            if isinstance(step, port.ApiFault):
                raise step
            if isinstance(step, port.Event):
                yield step
            else:
                await asyncio.sleep(step)

    @property
    def steps(self) -> list[str]:
        return [what for _, what, _ in self.asked]


async def follow(
    script: Script, *, for_s: float, chance: float = 0.5
) -> tuple[reflector.Reflector, list[str]]:
    """Follow a script for a time; the reflector, and the names that it told."""
    told: list[str] = []
    made = reflector.Reflector(
        script,
        PODS,
        query={"fieldSelector": "spec.nodeName=n"},
        clock=fakes.LoopClock(),
        random=lambda: chance,
        changed=lambda key: told.append(key[1]),
    )
    try:
        async with asyncio.timeout(for_s):
            await made.run()
    except TimeoutError:
        pass
    return made, told


async def test_it_lists_in_pages_and_watches_from_there() -> None:
    script = Script(lists=[listed(pod("a"), more="t"), listed(pod("b"), version=12)])
    made, told = await follow(script, for_s=1)
    assert (set(made.objects), told) == ({("ns", "a"), ("ns", "b")}, ["a", "b"])
    assert made.synced
    queries = [query for _, _, query in script.asked]
    assert queries[0] == {"fieldSelector": "spec.nodeName=n", "limit": "500"}
    assert queries[1] == queries[0] | {"continue": "t"}
    assert queries[2]["resourceVersion"] == "12"
    assert queries[2]["timeoutSeconds"] == "450"
    assert made.objects[("ns", "a")]["kind"] == "Pod"


async def test_pages_that_are_gone_are_taken_all_at_once() -> None:
    script = Script(lists=[listed(pod("a"), more="t"), GONE, listed(pod("a"), pod("b"))])
    made, told = await follow(script, for_s=0.1)
    assert told == ["a", "b"]
    assert "limit" not in script.asked[2][2]
    assert made.synced


async def test_events_change_what_is_known_and_each_is_told() -> None:
    news = [
        event("ADDED", pod("b", 11)),
        event("MODIFIED", pod("a", 12)),
        event("DELETED", pod("b", 13)),
    ]
    made, told = await follow(
        Script(lists=[listed(pod("a"))], watches=[[*news, FOREVER]]), for_s=1
    )
    assert told == ["a", "b", "a", "b"]
    assert made.objects == {("ns", "a"): pod("a", 12)}


async def test_what_is_the_same_is_not_told_again() -> None:
    news = [event("MODIFIED", pod("a", 1)), event("DELETED", pod("stranger", 2))]
    _, told = await follow(Script(lists=[listed(pod("a"))], watches=[[*news, FOREVER]]), for_s=1)
    assert told == ["a"]


async def test_one_that_was_made_anew_with_the_same_version_is_told() -> None:
    other = pod("a", uid="other")
    script = Script(lists=[listed(pod("a")), listed(other)], watches=[[GONE]])
    _, told = await follow(script, for_s=5)
    assert told == ["a", "a"]


async def test_it_goes_on_from_the_last_bookmark_when_the_server_ends_the_stream() -> None:
    script = Script(lists=[listed()], watches=[[bookmark(70)], [400.0], [FOREVER]])
    await follow(script, for_s=500)
    assert script.steps == ["list", "watch", "watch", "watch"]
    assert [query["resourceVersion"] for _, _, query in script.asked[1:]] == ["10", "70", "70"]
    assert script.asked[2][0] == 0


async def test_gone_means_listing_anew_and_telling_what_vanished() -> None:
    script = Script(
        lists=[listed(pod("a"), pod("b")), listed(pod("b"), pod("c"), version=90)],
        watches=[[GONE]],
    )
    made, told = await follow(script, for_s=5)
    assert script.steps == ["list", "watch", "list", "watch"]
    assert told == ["a", "b", "a", "c"]
    assert made.synced


async def test_a_stream_that_breaks_is_resumed_first_and_listed_anew_when_that_fails() -> None:
    script = Script(
        lists=[listed(version=10), listed(version=3)],
        watches=[[bookmark(60), AWAY], [AWAY], [FOREVER]],
    )
    await follow(script, for_s=20)
    assert script.steps == ["list", "watch", "watch", "list", "watch"]
    assert script.asked[2][2]["resourceVersion"] == "60"
    assert script.asked[4][2]["resourceVersion"] == "3"


async def test_a_silent_stream_is_begun_anew_where_it_was() -> None:
    silent = [150.0, port.Unreachable("https://s: a watch was silent for 150 s")]
    script = Script(lists=[listed(pod("a"))], watches=[silent, silent, silent])
    made, _ = await follow(script, for_s=600)
    assert script.steps == ["list", "watch", "watch", "watch", "watch"]
    assert {query["resourceVersion"] for _, _, query in script.asked[1:]} == {"10"}
    assert made.synced


async def wrote(made: reflector.Reflector, *versions: int, after_s: float = 100) -> None:
    """Have something written after a time."""
    await asyncio.sleep(after_s)
    for version in versions:
        made.expect(version)


async def follow_writes(script: Script, *versions: int, for_s: float = 140) -> reflector.Reflector:
    """Follow a script; after 100 s, writes of ours were answered with these versions."""
    made = reflector.Reflector(script, PODS, clock=fakes.LoopClock(), random=lambda: 0.5)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(for_s), asyncio.TaskGroup() as group:
            group.create_task(wrote(made, *versions), name="writes")
            await made.run()
    return made


async def test_a_stalled_stream_that_does_not_bring_what_was_written_is_begun_anew_soon() -> None:
    script = Script(
        lists=[listed(pod("a"))], watches=[[FOREVER], [event("MODIFIED", pod("a", 12)), FOREVER]]
    )
    made = await follow_writes(script, 12)
    assert script.steps == ["list", "watch", "watch"]
    when, _, query = script.asked[-1]
    assert 100 + reflector.ECHO_S <= when < 101 + reflector.ECHO_S
    assert query["resourceVersion"] == "10"
    assert made.revision == 12
    assert made.synced


async def test_a_stream_that_stalls_for_good_is_listed_anew() -> None:
    """What is begun anew says nothing either: then the server is not believed at all."""
    script = Script(lists=[listed(pod("a")), listed(pod("a", 12), version=13)])
    script.watches = [[100.5, AWAY], [AWAY]]
    made = await follow_writes(script, 12)
    assert script.steps == ["list", "watch", "watch", "list", "watch"]
    assert made.revision == 13


async def test_a_stream_that_brings_what_was_written_goes_on() -> None:
    brought = [100.5, event("MODIFIED", pod("a", 12)), 5.0, bookmark(15), FOREVER]
    script = Script(lists=[listed(pod("a"))], watches=[brought])
    await follow_writes(script, 11, 12, 9, for_s=500)
    assert script.steps == ["list", "watch"]


async def test_a_version_that_never_comes_breaks_one_stream_and_no_more() -> None:
    script = Script(lists=[listed(pod("a"))])
    await follow_writes(script, 999, for_s=1000)
    assert script.steps == ["list", "watch", "watch"]


async def test_a_server_that_is_away_is_asked_every_few_seconds_and_found_soon() -> None:
    script = Script(lists=[listed(pod("a")), AWAY], watches=[[100.0, AWAY], [AWAY]])
    made, _ = await follow(script, for_s=160, chance=0.99)
    assert not made.synced
    assert made.objects
    times = [when for when, what, _ in script.asked if what == "list"][1:]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert max(gaps) <= reflector.MOST_AWAY_S
    assert 10 < len(times) < 40


async def test_a_server_that_cuts_each_stream_is_asked_every_few_seconds() -> None:
    """As one that is killed again and again does, which must be found soon when it stays."""
    script = Script(lists=[listed(pod("a"))], watches=[[2.0, AWAY] for _ in range(30)])
    await follow(script, for_s=180, chance=0.99)
    times = [when for when, what, _ in script.asked if what == "list"]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)][4:]
    assert gaps
    assert max(gaps) <= 2 + reflector.MOST_AWAY_S
    assert min(gaps) > 4


async def test_streams_that_end_at_once_are_not_a_storm() -> None:
    script = Script(lists=[listed()], watches=[[] for _ in range(1000)])
    await follow(script, for_s=600, chance=0.99)
    assert len(script.asked) < 40


async def test_gone_again_and_again_is_not_a_storm() -> None:
    script = Script(lists=[listed()], watches=[[GONE] for _ in range(1000)])
    await follow(script, for_s=600, chance=0.99)
    assert len(script.asked) < 80


async def test_a_refusal_is_logged_once_while_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    no = port.Refused(403, "Forbidden", "pods is forbidden: no")
    script = Script(lists=[*[no] * 8, listed()], watches=[[bookmark(11), FOREVER]])
    made, _ = await follow(script, for_s=1000)
    assert made.synced
    lost, back = caplog.messages
    assert lost == "following /api/v1/pods: pods is forbidden: no"
    assert "works again after" in back


async def test_what_the_server_asks_for_is_waited() -> None:
    busy = port.Refused(429, "TooManyRequests", "slow down", retry_after_s=20)
    script = Script(lists=[busy, listed()])
    await follow(script, for_s=60)
    assert script.asked[1][0] >= 20


@pytest.mark.parametrize(
    "lie",
    [
        {},
        {"metadata": []},
        {"metadata": {}, "items": {}},
        {"metadata": {}, "items": [1]},
        {"metadata": {}, "items": [{"metadata": {}}]},
        {"metadata": {}, "items": [{"metadata": {"name": 1}}]},
        {"metadata": {"continue": "again"}, "items": []},
    ],
)
async def test_a_lying_list_is_no_list(lie: dict[str, Any]) -> None:
    made, _ = await follow(Script(lists=[lie]), for_s=1)
    assert not made.synced


async def test_an_event_about_nothing_breaks_the_stream() -> None:
    script = Script(lists=[listed()], watches=[[event("ADDED", {"metadata": {}})]])
    await follow(script, for_s=10)
    assert script.steps == ["list", "watch", "list", "watch"]
