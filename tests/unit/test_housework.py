"""When what earlier pods left is cleared: once nobody may want it any more."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from staticlet.app import housework
from staticlet.pods import wanted

KEY = wanted.PodKey("default", "web-node1")
STATIC = "0123456789abcdef" * 2
OF_API = "9e2a1c52-7d9f-4f0e-8a53-0d5a1f6d2b11"
SOURCES = frozenset({"file", wanted.API})


class House:
    """A disk with what pods left, by their UIDs."""

    def __init__(self, *uids):
        self.left = set(uids)
        self.links = True
        self.on_clear = lambda uid: None

    def left_behind(self, *, but):
        return dict.fromkeys(sorted(self.left - but), KEY)

    def clear(self, key, uid):
        assert key == KEY
        self.left.remove(uid)
        self.on_clear(uid)

    def clear_links(self):
        self.links = False


def merged(*ready, pods=()):
    """What is wanted, as far as these sources are known."""
    found = {wanted.PodKey("default", uid): SimpleNamespace(uid=uid) for uid in pods}
    return SimpleNamespace(
        wanted=wanted.Wanted(sources=SOURCES, ready=frozenset(ready), pods=found)
    )


@pytest.mark.parametrize(
    ("ready", "left"),
    [
        ((), {STATIC, OF_API}),
        ((wanted.API,), {STATIC, OF_API}),
        (("file",), {OF_API}),
        (("file", wanted.API), set()),
    ],
)
async def test_static_pods_wait_for_their_own_sources_alone(ready, left):
    house = House(STATIC, OF_API)
    await housework.Housework(house, merged(*ready), known_uids=set).run_once()
    assert house.left == left
    assert house.links is ("file" not in ready)


async def test_what_is_wanted_or_known_to_the_runtime_is_left():
    house = House("wanted", "known", "nobodys")
    state = merged(*SOURCES, pods=["wanted"])
    await housework.Housework(house, state, known_uids=lambda: {"known"}).run_once()
    assert house.left == {"wanted", "known"}


async def test_what_is_wanted_again_while_another_is_cleared_is_left():
    house, known = House("a", "b"), set()
    house.on_clear = lambda uid: known.add("b")
    await housework.Housework(house, merged(*SOURCES), known_uids=lambda: known).run_once()
    assert house.left == {"b"}
