"""What pods refer to, followed at an API server, on virtual time."""

import asyncio
import base64
from contextlib import asynccontextmanager

import pytest

from staticlet.client import port
from staticlet.node import apicontent, apiobjects, apitokens
from staticlet.pods.apiobjects import held, references
from staticlet.testing import apicontent as content
from staticlet.testing import fakeapi, wantedpods

pytestmark = pytest.mark.looptime

COLOURS = "/api/v1/namespaces/default/configmaps/colours"
KEYS = "/api/v1/namespaces/default/secrets/keys"
LIST_COLOURS = "GET /api/v1/namespaces/default/configmaps"


class LoopClock:
    def monotonic(self):
        return asyncio.get_running_loop().time()


class Bench:
    """Objects followed at a fake server."""

    def __init__(self, api=None, **more):
        self.api = api or fakeapi.FakeApi()
        self.told = []
        self.news = asyncio.Event()
        self.objects = apiobjects.ApiObjects(
            self.api,
            clock=LoopClock(),
            random=lambda: 0.5,
            changed=self._changed,
            pause=asyncio.sleep,
            **more,
        )

    def _changed(self, key):
        self.told.append(str(key))
        self.news.set()

    async def until(self, look, deadline_s=1000):
        async with asyncio.timeout(deadline_s):
            while not look():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def serving(bench=None):
    bench = bench or Bench()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.objects.run())
        yield bench
        task.cancel()


def using(*names, kind="configMap", name="web"):
    field = "name" if kind == "configMap" else "secretName"
    volumes = [{"name": one, kind: {field: one}} for one in names]
    return content.pod(volumes=volumes, name=name, uid=f"uid-of-{name}")


WEB = using("colours")
REF = content.ref(content.CONFIG_MAP, "colours")


def sky(colour):
    return {"data": {"sky": colour}}


def answer(bench, pod=WEB, ref=REF):
    return bench.objects.of(pod).answers[ref]


def has(bench, colour, pod=WEB, ref=REF):
    return lambda: answer(bench, pod, ref) == held.Held(data={"sky": colour.encode()})


async def test_what_a_pod_refers_to_is_unanswered_then_known_then_kept_up_to_date():
    async with serving() as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.objects.want([WEB])
        assert bench.objects.of(WEB).pending
        await bench.until(has(bench, "blue"))
        assert bench.told == ["default/web"]
        await asyncio.sleep(1)
        bench.api.change(COLOURS, sky("grey"))
        await bench.until(has(bench, "grey"), deadline_s=1)
        bench.api.remove(COLOURS)
        await bench.until(lambda: answer(bench) == held.Absent(), deadline_s=1)


async def test_what_is_not_there_is_known_to_be_absent_and_seen_at_once_when_it_comes():
    async with serving() as bench:
        bench.objects.want([WEB])
        await bench.until(lambda: answer(bench) == held.Absent())
        await asyncio.sleep(400)
        bench.api.make(COLOURS, sky("blue"))
        await bench.until(has(bench, "blue"), deadline_s=1)


async def test_an_object_is_followed_once_for_all_its_pods_and_all_are_told():
    other = using("colours", name="other")
    async with serving() as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.objects.want([WEB, other])
        await bench.until(lambda: len(bench.told) == 2)
        assert sorted(bench.told) == ["default/other", "default/web"]
        assert bench.api.calls.count(LIST_COLOURS) == 1


async def test_what_is_the_same_again_is_told_to_nobody():
    async with serving() as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.objects.want([WEB])
        await bench.until(has(bench, "blue"))
        bench.told.clear()
        await asyncio.sleep(1)
        bench.api.change(COLOURS, {"metadata": {"labels": {"a": "b"}}})
        await asyncio.sleep(4000)  # streams ended and were begun anew meanwhile
        assert bench.told == []


async def test_what_nobody_refers_to_any_more_is_forgotten_and_not_asked_for():
    async with serving() as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.objects.want([WEB])
        await bench.until(has(bench, "blue"))
        bench.objects.want([])
        assert answer(bench) == held.Unanswered(
            why="the API server does not want the pod here any more"
        )
        await asyncio.sleep(1)
        bench.api.calls.clear()
        await asyncio.sleep(4000)
        assert bench.api.calls == []


async def test_what_is_immutable_is_asked_for_once():
    async with serving() as bench:
        bench.api.make(COLOURS, sky("blue") | {"immutable": True})
        bench.objects.want([WEB])
        await bench.until(lambda: isinstance(answer(bench), held.Held))
        await asyncio.sleep(4000)
        assert bench.api.calls == [LIST_COLOURS]


async def test_beyond_so_many_watches_objects_are_asked_for_from_time_to_time():
    both = using("colours", "shapes")
    shapes = "/api/v1/namespaces/default/configmaps/shapes"
    async with serving(Bench(most_watched=1)) as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.api.make(shapes, sky("green"))
        bench.objects.want([both])
        await bench.until(lambda: not bench.objects.of(both).pending)
        await asyncio.sleep(1)
        assert sum(call.startswith("WATCH") for call in bench.api.calls) == 1
        bench.api.change(COLOURS, sky("grey"))
        bench.api.change(shapes, sky("red"))
        ref = content.ref(content.CONFIG_MAP, "shapes")
        await bench.until(has(bench, "red", both, ref), deadline_s=61)
        await bench.until(has(bench, "grey", both), deadline_s=61)


async def test_a_pod_that_comes_to_refer_to_what_is_not_watched_gets_it_as_it_is_now():
    other = using("colours", name="other")
    async with serving(Bench(most_watched=0)) as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.objects.want([WEB])
        await bench.until(has(bench, "blue"))
        await asyncio.sleep(1)
        bench.api.change(COLOURS, sky("grey"))
        bench.objects.want([WEB, other])
        assert bench.objects.of(other).pending
        assert has(bench, "blue")()
        await bench.until(has(bench, "grey", other), deadline_s=1)
        bench.told.clear()
        await asyncio.sleep(1)
        bench.objects.want([WEB])
        bench.objects.want([WEB, other])
        await bench.until(lambda: "default/other" in bench.told, deadline_s=1)
        assert has(bench, "grey", other)()


async def test_a_pod_that_comes_while_the_server_is_away_gets_what_is_known():
    other = using("colours", name="other")
    async with serving(Bench(most_watched=0)) as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.objects.want([WEB])
        await bench.until(has(bench, "blue"))
        await asyncio.sleep(1)
        bench.api.trouble = lambda method, path: port.Unreachable("it is away")
        bench.objects.want([WEB, other])
        await bench.until(has(bench, "blue", other), deadline_s=1)


async def test_what_is_absent_and_not_watched_is_asked_for_soon_and_then_more_rarely():
    async with serving(Bench(most_watched=0)) as bench:
        bench.objects.want([WEB])
        await asyncio.sleep(10)
        assert len(bench.api.calls) > 3
        bench.api.calls.clear()
        await asyncio.sleep(3600)
        assert len(bench.api.calls) < 200
        bench.api.make(COLOURS, sky("blue"))
        await bench.until(has(bench, "blue"), deadline_s=60)


async def test_only_so_many_requests_are_made_at_once():
    names = [f"c{number}" for number in range(30)]
    running = most = 0

    class Counting(fakeapi.FakeApi):
        async def ask(self, *arguments, **more):
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return await super().ask(*arguments, **more)
            finally:
                running -= 1

    pod = using(*names)
    async with serving(Bench(Counting())) as bench:
        bench.objects.want([pod])
        await bench.until(lambda: not bench.objects.of(pod).pending)
    assert most == apiobjects.AT_ONCE


async def test_while_the_server_is_away_it_says_so_once_and_what_is_known_stays():
    async with serving() as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.objects.want([WEB])
        await bench.until(has(bench, "blue"))
        bench.api.trouble = lambda method, path: port.Unreachable("it is away")
        both = using("colours", "shapes")
        bench.objects.want([both])
        ref = content.ref(content.CONFIG_MAP, "shapes")
        await bench.until(lambda: answer(bench, both, ref) == held.Unanswered(why="it is away"))
        bench.told.clear()
        await asyncio.sleep(3000)
        assert bench.told == []
        assert has(bench, "blue", both)()
        bench.api.trouble = lambda method, path: None
        await bench.until(lambda: answer(bench, both, ref) == held.Absent(), deadline_s=31)


async def test_calls_to_a_server_that_refuses_become_rare():
    async with serving() as bench:
        bench.api.trouble = lambda method, path: fakeapi.refused(500, "broken")
        bench.objects.want([WEB])
        await asyncio.sleep(600)
        assert answer(bench) == held.Unanswered(why="broken")
        assert len(bench.api.calls) < 50


async def test_that_a_node_has_no_right_is_not_believed_at_once():
    denials = iter(range(2))

    def trouble(method, path):
        return fakeapi.refused(403, "no relationship") if next(denials, None) is not None else None

    async with serving() as bench:
        bench.api.make(COLOURS, sky("blue"))
        bench.api.trouble = trouble
        bench.objects.want([WEB])
        await bench.until(has(bench, "blue"), deadline_s=5)
        assert bench.told == ["default/web"]


async def test_that_a_node_has_no_right_is_said_when_it_lasts():
    async with serving() as bench:
        bench.api.trouble = lambda method, path: fakeapi.refused(403, "no relationship")
        bench.objects.want([WEB])
        assert bench.objects.of(WEB).pending
        await bench.until(lambda: answer(bench) == held.Unanswered(why="no relationship"))


async def test_what_cannot_be_read_is_said_without_being_quoted(caplog):
    pod = using("keys", kind="secret")
    ref = content.ref(content.SECRET, "keys")
    async with serving() as bench:
        bench.api.make(KEYS, {"data": {"door": "s3cr3t?"}})
        bench.objects.want([pod])
        await bench.until(lambda: not bench.objects.of(pod).pending)
        why = answer(bench, pod, ref).why
        assert why == "https://fake: sends secret default/keys, and data.door is not base64"
    assert "s3cr3t" not in caplog.text


TOKEN = {"serviceAccountToken": {"path": "token", "expirationSeconds": 1000, "audience": "me"}}
ROBOT = content.pod(
    name="web",
    serviceAccountName="robot",
    volumes=[{"name": "t", "projected": {"sources": [TOKEN]}}],
)


class Tokens(fakeapi.FakeApi):
    """Makes tokens, each with its number."""

    def __init__(self):
        super().__init__()
        self.made = 0

    async def ask(self, method, path, body=None, **more):
        if not path.endswith("/token"):
            return await super().ask(method, path, body, **more)
        self.calls.append(f"{method} {path}")
        self.bodies.append(body)
        if fault := self.trouble(method, path):
            raise fault
        self.made += 1
        return {"spec": body["spec"], "status": {"token": f"token {self.made}"}}


ROBOT_REFERENCES = references.of(ROBOT)


def token_of(bench):
    answers = bench.objects.of(ROBOT).answers
    (found,) = [answers[ref] for ref in answers if isinstance(ref, held.TokenRef)]
    return found


async def test_a_token_is_bound_to_its_pod_and_renewed_long_before_it_ends():
    async with serving(Bench(Tokens())) as bench:
        bench.objects.want([ROBOT])
        await bench.until(lambda: token_of(bench) == held.Held(data={"token": b"token 1"}))
        place = bench.api.calls.index(
            "POST /api/v1/namespaces/default/serviceaccounts/robot/token"
        )
        assert bench.api.bodies[place]["spec"] == {
            "audiences": ["me"],
            "expirationSeconds": 1000,
            "boundObjectRef": {
                "kind": "Pod",
                "apiVersion": "v1",
                "name": "web",
                "uid": wantedpods.UID,
            },
        }
        await asyncio.sleep(700)
        assert bench.api.made == 1
        await asyncio.sleep(100)
        assert token_of(bench) == held.Held(data={"token": b"token 2"})


async def test_a_token_that_cannot_be_renewed_stays_until_it_can():
    async with serving(Bench(Tokens())) as bench:
        bench.objects.want([ROBOT])
        await bench.until(lambda: bench.api.made == 1)
        bench.api.trouble = lambda method, path: port.Unreachable("it is away")
        await asyncio.sleep(2000)
        assert token_of(bench) == held.Held(data={"token": b"token 1"})
        bench.api.trouble = lambda method, path: None
        await asyncio.sleep(31)
        assert token_of(bench) == held.Held(data={"token": b"token 2"})


@pytest.mark.parametrize(
    ("lifetime_s", "chance", "expected"),
    [(1000, 0, 800), (1000, 1, 720), (10**6, 0, 86400), (1, 0, 10)],
)
def test_tokens_are_renewed_after_four_fifths_of_their_life_or_a_day(lifetime_s, chance, expected):
    assert apitokens.renew_in_s(lifetime_s, chance) == pytest.approx(expected)


def test_a_secret_is_read_from_base64_and_a_config_map_has_text_and_bytes():
    coded = base64.b64encode(b"\xff\0").decode()
    secret = apicontent.read(content.SECRET, {"data": {"k": coded}, "type": "t"})
    assert secret == held.Held(data={"k": b"\xff\0"}, type="t")
    both = {"data": {"a": "ä"}, "binaryData": {"b": coded}, "immutable": True}
    assert apicontent.read(content.CONFIG_MAP, both) == held.Held(
        data={"a": "ä".encode()}, binary={"b": b"\xff\0"}, immutable=True
    )
    assert apicontent.read(content.SECRET, {}) == held.Held()


SERVICE = {
    "metadata": {"name": "kubernetes"},
    "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443}]},
}


def test_a_service_is_read_as_the_variables_that_tell_of_it():
    found = apicontent.read(content.SERVICE, SERVICE)
    assert {name: text.decode() for name, text in found.data.items()} == {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
    }


@pytest.mark.parametrize("spec", [{}, {"clusterIP": "None", "ports": [{"port": 1}]}, None])
def test_a_service_without_an_address_tells_nothing(spec):
    assert apicontent.read(content.SERVICE, SERVICE | {"spec": spec}) == held.Held()


def test_a_text_that_is_no_unicode_is_refused_without_being_quoted():
    with pytest.raises(apicontent.NotReadable, match="no Unicode") as caught:
        apicontent.read(content.CONFIG_MAP, {"data": {"a": "s3cr3t\ud800"}})
    assert "s3cr3t" not in repr(caught.value.__context__)


async def test_the_service_of_the_api_server_is_asked_for_seldom_and_never_watched():
    async with serving(Bench(Tokens())) as bench:
        bench.objects.want([ROBOT])
        await bench.until(lambda: not bench.objects.of(ROBOT).pending)
        await asyncio.sleep(3600)
        asked = [call for call in bench.api.calls if call.endswith("/services")]
        assert 5 < len(asked) < 15
        assert not any(call.startswith("WATCH") for call in asked)


def test_the_only_service_that_is_followed_is_the_api_servers_for_pods_with_a_token():
    assert held.SERVER in ROBOT_REFERENCES
    assert held.SERVER not in references.of(WEB)


@pytest.mark.parametrize(
    "thing", [{"data": ["a"]}, {"data": {"a": 1}}, {"data": {"a": "!"}}, {"data": {"a/b": ""}}]
)
def test_what_is_no_secret_is_not_readable(thing):
    with pytest.raises(apicontent.NotReadable):
        apicontent.read(content.SECRET, thing)
