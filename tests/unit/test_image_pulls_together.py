"""The puller on virtual time: pulls that are shared, bounded, and not wanted any more."""

import asyncio

import pytest

from staticlet.config import settings
from staticlet.pods.images.view import State
from staticlet.testing.pullbench import Bench, request, serving

pytestmark = pytest.mark.looptime


async def test_pods_that_want_one_image_share_one_pull():
    async with serving(Bench()) as bench:
        wanted = [request(owner=f"pod{n}", container=c) for n in range(5) for c in "ab"]
        views = await bench.settled(*wanted)
        assert all(view.state is State.PRESENT for view in views)
        assert len(bench.images.pulls) == 1
        assert len(bench.told("Pulling")) == len(bench.told("Pulled")) == 10


async def test_questions_about_one_image_are_asked_once():
    async with serving(Bench()) as bench:
        bench.images.store.add("x:1")
        await bench.settled(*(request(owner=f"pod{n}") for n in range(5)))
        assert bench.images.asked == ["x:1"]


async def test_a_failure_counts_once_for_each_pod_however_many_containers():
    async with serving(Bench()) as bench:
        bench.images.faults["x:1"] = ["no", "no"]
        await bench.settled(request(container="a"), request(container="b"))
        await asyncio.sleep(200)
        began = [round(at) for _, at in bench.images.pulls]
        assert began == [0, 11, 32]


async def test_a_pod_that_joins_a_running_pull_sees_it_run_and_its_end():
    async with serving(Bench()) as bench:
        first, second = request(owner="a"), request(owner="b")
        await bench.settled(first, states=(State.PULLING,))
        await bench.settled(second, states=(State.PULLING,))
        await bench.settled(first, second)
        assert len(bench.images.pulls) == 1


async def test_a_present_image_does_not_wait_for_another_pods_pull_of_it():
    async with serving(Bench()) as bench:
        bench.images.store.add("x:1")
        always, lenient = request(owner="a", policy="Always"), request(owner="b")
        await bench.settled(always, states=(State.PULLING,))
        (view,) = await bench.settled(lenient)
        assert view.state is State.PRESENT
        assert bench.puller.view(always).state is State.PULLING


async def test_a_pull_that_works_for_one_pod_ends_the_back_off_of_another():
    async with serving(Bench()) as bench:
        bench.images.faults["x:1"] = ["no"]
        await bench.settled(request(owner="a"))
        await bench.settled(request(owner="b"))
        assert bench.puller.view(request(owner="a")).state is State.PRESENT


async def test_pulls_run_one_after_the_other_by_default():
    async with serving(Bench()) as bench:
        await bench.settled(*(request(f"x:{n}", container=f"c{n}") for n in range(4)))
        assert bench.images.most == 1
        assert [round(at) for _, at in bench.images.pulls] == [0, 1, 2, 3]
        last = bench.told("Pulled")[-1][1]
        assert last.startswith('Successfully pulled image "x:3" in 1s (4s including waiting).')


@pytest.mark.parametrize(("most", "seen"), [(1, 1), (2, 2), (3, 3), (0, 6)])
async def test_parallel_pulls_stay_below_their_number(most, seen):
    config = settings.Settings(
        node_name="n", serialize_image_pulls=False, max_parallel_image_pulls=most
    )
    async with serving(Bench(config)) as bench:
        await bench.settled(*(request(f"x:{n}", container=f"c{n}") for n in range(6)))
        assert bench.images.most == seen


async def test_pulls_beyond_the_rate_wait_their_time_and_do_not_fail():
    config = settings.Settings(
        node_name="n",
        serialize_image_pulls=False,
        max_parallel_image_pulls=0,
        registry_pull_qps=1.0,
        registry_burst=2,
    )
    async with serving(Bench(config)) as bench:
        wanted = [request(f"x:{n}", container=f"c{n}") for n in range(4)]
        for each in wanted:
            bench.need(each)
        await asyncio.sleep(0.5)
        assert "pull QPS exceeded" in bench.puller.view(wanted[3]).message
        await bench.settled(*wanted)
        assert [round(at, 1) for _, at in bench.images.pulls] == [0, 0, 1, 2]
        assert not bench.told("Failed")


async def test_other_bounds_hold_for_pulls_that_wait_already():
    async with serving(Bench()) as bench:
        wanted = [request(f"x:{n}", container=f"c{n}") for n in range(4)]
        for each in wanted:
            bench.need(each)
        await asyncio.sleep(0.5)
        more = settings.Settings(
            node_name="n", serialize_image_pulls=False, max_parallel_image_pulls=3
        )
        bench.puller.use(more)
        await bench.settled(*wanted)
        assert [round(at, 1) for _, at in bench.images.pulls] == [0, 0.5, 0.5, 1]


async def test_another_rate_holds_from_then_on_and_the_same_gives_nothing_away():
    slow = settings.Settings(node_name="n", registry_pull_qps=0.1, registry_burst=1)
    async with serving(Bench(slow)) as bench:
        await bench.settled(request("x:0"))
        bench.puller.use(slow)
        bench.need(request("x:1", container="c1"))
        await asyncio.sleep(1.0)
        assert len(bench.images.pulls) == 1
        bench.puller.use(settings.Settings(node_name="n", registry_pull_qps=0.0))
        await bench.settled(request("x:2", container="c2"), request("x:1", container="c1"))
        assert [round(at) for _, at in bench.images.pulls] == [0, 10, 11]


async def test_a_pull_is_cancelled_when_nobody_wants_it_any_more():
    async with serving(Bench()) as bench:
        for owner in "ab":
            await bench.settled(request(owner=owner), states=(State.PULLING,))
        bench.puller.forget("a")
        await asyncio.sleep(0.1)
        assert bench.images.cancelled == []
        bench.puller.forget("b")
        await asyncio.sleep(0.1)
        assert bench.images.cancelled == ["x:1"]
        assert bench.puller.view(request(owner="b")) is None
        await bench.settled(request(owner="c"))
        assert len(bench.images.pulls) == 2


async def test_a_container_that_wants_another_image_leaves_the_first():
    async with serving(Bench()) as bench:
        await bench.settled(request("x:1"), states=(State.PULLING,))
        (view,) = await bench.settled(request("x:2"))
        assert view.image.id == "id of x:2"
        assert bench.images.cancelled == ["x:1"]


async def test_a_forgotten_pod_comes_back_without_its_back_off():
    async with serving(Bench()) as bench:
        bench.images.faults["x:1"] = ["no"]
        await bench.settled(request())
        bench.puller.forget("uid")
        (view,) = await bench.settled(request())
        assert view.state is State.PRESENT
        assert len(bench.images.pulls) == 2


async def test_a_forgotten_pod_in_back_off_is_left_alone():
    async with serving(Bench()) as bench:
        bench.images.faults["x:1"] = ["no"]
        await bench.settled(request())
        bench.puller.forget("uid")
        await asyncio.sleep(1000)
        assert len(bench.images.pulls) == 1
