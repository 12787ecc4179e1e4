"""The connection to an API server: against the embedded one, behind a bad network, and liars."""

from __future__ import annotations

import asyncio
import logging
import time
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from staticlet.aio import clock as clocks
from staticlet.client import connection, port
from staticlet.host import certs, signing, x509
from staticlet.testing import apiloop, apiserver, badproxy, fakes, kubeconfigs, lyingserver

DEFAULT = "/api/v1/namespaces/default"
MAPS = f"{DEFAULT}/configmaps"
SHORT_S = 0.4


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A server, a proxy before it, and a connection through it."""

    place: Path
    proxy: badproxy.BadProxy
    api: connection.Connection

    @property
    def authority(self) -> str:
        return str(certs.Places(self.place / "api").ca)

    def write(self, **user: Any) -> Path:
        """The kubeconfig anew, with another user."""
        cluster = {"certificate-authority": self.authority}
        return kubeconfigs.write(self.place, self.proxy.url, cluster=cluster, user=user)


@asynccontextmanager
async def connected(path: Path, **given: Any) -> AsyncIterator[connection.Connection]:
    api = connection.Connection(path, **({"clock": clocks.SystemClock()} | given))
    async with aclosing(api):
        yield api


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with apiloop.serving(tmp_path) as server:
        url = urllib.parse.urlsplit(server.url)
        assert url.hostname
        assert url.port
        async with (
            badproxy.before(url.hostname, url.port) as proxy,
            connected(tmp_path / "kubeconfig") as api,
        ):
            made = Scene(place=tmp_path, proxy=proxy, api=api)
            made.write(token=apiserver.TOKENS["admin"])
            yield made


async def fault_of(api: connection.Connection, path: str = DEFAULT, **given: Any) -> port.ApiFault:
    with pytest.raises(port.ApiFault) as raised:
        await api.ask("GET", path, **given)
    return raised.value


async def test_a_token_and_a_ca_file_are_enough(scene: Scene) -> None:
    found = await scene.api.ask("GET", DEFAULT)
    assert found["metadata"]["name"] == "default"
    assert scene.api.answering
    assert scene.api.server == scene.proxy.url


async def test_a_client_certificate_from_the_kubeconfig_is_shown(tmp_path: Path) -> None:
    node_conf = certs.Places(tmp_path / "api").node_conf
    async with apiloop.serving(tmp_path), connected(node_conf) as api:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        who = await api.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
        assert who["status"]["userInfo"]["username"] == f"system:node:{apiserver.NODE}"


async def test_objects_are_made_patched_and_deleted(scene: Scene) -> None:
    made = await scene.api.ask("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a": "1"}})
    assert made["data"] == {"a": "1"}
    patch = {"data": {"b": "2"}}
    patched = await scene.api.ask("PATCH", f"{MAPS}/m", patch, media=port.MERGE_PATCH)
    assert patched["data"] == {"a": "1", "b": "2"}
    await scene.api.ask("DELETE", f"{MAPS}/m")
    fault = await fault_of(scene.api, f"{MAPS}/m")
    assert isinstance(fault, port.Refused)
    assert (fault.code, fault.reason) == (404, "NotFound")
    assert str(fault) == 'configmaps "m" not found'
    assert not fault.passing


async def test_a_big_object_is_sent_whole(scene: Scene) -> None:
    data = {"big": "x" * 1_000_000}
    await scene.api.ask("POST", MAPS, {"metadata": {"name": "m"}, "data": data})
    assert (await scene.api.ask("GET", f"{MAPS}/m"))["data"] == data


async def test_queries_arrive_as_they_were_meant(scene: Scene) -> None:
    labels = {"app": "a", "tier": "b"}
    await scene.api.ask("POST", MAPS, {"metadata": {"name": "m", "labels": labels}})
    query = {"labelSelector": "app=a,tier in (b, c)", "fieldSelector": "metadata.name=m"}
    found = await scene.api.ask("GET", MAPS, query=query)
    assert [one["metadata"]["name"] for one in found["items"]] == ["m"]


async def test_connections_are_used_again(scene: Scene) -> None:
    for _ in range(10):
        await scene.api.ask("GET", DEFAULT)
    assert scene.proxy.accepted == 1


async def test_so_many_requests_at_once_and_no_more(scene: Scene) -> None:
    scene.proxy.delay_s = 0.02
    await asyncio.gather(*(scene.api.ask("GET", DEFAULT) for _ in range(30)))
    assert scene.proxy.accepted <= connection.AT_ONCE


async def test_a_server_that_is_gone_refuses_the_connection(scene: Scene) -> None:
    await scene.api.ask("GET", DEFAULT)
    await scene.proxy.refuse()
    fault = await fault_of(scene.api)
    if "refused" not in str(fault):  # the request went out on the connection that was just cut
        fault = await fault_of(scene.api)
    assert isinstance(fault, port.Unreachable)
    assert str(fault) == f"{scene.proxy.url}: connection refused"
    await scene.proxy.listen()
    await scene.api.ask("GET", DEFAULT)


async def test_dropped_packets_cost_a_request_its_deadline_and_no_more(scene: Scene) -> None:
    await scene.api.ask("GET", DEFAULT)
    scene.proxy.swallow()
    began = time.monotonic()
    fault = await fault_of(scene.api, deadline_s=SHORT_S)
    assert time.monotonic() - began < SHORT_S + 1
    assert str(fault) == f"{scene.proxy.url}: no answer within 0.4 s"
    again = await fault_of(scene.api, deadline_s=SHORT_S)  # now it is the handshake that hangs
    assert str(again) == str(fault)


async def test_after_one_unanswered_request_the_next_has_a_new_connection(scene: Scene) -> None:
    """A pooled connection to a vanished peer costs one request, not each."""
    await asyncio.gather(*(scene.api.ask("GET", DEFAULT) for _ in range(4)))
    scene.proxy.swallow()
    stood = scene.proxy.accepted
    await fault_of(scene.api, deadline_s=SHORT_S)
    scene.proxy.cut()
    scene.proxy.pass_on()
    began = time.monotonic()
    await scene.api.ask("GET", DEFAULT)
    assert time.monotonic() - began < 5
    assert scene.proxy.accepted == stood + 1


async def test_a_timeout_does_not_disturb_a_watch(scene: Scene) -> None:
    listed = await scene.api.ask("GET", MAPS)
    query = {"resourceVersion": listed["metadata"]["resourceVersion"]}
    async with aclosing(scene.api.watch(MAPS, query=query, silence_s=20)) as events:
        first = asyncio.ensure_future(anext(events))  # noqa: TID251  the test owns it
        await asyncio.sleep(0.3)
        scene.proxy.delay_s = 1.0
        await fault_of(scene.api, deadline_s=0.2)
        scene.proxy.delay_s = 0.0
        await scene.api.ask("POST", MAPS, {"metadata": {"name": "m"}})
        event = await first
        assert (event.type, event.object["metadata"]["name"]) == ("ADDED", "m")


async def test_an_answer_that_comes_slowly_is_cut_off_at_the_deadline(scene: Scene) -> None:
    await scene.api.ask("POST", MAPS, {"metadata": {"name": "m"}, "data": {"x": "y" * 900_000}})
    scene.proxy.bytes_per_s = 20_000
    began = time.monotonic()
    fault = await fault_of(scene.api, f"{MAPS}/m", deadline_s=SHORT_S)
    assert "no answer within" in str(fault)
    assert time.monotonic() - began < SHORT_S + 1


async def test_an_answer_that_is_cut_is_no_answer(scene: Scene) -> None:
    await scene.api.ask("POST", MAPS, {"metadata": {"name": "m"}, "data": {"x": "y" * 900_000}})
    scene.proxy.cut_after(200_000)
    fault = await fault_of(scene.api, f"{MAPS}/m")
    assert isinstance(fault, port.Unreachable)
    assert "cut" in str(fault)


async def test_a_stranger_s_certificate_is_not_believed(scene: Scene, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with apiloop.serving(other):
        cluster = {"certificate-authority": str(certs.Places(other / "api").ca)}
        path = kubeconfigs.write(other, scene.proxy.url, cluster=cluster)
        async with connected(path) as api:
            fault = await fault_of(api)
    words = "certificate is not signed by the kubeconfig's CA"
    assert str(fault) == f"{scene.proxy.url}: {words}"


async def test_a_certificate_for_another_name_is_not_believed(scene: Scene) -> None:
    names = {"certificate-authority": scene.authority, "tls-server-name": "elsewhere.example"}
    path = kubeconfigs.write(scene.place, scene.proxy.url, cluster=names)
    async with connected(path) as api:
        assert "certificate is for another name" in str(await fault_of(api))


async def test_the_name_of_the_certificate_may_be_given(scene: Scene) -> None:
    names = {"certificate-authority": scene.authority, "tls-server-name": "kubernetes.default"}
    user = {"token": apiserver.TOKENS["admin"]}
    path = kubeconfigs.write(scene.place, scene.proxy.url, cluster=names, user=user)
    async with connected(path) as api:
        await api.ask("GET", DEFAULT)


async def test_insecure_believes_any_certificate(scene: Scene) -> None:
    user = {"token": apiserver.TOKENS["admin"]}
    loose = {"insecure-skip-tls-verify": True}
    path = kubeconfigs.write(scene.place, scene.proxy.url, cluster=loose, user=user)
    async with connected(path) as api:
        await api.ask("GET", DEFAULT)


async def test_plain_http_to_a_tls_port_is_told_in_words(scene: Scene) -> None:
    path = kubeconfigs.write(scene.place, scene.proxy.url.replace("https", "http"))
    async with connected(path) as api:
        fault = await fault_of(api)
        assert isinstance(fault, port.Unreachable)
        assert str(fault).endswith("should its URL begin with https://?")


async def test_plain_http_to_a_tls_port_that_answers_is_told_in_words(tmp_path: Path) -> None:
    """As programs in Go do."""
    said = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    async with (
        lyingserver.telling(said) as liar,
        connected(kubeconfigs.write(tmp_path, liar.url)) as api,
    ):
        fault = await fault_of(api)
    assert isinstance(fault, port.Refused)
    assert str(fault).endswith("should its URL begin with https://?")


async def test_tls_to_a_plain_http_port_is_told_in_words(tmp_path: Path) -> None:
    async with lyingserver.telling(lyingserver.said({})) as liar:
        path = kubeconfigs.write(tmp_path, liar.url.replace("http", "https"))
        async with connected(path) as api:
            fault = await fault_of(api, deadline_s=SHORT_S)
    assert isinstance(fault, port.Unreachable)


async def test_credentials_that_are_not_accepted_are_named(scene: Scene) -> None:
    path = scene.write(token="wrong")
    fault = await fault_of(scene.api)
    assert isinstance(fault, port.Refused)
    assert fault.code == 401
    assert str(fault) == f"401 Unauthorized: the credentials in {path} are not accepted"
    assert not scene.api.answering


async def test_a_client_certificate_that_has_ended_is_told_whatever_the_server_says(
    scene: Scene,
) -> None:
    """The embedded server cuts the connection, a kube-apiserver answers 401."""
    places = certs.Places(scene.place / "api")
    signer = signing.Authority(
        certificate=x509.Certificate.read(places.ca.read_bytes()),
        key=x509.Key.read(places.ca_key.read_bytes()),
    )
    key, long_ago = x509.Key.new(), clocks.SystemClock().now() - timedelta(days=800)
    ended = signer.client(x509.Subject(name="ann"), key, long_ago)
    (scene.place / "both.pem").write_bytes(ended.pem + key.pem)
    both = str(scene.place / "both.pem")
    path = scene.write(**{"client-certificate": both, "client-key": both})
    when = f"ended on {ended.ends:%Y-%m-%d %H:%M} UTC"
    fault = await fault_of(scene.api)
    assert str(fault).endswith(f"takes no client certificate that {when}: renew that of {path}")


async def test_a_token_file_that_rotated_is_read_again_on_a_401(scene: Scene) -> None:
    token = scene.place / "token"
    token.write_text("wrong\n")
    scene.write(tokenFile="token")
    assert isinstance(await fault_of(scene.api), port.Refused)
    await asyncio.sleep(1.1)  # files are not read again at each 401
    token.write_text(apiserver.TOKENS["admin"] + "\n")
    await scene.api.ask("GET", DEFAULT)


async def test_another_ca_in_the_kubeconfig_is_taken_up(scene: Scene) -> None:
    clock = fakes.ManualClock()
    path = scene.place / "kubeconfig"
    good = path.read_bytes()
    async with connected(path, clock=clock) as api:
        await api.ask("GET", DEFAULT)
        kubeconfigs.write(scene.place, "https://127.0.0.1:1")
        clock.advance(6)
        assert "connection refused" in str(await fault_of(api))
        path.write_bytes(good)
        clock.advance(6)
        await api.ask("GET", DEFAULT)


async def test_a_kubeconfig_that_is_spoiled_does_not_undo_what_was_good(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    clock = fakes.ManualClock()
    path = scene.place / "kubeconfig"
    async with connected(path, clock=clock) as api:
        await api.ask("GET", DEFAULT)
        path.write_text("kind: Config\nclusters: [")
        for _ in range(5):
            clock.advance(6)
            await api.ask("GET", DEFAULT)
    spoiled = [line for line in caplog.messages if "going on with what was there before" in line]
    assert len(spoiled) == 1


async def test_a_kubeconfig_that_comes_later_is_taken_up(scene: Scene) -> None:
    clock = fakes.ManualClock()
    path = scene.place / "later"
    async with connected(path, clock=clock) as api:
        assert str(await fault_of(api)) == f"{path}: no such file or directory"
        path.write_bytes((scene.place / "kubeconfig").read_bytes())
        clock.advance(6)
        await api.ask("GET", DEFAULT)


async def test_the_log_tells_once_that_it_is_lost_and_once_that_it_is_back(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "staticlet.client")
    await scene.proxy.refuse()
    for _ in range(20):
        await fault_of(scene.api)
    await scene.proxy.listen()
    for _ in range(3):
        await scene.api.ask("GET", DEFAULT)
    lost, back = caplog.messages
    assert lost == f"API server: {scene.proxy.url}: connection refused"
    assert back.startswith("API server: works again after 0.")


async def test_a_pause_ends_when_a_lost_server_answers_somebody(scene: Scene) -> None:
    await scene.proxy.refuse()
    await fault_of(scene.api)
    await scene.proxy.listen()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(scene.api.pause(60), name="pause")
        group.create_task(scene.api.ask("GET", DEFAULT), name="ask")


async def test_a_watch_tells_what_happens(scene: Scene) -> None:
    listed = await scene.api.ask("GET", MAPS)
    await scene.api.ask("POST", MAPS, {"metadata": {"name": "m"}})
    await scene.api.ask("DELETE", f"{MAPS}/m")
    query = {"resourceVersion": listed["metadata"]["resourceVersion"], "timeoutSeconds": "1"}
    stream = scene.api.watch(MAPS, query=query, silence_s=20)
    events = [event async for event in stream]
    assert [event.type for event in events] == ["ADDED", "DELETED", "BOOKMARK"]


async def test_a_watch_from_too_long_ago_is_refused_as_gone(tmp_path: Path) -> None:
    gone = {
        "type": "ERROR",
        "object": {
            "kind": "Status",
            "code": 410,
            "reason": "Expired",
            "message": "too old resource version",
        },
    }
    async with (
        lyingserver.telling(lyingserver.stream(gone)) as liar,
        connected(kubeconfigs.write(tmp_path, liar.url)) as api,
    ):
        with pytest.raises(port.Refused) as raised:
            await anext(api.watch(MAPS, query={}, silence_s=5))
    assert (raised.value.code, raised.value.reason) == (410, "Expired")
    assert "GET /api/v1/namespaces/default/configmaps?" in liar.requests[0]
    assert "watch=1" in liar.requests[0]


async def test_a_silent_watch_is_taken_for_dead(scene: Scene) -> None:
    listed = await scene.api.ask("GET", MAPS)
    query = {"resourceVersion": listed["metadata"]["resourceVersion"]}
    stream = scene.api.watch(MAPS, query=query, silence_s=SHORT_S)
    with pytest.raises(port.Unreachable, match=r"a watch was silent for 0\.4 s"):
        async for _ in stream:
            pass


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lyingserver.stream({"type": "ADDED"}), "no event"),
        (lyingserver.stream({"type": "ADDED", "object": {}}), "without an object"),
        (lyingserver.stream({"type": "NEWS", "object": {"metadata": {}}}), "a type"),
        (lyingserver.stream(b"nonsense\n"), "no event"),
        (lyingserver.stream(b'{"type": "ADDED", "obj'), "in the middle of an event"),
        (lyingserver.stream(b"x" * 5000), "a line without end"),
        (lyingserver.stream(b" ", ends=False), "cut its answer short"),
        (lyingserver.said(b"<html>", media="text/html"), "an HTML page"),
        (lyingserver.said({}), "in the middle of an event"),
        (b"nonsense\r\n\r\n", "not answer as HTTP has it"),
        (b"", "closed the connection"),
    ],
)
async def test_a_lying_watch_is_a_fault_in_words(
    tmp_path: Path, answer: bytes, words: str
) -> None:
    async with lyingserver.telling(answer) as liar:
        path = kubeconfigs.write(tmp_path, liar.url)
        async with connected(path, most_line_bytes=1000) as api:
            with pytest.raises(port.Unreachable, match=words):
                async for _ in api.watch(MAPS, query={}, silence_s=2):
                    pass


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lyingserver.said(b"<html>login</html>", media="text/html"), "an HTML page"),
        (lyingserver.said(b"{", media="application/json"), "JSON that is broken"),
        (lyingserver.said(b"[1]"), "no object"),
        (lyingserver.said(b"[" * 100_000), "broken"),
        (lyingserver.said(b"\xff\xfe"), "broken"),
        (lyingserver.said(b"ok", media="text/plain"), "text/plain, not with JSON"),
        (lyingserver.said({"a": "x" * 9999}), "more than 0 MiB"),
        (lyingserver.said({}, headers="Content-Encoding: gzip\r\n"), "compresses"),
        (lyingserver.said({})[:-1], "cut its answer short"),
        (
            lyingserver.said(status="302 Found", headers="Location: https://a:b@login/?t=s\r\n"),
            r"redirects \(302\) to login",
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "101"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not answer as HTTP has it"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "not answer as HTTP has it"),
        (b"", "closed the connection without an answer"),
    ],
)
async def test_a_lie_is_a_fault_in_words(tmp_path: Path, answer: bytes, words: str) -> None:
    async with lyingserver.telling(answer) as liar:
        path = kubeconfigs.write(tmp_path, liar.url)
        async with connected(path, most_bytes=8000 if b"xxx" in answer else 10**6) as api:
            with pytest.raises(port.Unreachable, match=words):
                await api.ask("GET", DEFAULT, deadline_s=3)


async def test_a_secret_of_a_redirect_is_not_told(tmp_path: Path) -> None:
    away = lyingserver.said(status="302 Found", headers="Location: https://me:pw@h/?token=t\r\n")
    async with (
        lyingserver.telling(away) as liar,
        connected(kubeconfigs.write(tmp_path, liar.url)) as api,
    ):
        words = str(await fault_of(api))
    assert "pw" not in words
    assert "token" not in words


async def test_a_name_that_there_is_not_is_a_fault_in_words(tmp_path: Path) -> None:
    async with connected(kubeconfigs.write(tmp_path, "http://no-such-host.invalid:1")) as api:
        fault = await fault_of(api, deadline_s=3)
    assert isinstance(fault, port.Unreachable)
    assert str(fault).startswith("http://no-such-host.invalid:1: ")


async def test_a_closed_connection_asks_nobody(scene: Scene) -> None:
    await scene.api.ask("GET", DEFAULT)
    await scene.api.aclose()
    assert "is closed" in str(await fault_of(scene.api))


async def test_a_client_certificate_that_rotated_is_shown_and_watches_go_on(
    tmp_path: Path,
) -> None:
    clock = fakes.ManualClock()
    path = tmp_path / "kubeconfig"
    places = certs.Places(tmp_path / "api")
    async with apiloop.serving(tmp_path), connected(path, clock=clock) as api:
        path.write_bytes(places.admin_conf.read_bytes())
        listed = await api.ask("GET", MAPS)
        query = {"resourceVersion": listed["metadata"]["resourceVersion"]}
        async with aclosing(api.watch(MAPS, query=query, silence_s=20)) as events:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(anext(events), name="first event")
                await api.ask("POST", MAPS, {"metadata": {"name": "a"}})
                assert (await first).object["metadata"]["name"] == "a"
            path.write_bytes(places.node_conf.read_bytes())
            clock.advance(6)
            fault = await fault_of(api, "/api/v1/namespaces/kube-system/secrets")
            assert f"system:node:{apiserver.NODE}" in str(fault)
            path.write_bytes(places.admin_conf.read_bytes())
            clock.advance(6)
            await api.ask("POST", MAPS, {"metadata": {"name": "b"}})
            assert (await anext(events)).object["metadata"]["name"] == "b"
