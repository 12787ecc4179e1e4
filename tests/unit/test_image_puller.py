"""The puller against a scripted runtime, on virtual time."""

import asyncio
import itertools
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from staticlet.config import settings
from staticlet.pods.images import credentials, puller
from staticlet.pods.images.view import Request, State
from staticlet.runtime import port

pytestmark = pytest.mark.looptime


class LoopClock:
    """The event loop's time, which is virtual here."""

    def now(self):
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self):
        return asyncio.get_running_loop().time()


class Images:
    """A runtime whose store is a set of names, whose pulls take a time and fail as told."""

    def __init__(self):
        self.store = set()
        self.faults = {}
        self.pull_s = 1.0
        self.away = False
        self.broken = ""
        self.asked = []
        self.pulls = []
        self.auths = []
        self.cancelled = []
        self.running = 0
        self.most = 0

    async def image_status(self, ref):
        self.asked.append(ref)
        await asyncio.sleep(0)
        if self.away:
            raise port.Unavailable("nobody listens")
        if self.broken:
            raise port.RuntimeFault(self.broken)
        return port.Image(id=f"id of {ref}", size_bytes=42) if ref in self.store else None

    async def pull(self, ref, *, auth=None, sandbox=None):
        self.pulls.append((ref, asyncio.get_running_loop().time()))
        self.auths.append(auth)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.pull_s)
        except asyncio.CancelledError:
            self.cancelled.append(ref)
            raise
        finally:
            self.running -= 1
        if self.away:
            raise port.Unavailable("nobody listens")
        if faults := self.faults.get(ref):
            fault = faults.pop(0)
            if fault:
                raise port.RuntimeFault(fault)
        self.store.add(ref)
        return f"id of {ref}"

    async def list_images(self):
        return ()


class Bench:
    """A puller on its own, with what it told."""

    def __init__(self, config=None, lookup=lambda reference: (), **more):
        self.images = Images()
        self.events = []
        self.wakes = 0
        self.woken = asyncio.Event()
        self.puller = puller.Puller(
            self.images,
            config or settings.Settings(node_name="n"),
            time=LoopClock(),
            lookup=lookup,
            record=lambda *event: self.events.append(event),
            **more,
        )

    def wake(self):
        self.wakes += 1
        self.woken.set()

    def need(self, request):
        return self.puller.need(request, self.wake)

    async def settled(self, *requests, states=(State.PRESENT, State.BACKOFF, State.FAILED)):
        """Wait until every request is answered; the views."""
        for request in requests:
            self.need(request)
        async with asyncio.timeout(10_000):
            while not all(self.puller.view(r).state in states for r in requests):
                self.woken.clear()
                await self.woken.wait()
        return [self.puller.view(request) for request in requests]

    def told(self, reason=None):
        return [each[3:] for each in self.events if reason in (None, each[3])]


@asynccontextmanager
async def serving(bench):
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.puller.run())
        yield bench
        task.cancel()


def request(image="x:1", policy="IfNotPresent", start=0, owner="uid", container="c"):
    return Request(owner=owner, container=container, image=image, policy=policy, start=start)


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
