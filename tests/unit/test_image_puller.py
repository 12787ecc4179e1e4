"""The puller against a scripted runtime, on virtual time: what one container gets."""

import asyncio
import itertools

import pytest

from staticlet.pods.images import credentials
from staticlet.pods.images.view import State
from staticlet.runtime import port
from staticlet.testing.pullbench import Bench, request, serving

pytestmark = pytest.mark.looptime


async def test_a_present_image_costs_one_question():
    async with serving(Bench()) as bench:
        bench.images.store.add("x:1")
        assert bench.need(request()).state is State.WAITING
        (view,) = await bench.settled(request())
        assert view.state is State.PRESENT
        assert view.image.id == "id of x:1"
        assert bench.images.asked == ["x:1"]
        assert bench.images.pulls == []
        assert bench.wakes == 1
        assert bench.events == [
            (
                "uid",
                "c",
                "Normal",
                "Pulled",
                'Container image "x:1" already present on machine and can be accessed by the pod',
            )
        ]


async def test_an_answer_holds_for_one_start():
    async with serving(Bench()) as bench:
        bench.images.store.add("x:1")
        await bench.settled(request(start=0))
        await bench.settled(request(start=0))
        assert len(bench.images.asked) == 1
        assert bench.puller.view(request(start=1)) is None
        bench.images.store.clear()
        await bench.settled(request(start=1))
        assert len(bench.images.pulls) == 1


async def test_an_absent_image_is_pulled_and_told_of():
    async with serving(Bench()) as bench:
        (view,) = await bench.settled(request("x"))
        assert view.image.size_bytes == 42
        assert [ref for ref, _ in bench.images.pulls] == ["x:latest"]
        assert bench.told() == [
            ("Pulling", 'Pulling image "x"'),
            (
                "Pulled",
                (
                    'Successfully pulled image "x" in 1s (1s including waiting). '
                    "Image size: 42 bytes."
                ),
            ),
        ]


async def test_a_pull_that_runs_shows_since_when():
    async with serving(Bench()) as bench:
        await asyncio.sleep(5)
        (view,) = await bench.settled(request(), states=(State.PULLING,))
        assert view.since == pytest.approx(5, abs=0.1)
        assert not view.reason


async def test_always_pulls_once_for_each_start():
    async with serving(Bench()) as bench:
        bench.images.store.add("x:1")
        for _ in range(3):
            await bench.settled(request(policy="Always", start=0))
        assert len(bench.images.pulls) == 1
        await bench.settled(request(policy="Always", start=1))
        assert len(bench.images.pulls) == 2


async def test_never_refuses_an_absent_image_and_takes_it_when_it_is_imported():
    async with serving(Bench()) as bench:
        (view,) = await bench.settled(request(policy="Never"))
        assert (view.state, view.reason) == (State.FAILED, "ErrImageNeverPull")
        assert bench.told() == [
            (
                "ErrImageNeverPull",
                'Container image "x:1" is not present with pull policy of Never',
            ),
            ("Failed", "Error: ErrImageNeverPull"),
        ]
        await asyncio.sleep(100)
        assert len(bench.told()) == 2
        bench.images.store.add("x:1")
        woken = bench.wakes
        await asyncio.sleep(21)
        assert bench.puller.view(request(policy="Never")).state is State.PRESENT
        assert bench.wakes > woken
        assert bench.images.pulls == []


async def test_a_bad_name_fails_for_good_in_the_kubelets_words():
    async with serving(Bench()) as bench:
        view = bench.need(request("Bad Name"))
        assert (view.state, view.reason, view.until) == (State.FAILED, "InvalidImageName", None)
        assert view.message.startswith('Failed to apply default image tag "Bad Name": couldn\'t')
        assert bench.told("InspectFailed") == [("InspectFailed", view.message)]
        bench.need(request("Bad Name"))
        await asyncio.sleep(1000)
        assert len(bench.events) == 1
        assert bench.images.asked == []


async def test_a_runtime_that_cannot_look_is_asked_again():
    async with serving(Bench()) as bench:
        bench.images.broken = "database is locked"
        (view,) = await bench.settled(request())
        assert (view.state, view.reason) == (State.FAILED, "ImageInspectError")
        assert view.message == 'Failed to inspect image "x:1": database is locked'
        bench.images.broken = ""
        bench.images.store.add("x:1")
        await asyncio.sleep(11)
        assert bench.puller.view(request()).state is State.PRESENT


async def test_a_failed_pull_is_tried_again_after_ten_seconds_doubling():
    async with serving(Bench()) as bench:
        bench.images.faults["x:1"] = ["no"] * 4
        await bench.settled(request())
        await asyncio.sleep(200)
        began = [at for _, at in bench.images.pulls]
        waits = [round(b - a) - 1 for a, b in itertools.pairwise(began)]
        assert waits == [10, 20, 40, 80]
        assert bench.puller.view(request()).state is State.PRESENT


async def test_a_failed_pull_is_told_in_the_kubelets_words_each_time():
    async with serving(Bench()) as bench:
        bench.images.faults["q.io/x:1"] = ["500 it broke", "500 it broke"]
        wanted = request("q.io/x:1")
        (view,) = await bench.settled(wanted)
        why = 'failed to pull image "q.io/x:1": registry q.io said: 500 it broke'
        assert (view.state, view.reason) == (State.BACKOFF, "ImagePullBackOff")
        assert view.message == f'Back-off pulling image "q.io/x:1": ErrImagePull: {why}'
        once = [
            ("Pulling", 'Pulling image "q.io/x:1"'),
            ("Failed", 'Failed to pull image "q.io/x:1": registry q.io said: 500 it broke'),
            ("Failed", "Error: ErrImagePull"),
            ("BackOff", 'Back-off pulling image "q.io/x:1"'),
            ("Failed", "Error: ImagePullBackOff"),
        ]
        assert bench.told() == once
        await asyncio.sleep(10.5)
        view = bench.puller.view(wanted)
        assert (view.state, view.reason, view.message) == (State.PULLING, "ErrImagePull", why)
        await asyncio.sleep(1)
        assert bench.told() == once * 2


async def test_an_image_that_turns_up_ends_the_back_off():
    async with serving(Bench()) as bench:
        bench.images.faults["x:1"] = ["no"] * 5
        await bench.settled(request())
        await asyncio.sleep(75)
        assert len(bench.images.pulls) == 4
        bench.images.store.add("x:1")
        await asyncio.sleep(21)
        assert bench.puller.view(request()).state is State.PRESENT
        assert len(bench.images.pulls) == 4


async def test_an_image_that_was_gone_when_it_was_used_is_looked_for_again():
    async with serving(Bench()) as bench:
        bench.images.store.add("x:1")
        await bench.settled(request())
        bench.images.store.clear()
        bench.puller.drop("uid", "c")
        await bench.settled(request())
        assert len(bench.images.pulls) == 1


async def test_a_runtime_that_goes_away_during_a_pull_costs_no_back_off():
    async with serving(Bench()) as bench:
        await bench.settled(request(), states=(State.PULLING,))
        bench.images.away = True
        await asyncio.sleep(2)
        view = bench.puller.view(request())
        assert view.state is State.WAITING
        assert view.message == "waiting for the container runtime: nobody listens"
        bench.images.away = False
        bench.puller.runtime_back()
        await asyncio.sleep(1.5)
        assert bench.puller.view(request()).state is State.PRESENT
        assert not bench.told("Failed")
        assert len(bench.told("Pulling")) == 1


async def test_a_question_waits_for_the_runtime_and_a_lost_word_costs_half_a_minute():
    async with serving(Bench()) as bench:
        bench.images.away = True
        bench.images.store.add("x:1")
        bench.need(request())
        await asyncio.sleep(20)
        assert len(bench.images.asked) == 1
        bench.images.away = False
        await asyncio.sleep(11)
        assert bench.puller.view(request()).state is State.PRESENT


async def test_credentials_are_tried_in_turn_until_one_is_taken():
    tries = tuple(
        credentials.Credential(
            key="q.io", auth=port.RegistryAuth(username=name, password="p"), file="/r/config.json"
        )
        for name in ("old", "new", "never")
    )
    async with serving(Bench(lookup=lambda reference: tries)) as bench:
        bench.images.faults["q.io/x:1"] = ["401 Unauthorized", None]
        (view,) = await bench.settled(request("q.io/x:1"))
        assert view.state is State.PRESENT
        assert [auth.username for auth in bench.images.auths] == ["old", "new"]


async def test_what_the_pods_bring_that_wait_for_a_pull_is_tried_before_the_files():
    def entry(name):
        auth = port.RegistryAuth(username=name, password="p")
        return credentials.Credential(key="q.io", auth=auth, file=name)

    def brought(owner, reference):
        return (entry(f"{owner} for {reference.name}"),)

    bench = Bench(lookup=lambda reference: (entry("file"),), brought=brought)
    async with serving(bench):
        bench.images.faults["q.io/x:1"] = ["401 Unauthorized"] * 3
        await bench.settled(request("q.io/x:1"), request("q.io/x:1", owner="other"))
        names = [auth.username for auth in bench.images.auths]
        assert names[1:] == ["other for q.io/x", "file"]
        assert names[0].endswith(" for q.io/x")


async def test_refused_credentials_are_named_by_their_file_and_never_shown():
    tries = (
        credentials.Credential(
            key="q.io",
            auth=port.RegistryAuth(username="u", password="hush"),
            file="/r/config.json",
        ),
    )
    async with serving(Bench(lookup=lambda reference: tries)) as bench:
        bench.images.faults["q.io/x:1"] = ["401 Unauthorized"]
        (view,) = await bench.settled(request("q.io/x:1"))
        assert view.message.endswith(
            "registry q.io said: 401 Unauthorized (with the credentials of /r/config.json)"
        )
        assert "hush" not in repr(bench.events) + repr(view)


async def test_what_was_asked_before_the_puller_ran_begins_with_it():
    bench = Bench()
    assert bench.need(request()).state is State.WAITING
    async with serving(bench):
        await bench.settled(request())


async def test_a_puller_that_is_run_again_goes_on_where_it_was():
    bench = Bench()
    async with serving(bench):
        await bench.settled(request(), states=(State.PULLING,))
    assert bench.images.cancelled == ["x:1"]
    async with serving(bench):
        (view,) = await bench.settled(request())
        assert view.state is State.PRESENT


async def test_a_worker_that_asks_again_in_time_need_not_wait_for_the_timer():
    async with serving(Bench()) as bench:
        bench.images.faults["x:1"] = ["no"]
        (view,) = await bench.settled(request())
        await asyncio.sleep(view.until - asyncio.get_running_loop().time())
        assert bench.need(request()).until is not None
        await bench.settled(request(), states=(State.PULLING, State.PRESENT))
        assert len(bench.images.pulls) == 2
