"""The kubelet's API over TLS, for an agent with one pod: who gets what, and its logs."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from staticlet.host import selfsigned, signing, x509
from staticlet.testing import kubeletserved, kubeletview, ports
from staticlet.testing.kubeletserved import LOG, NOW, Kubelet, Reviews

DEADLINE_S = 20.0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A certificate for all of these: making one takes a moment."""
    places = selfsigned.Places(tmp_path_factory.mktemp("pki"))
    selfsigned.write(places, kubeletserved.MADE_FOR, NOW())
    return places


@pytest.fixture
def kubelet(tmp_path, made):
    return Kubelet(tmp_path, made)


@pytest.fixture
async def served(kubelet):
    async with kubelet.serving(api=Reviews()):
        yield kubelet


EVERY = (
    "/",
    "/healthz",
    "/configz",
    "/pods",
    "/runningpods/",
    "/metrics",
    "/containerLogs/default/web-node1/main",
    "/nowhere",
    "/../pods",
    "//pods",
    "/%2e%2e/pods",
    "/pods%2f..%2fhealthz",
)


@pytest.mark.parametrize("path", EVERY)
async def test_who_shows_nothing_gets_nothing(served, path):
    for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
        status, text = await served.ask(path, method=method)
        assert (status, text) == (401, "" if method == "HEAD" else "Unauthorized")


async def test_a_certificate_of_the_client_ca_is_believed(served):
    assert await served.ask("/pods", trust=served.trusting(name="api")) != (401, "Unauthorized")
    status, text = await served.ask("/pods", trust=served.trusting("some", name="other"))
    assert status == 403
    assert text == (
        "Forbidden (user=other, verb=get, resource=nodes, subresource(s)=[pods proxy])\n"
    )


async def test_a_certificate_of_another_ca_does_not_get_through_the_handshake(served):
    other = signing.Authority.new(x509.Key.new(), name="ca", now=NOW())
    trust = served.trusting("system:masters", name="api", ca=other)
    with pytest.raises(aiohttp.ClientError):
        await served.ask("/healthz", trust=trust)


async def test_a_token_that_the_api_server_knows_is_believed(served):
    assert await served.ask("/healthz", token="good") == (200, "ok")
    assert await served.ask("/healthz", token="bad") == (401, "Unauthorized")


async def test_standalone_nobody_may_anything(tmp_path, made):
    alone = Kubelet(tmp_path, made, client_ca_file=None)
    async with alone.serving():
        assert (await alone.ask("/pods"))[0] == 401
        assert (await alone.ask("/pods", token="good"))[0] == 401
        assert (await alone.ask("/pods", trust=alone.trusting(name="api")))[0] == 401


async def test_standalone_with_a_client_ca_those_it_knows_are_refused_by_name(kubelet):
    async with kubelet.serving():
        assert (await kubelet.ask("/pods", trust=kubelet.trusting(name="api")))[0] == 403


async def test_the_configuration_is_shown_as_it_holds(served):
    status, text = await served.ask("/configz", token="good")
    shown = json.loads(text)["kubeletconfig"]
    assert status == 200
    assert (shown["kind"], shown["port"]) == ("KubeletConfiguration", served.settings.port)


async def test_pods_are_shown_with_status_uid_and_annotations_but_those_that_go(served):
    served.view.shown.append(kubeletview.pod("gone-node1", deleted=True))
    served.view.shown.append(kubeletview.pod("api-pod", source="api", deleted=True))
    status, text = await served.ask("/pods", token="good")
    shown = json.loads(text)
    assert (status, shown["kind"]) == (200, "PodList")
    assert [one["metadata"]["name"] for one in shown["items"]] == ["web-node1", "api-pod"]
    assert shown["items"][0]["metadata"]["uid"] == "u1"
    assert shown["items"][0]["status"]["phase"] == "Running"
    status, text = await served.ask("/runningpods/", token="good")
    assert len(json.loads(text)["items"]) == 3


async def test_metrics_count_pods_and_containers(served):
    status, text = await served.ask("/metrics", token="good")
    assert status == 200
    assert 'kubelet_desired_pods{static="true"} 1\n' in text
    assert 'kubelet_running_containers{container_state="running"} 1\n' in text
    assert "kubelet_running_pods 1\n" in text


async def test_health_names_the_check_that_fails(served):
    assert await served.ask("/healthz/syncloop", token="good") == (200, "ok")
    assert (await served.ask("/healthz", token="good", method="HEAD"))[0] == 200
    served.wrong = "it stands still"
    status, text = await served.ask("/healthz", token="good")
    assert status == 500
    assert "[+]ping ok\n" in text
    assert "[-]syncloop failed: it stands still\n" in text
    assert (await served.ask("/healthz/syncloop", token="good"))[0] == 500
    assert await served.ask("/healthz/ping", token="good") == (200, "ok")
    assert (await served.ask("/healthz/other", token="good"))[0] == 404


async def test_the_health_check_answers_anyone_get_and_head_and_nothing_else(served):
    port = served.settings.healthz_port
    assert await served.ask("/healthz", port=port) == (200, "ok")
    assert await served.ask("/healthz", port=port, method="HEAD") == (200, "")
    assert (await served.ask("/healthz", port=port, method="POST"))[0] == 405
    for path in ("/pods", "/configz", "/metrics", "/", "/healthz/syncloop", "/x/../pods"):
        assert (await served.ask(path, port=port))[0] == 404


async def test_the_read_only_port_has_no_secrets(tmp_path, made):
    kubelet = Kubelet(tmp_path, made, read_only_port=ports.free())
    kubelet.view.write("secret")
    async with kubelet.serving():
        port = kubelet.settings.read_only_port
        assert (await kubelet.ask("/pods", port=port))[0] == 200
        assert (await kubelet.ask("/metrics", port=port))[0] == 200
        assert await kubelet.ask("/healthz", port=port) == (200, "ok")
        assert (await kubelet.ask("/configz", port=port))[0] == 404
        for path in ("/containerLogs/default/web-node1/main", "/runningpods/", "/exec/a/b/c"):
            assert await kubelet.ask(path, port=port) == (405, "Debug endpoints are disabled.\n")


async def test_a_log_is_read_with_the_options_of_the_api(served):
    served.view.write("before", previous=True)
    served.view.write("one", minute=1)
    served.view.write("two", minute=59)

    async def log(query=""):
        return await served.ask(LOG + query, token="good")

    assert await log() == (200, "one\ntwo\n")
    assert await log("?tailLines=1") == (200, "two\n")
    assert await log("?tail=1") == (200, "two\n")
    assert await log("?tail=all") == (200, "one\ntwo\n")
    assert await log("?previous=true") == (200, "before\n")
    assert await log("?sinceSeconds=120") == (200, "two\n")
    assert await log("?limitBytes=3") == (200, "one")
    assert (await log("?tailLines=-1"))[0] == 422
    assert (await log("?tail=x"))[0] == 400
    assert await log("?stream=Stderr") == (200, "")
    assert (await log("?stream=Stderr&tailLines=1"))[0] == 422
    assert (await log("?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z"))[0] == 422


async def test_a_log_is_followed_to_the_containers_end(served):
    served.view.write("one")
    url = f"https://127.0.0.1:{served.settings.port}{LOG}?follow=true"
    headers = {"Authorization": "Bearer good"}
    async with asyncio.timeout(DEADLINE_S):
        async with served.session.get(url, ssl=served.trusting(), headers=headers) as answer:
            assert await answer.content.readline() == b"one\n"
            served.view.write("two")
            assert await answer.content.readline() == b"two\n"
            served.view.write("three")
            served.view.end()
            assert await answer.content.read() == b"three\n"


async def test_what_has_no_log_says_why(served):
    found = {
        "/containerLogs/default/other-node1/main": (404, 'pod "other-node1" does not exist'),
        "/containerLogs/kube-system/web-node1/main": (404, 'pod "web-node1" does not exist'),
        "/containerLogs/default/web-node1/x": (
            404,
            'container "x" not found in pod "web-node1"',
        ),
        "/containerLogs/default/web-node1/setup": (
            400,
            'container "setup" in pod "web-node1" is waiting to start: ContainerCreating',
        ),
    }
    for path, wanted in found.items():
        assert await served.ask(path, token="good") == wanted


@pytest.mark.parametrize(
    "path",
    [
        "/containerLogs/default/web-node1/..%2f..%2fetc%2fpasswd",
        "/containerLogs/../../etc/passwd",
        "/containerLogs/default/web-node1/main/../../../etc/passwd",
        "/containerLogs/default/..%2f..%2fetc/passwd",
        "/containerLogs/%2e%2e/%2e%2e/etc",
        "/containerLogs/default/web-node1/main%00",
        "/containerLogs/default/web-node1/%ff",
        "/containerLogs//web-node1/main",
        "/logs/messages",
        "/logs/",
        "/exec/default/web-node1/main",
        "/run/default/web-node1/main",
        "/debug/pprof/",
    ],
)
async def test_no_path_leads_to_anything_but_logs_of_pods(served, path):
    for method in ("GET", "POST"):
        status, _ = await served.ask(path, token="good", method=method)
        assert status in (404, 405, 501)


async def test_with_debugging_off_no_log_is_served(tmp_path, made):
    kubelet = Kubelet(tmp_path, made, enable_debugging_handlers=False)
    async with kubelet.serving(api=Reviews()):
        assert await kubelet.ask(LOG, token="good") == (405, "Debug endpoints are disabled.\n")
        assert (await kubelet.ask("/pods", token="good"))[0] == 200


async def test_with_the_server_off_its_port_is_closed_and_health_is_answered(tmp_path, made):
    kubelet = Kubelet(tmp_path, made, enable_server=False)
    async with kubelet.serving():
        assert await kubelet.ask("/healthz", port=kubelet.settings.healthz_port) == (200, "ok")
        with pytest.raises(aiohttp.ClientConnectorError):
            await kubelet.ask("/healthz")


async def test_what_goes_wrong_inside_comes_out_as_it_is(kubelet):
    with pytest.raises(LookupError, match="inside"):
        async with kubelet.serving():
            raise LookupError("inside")
