"""`kubectl logs` through the embedded API server, to the kubelet's API of a node with one pod."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from pathlib import Path

import pytest

from staticlet.aio import clock
from staticlet.apiserver.http import kubelets
from staticlet.app import api, apioptions
from staticlet.client import port
from staticlet.config.settings import Settings
from staticlet.host import certs, selfsigned
from staticlet.server import kubeletapi
from staticlet.testing import apiloop, apiserver, kubeletview, ports
from staticlet.testing.kubectl import Kubectl, programs

DEADLINE_S = 30.0
OURS = Path("the API server's")
POD = kubeletview.KEY.name
PODS = "/api/v1/namespaces/default/pods"
LOG = f"{PODS}/{POD}/log"


class Reviews:
    """The API server as the node sees it: reviews are made with the node's token."""

    def __init__(self, client):
        self.server = client.url
        self._client = client

    async def ask(self, method, path, body=None, **_):
        answer = await self._client.ask(method, path, body, user="node")
        if answer.code >= 400:
            raise port.Refused(answer.code, "", answer.raw.decode())
        return answer.body

    def watch(self, path, *, query, silence_s):
        raise AssertionError("nobody watches reviews")


class Cluster:
    """An API server, and a node with the kubelet's API and one pod."""

    def __init__(self, place, client, view):
        self.client = client
        self.view = view
        home = place / "home"
        home.mkdir()
        conf = certs.Places(place / "api").admin_conf
        self._kubectl = Kubectl(program=programs()[0], kubeconfig=conf, home=home)

    @contextlib.asynccontextmanager
    async def running(self, *arguments):
        """A kubectl that runs on."""
        process = await asyncio.create_subprocess_exec(
            str(self._kubectl.program),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._kubectl.environment(),
        )
        try:
            async with asyncio.timeout(DEADLINE_S):
                yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def kubectl(self, *arguments):
        """What a kubectl prints: its output, and what it says beside."""
        async with self.running(*arguments) as process:
            out, err = await process.communicate()
            return out.decode(), err.decode()

    async def put_node(self, *, address="127.0.0.1", port=0):
        """Write the Node as its agent does."""
        status = {
            "addresses": [{"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        await self.client.ask("DELETE", "/api/v1/nodes/node1")
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}}
        made = await self.client.ask("POST", "/api/v1/nodes", {**node, "status": status})
        assert made.code == 201

    async def put_pod(self, *containers, name=POD, node="node1"):
        """Write a pod by hand."""
        spec = {"containers": [{"name": one, "image": "x"} for one in containers]}
        if node:
            spec["nodeName"] = node
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        spec["automountServiceAccountToken"] = False
        made = await self.client.ask("POST", PODS, body)
        assert made.code == 201, made.raw


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory):
    made = selfsigned.Places(tmp_path_factory.mktemp("pki"))
    selfsigned.write(made, ("node1", "localhost", "127.0.0.1"), clock.SystemClock().now())
    return made


async def until_open(number):
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", number)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return


@contextlib.asynccontextmanager
async def serving(place, own_certificate, *, node_ca=OURS, **given):
    """A cluster whose node believes the API server's CA, or another, or none."""
    settings = Settings(
        node_name="node1",
        root_dir=place / "root",
        address="127.0.0.1",
        port=ports.free(),
        healthz_port=0,
        cert_dir=own_certificate.directory,
        client_ca_file=certs.Places(place / "api").ca if node_ca is OURS else node_ca,
    )
    logs = place / "logs"
    logs.mkdir()
    view = kubeletview.KubeletView(logs, settings)
    async with apiloop.serving(place, controllers="serviceaccount", **given) as client:
        kubelet = kubeletapi.serving(
            view, settings, api=Reviews(client), clock=clock.SystemClock()
        )
        async with kubelet:
            await until_open(settings.port)
            made = Cluster(place, client, view)
            await made.put_node(port=settings.port)
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            async with asyncio.timeout(DEADLINE_S):
                while (await client.ask("GET", account)).code != 200:  # noqa: ASYNC110  a server
                    await asyncio.sleep(0.02)
            await made.put_pod("main")
            yield made
            view.changes.close()


@pytest.fixture
async def cluster(tmp_path, own_certificate):
    async with serving(tmp_path, own_certificate) as made:
        yield made


@pytest.mark.skipif(not programs(), reason="there is no kubectl")
class TestKubectl:
    async def test_logs_are_shown_as_they_are_asked_for(self, cluster):
        cluster.view.write("before", previous=True)
        cluster.view.write("one", minute=1)
        cluster.view.write("two", minute=59)
        assert await cluster.kubectl("logs", POD) == ("one\ntwo\n", "")
        assert await cluster.kubectl("logs", POD, "-p") == ("before\n", "")
        assert await cluster.kubectl("logs", POD, "--tail=1") == ("two\n", "")
        since = "--since-time=2026-01-01T11:30:00Z"
        assert await cluster.kubectl("logs", POD, since) == ("two\n", "")
        assert await cluster.kubectl("logs", POD, "--since=2m") == ("two\n", "")
        assert await cluster.kubectl("logs", POD, "--limit-bytes=3") == ("one", "")
        out, _ = await cluster.kubectl("logs", POD, "--timestamps", "--tail=1", "-c", "main")
        assert out == "2026-01-01T11:59:00.000000000Z two\n"

    async def test_a_log_is_followed_line_by_line_to_its_end(self, cluster):
        cluster.view.write("one")
        async with cluster.running("logs", "-f", POD) as kubectl:
            assert await kubectl.stdout.readline() == b"one\n"
            cluster.view.write("two")
            assert await kubectl.stdout.readline() == b"two\n"
            cluster.view.end()
            assert await kubectl.stdout.read() == b""
            assert await kubectl.wait() == 0

    async def test_what_cannot_be_had_is_told_as_kubernetes_tells_it(self, cluster):
        _, err = await cluster.kubectl("logs", "other")
        assert '(NotFound): pods "other" not found' in err
        _, err = await cluster.kubectl("logs", POD, "-c", "x")
        assert err.startswith(f"error: container x is not valid for pod {POD}")
        answer = await cluster.client.ask("GET", f"{LOG}?container=x")
        assert (answer.code, answer.body["reason"]) == (400, "BadRequest")

    async def test_several_containers_are_told_apart(self, cluster):
        await cluster.client.ask("DELETE", f"{PODS}/{POD}?gracePeriodSeconds=0")
        await cluster.put_pod("main", "setup")
        cluster.view.write("one")
        out, err = await cluster.kubectl("logs", POD)
        assert out == "one\n"
        assert err == 'Defaulted container "main" out of: main, setup\n'
        out, err = await cluster.kubectl("logs", POD, "-c", "setup")
        assert (out, err.partition(": ")[0]) == ("", "Error from server (BadRequest)")
        words = f'container "setup" in pod "{POD}" is waiting to start: ContainerCreating'
        assert err.endswith(f": {words}\n")

    async def test_a_node_that_is_away_is_named_with_the_reason(self, cluster):
        number = ports.free()
        await cluster.put_node(port=number)
        _, err = await cluster.kubectl("logs", POD)
        at = f"127.0.0.1:{number}"
        assert err == (
            f'Error from server: Get "https://{at}/containerLogs/default/{POD}/main": '
            f"dial tcp {at}: connect: connection refused\n"
        )

    async def test_the_nodes_own_paths_are_read_through_its_proxy(self, cluster):
        out, err = await cluster.kubectl("get", "--raw", "/api/v1/nodes/node1/proxy/healthz")
        assert (out, err) == ("ok", "")
        out, _ = await cluster.kubectl("get", "--raw", "/api/v1/nodes/node1/proxy/configz")
        assert json.loads(out)["kubeletconfig"]["kind"] == "KubeletConfiguration"
        out, _ = await cluster.kubectl("get", "--raw", "/api/v1/nodes/node1/proxy/pods")
        assert json.loads(out)["items"][0]["metadata"]["name"] == POD


async def test_options_that_cannot_be_are_refused_before_the_node_is_asked(cluster):
    await cluster.put_node(port=ports.free())

    async def told(query):
        answer = await cluster.client.ask("GET", f"{LOG}?{query}")
        return answer.code, answer.body["message"]

    head = f'PodLogOptions "{POD}" is invalid: '
    code, words = await told("tailLines=-1")
    assert (code, words) == (
        422,
        head + "tailLines: Invalid value: -1: must be greater than or equal to 0",
    )
    code, words = await told("limitBytes=0")
    assert (code, words) == (422, head + "limitBytes: Invalid value: 0: must be greater than 0")
    assert (await told("sinceSeconds=0"))[0] == 422
    assert (await told("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z"))[0] == 422
    assert (await told("tailLines=x"))[0] == 400
    assert (await told("sinceTime=yesterday"))[0] == 400
    assert (await told("sinceTime=2026-01-01T00:00:00"))[0] == 400


async def test_a_pod_on_no_node_has_no_log_and_one_on_a_lost_node_says_which(cluster):
    await cluster.put_pod("main", name="waits", node="")
    answer = await cluster.client.ask("GET", f"{PODS}/waits/log")
    assert (answer.code, answer.raw) == (204, b"")
    await cluster.client.ask("DELETE", "/api/v1/nodes/node1")
    answer = await cluster.client.ask("GET", LOG)
    assert (answer.code, answer.body["message"]) == (404, 'nodes "node1" not found')


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "localhost", "::ffff:127.0.0.1"])
async def test_a_node_that_gives_the_servers_address_for_its_own_gets_nobody_in(cluster, address):
    own = int(cluster.client.url.rpartition(":")[2])
    await cluster.put_node(address=address, port=own)
    proxied = "/api/v1/nodes/node1/proxy/api/v1/secrets"
    answer = await cluster.client.ask("GET", proxied)
    assert (answer.code, answer.body["reason"]) == (503, "ServiceUnavailable")
    assert "this is the API server itself" in answer.body["message"]
    assert (await cluster.client.ask("GET", LOG)).code == 500


@pytest.mark.parametrize("code", [101, 999])
async def test_a_node_that_answers_no_http_is_a_bad_gateway(cluster, own_certificate, code):
    async def odd(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {code} x\r\nContent-Length: 1\r\n\r\nx".encode())
        writer.close()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own_certificate.certificate, own_certificate.key)
    async with await asyncio.start_server(odd, "127.0.0.1", 0, ssl=tls) as server:
        await cluster.put_node(port=server.sockets[0].getsockname()[1])
        for path in ("/api/v1/nodes/node1/proxy/x", LOG):
            answer = await cluster.client.ask("GET", path)
            assert (answer.code, answer.body["code"]) == (502, 502)


async def test_who_may_not_read_logs_does_not(cluster):
    cluster.view.write("secret")
    for user, code in (("nobody", 403), ("", 401), ("node", 403)):
        for path in (LOG, "/api/v1/nodes/node1/proxy/pods"):
            answer = await cluster.client.ask("GET", path, user=user)
            assert answer.code in (code, 403)
            assert b"secret" not in answer.raw


async def test_only_reading_is_passed_on(cluster):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await cluster.client.ask(method, "/api/v1/nodes/node1/proxy/healthz", {})
        assert answer.code == 405
    for path in ("../secrets", "a/../../b", "%2e%2e/x"):
        answer = await cluster.client.ask("GET", f"/api/v1/nodes/node1/proxy/{path}")
        assert answer.code == 404


async def test_a_reader_who_goes_ends_the_reading_at_the_node(cluster):
    cluster.view.write("one")
    async with cluster.client.open("GET", f"{LOG}?follow=true") as answer:
        assert await answer.content.readline() == b"one\n"
        assert cluster.view.followers == 1
    async with asyncio.timeout(DEADLINE_S):
        while cluster.view.followers:  # noqa: ASYNC110  connections end in their time
            await asyncio.sleep(0.02)


async def test_a_quiet_log_is_followed_for_as_long_as_it_takes(cluster, monkeypatch):
    monkeypatch.setattr(kubelets, "ANSWER_S", 0.5)
    async with cluster.client.open("GET", f"{LOG}?follow=true") as answer:
        assert answer.status == 200
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await answer.content.readline()
        cluster.view.write("at last")
        assert await answer.content.readline() == b"at last\n"


async def test_only_the_head_of_a_log_is_an_answer_at_once(cluster):
    async with asyncio.timeout(DEADLINE_S):
        answer = await cluster.client.ask("HEAD", f"{LOG}?follow=true")
    assert (answer.code, answer.raw) == (200, b"")
    assert answer.headers["Content-Type"] == "text/plain"


async def test_the_nodes_certificate_is_looked_at_where_its_ca_is_given(tmp_path, own_certificate):
    other = selfsigned.Places(tmp_path / "other")
    selfsigned.write(other, ("x",), clock.SystemClock().now())
    async with serving(tmp_path, own_certificate, kubelet_ca=other.certificate) as cluster:
        cluster.view.write("one")
        answer = await cluster.client.ask("GET", LOG)
        assert answer.code == 500
        assert "tls: failed to verify certificate" in answer.body["message"]
        answer = await cluster.client.ask("GET", f"{LOG}?insecureSkipTLSVerifyBackend=true")
        assert (answer.code, answer.raw) == (200, b"one\n")


async def test_the_nodes_certificate_is_good_where_its_ca_signed_it(tmp_path, own_certificate):
    given = own_certificate.certificate
    async with serving(tmp_path, own_certificate, kubelet_ca=given) as cluster:
        cluster.view.write("one")
        assert (await cluster.client.ask("GET", LOG)).raw == b"one\n"


async def test_a_node_that_does_not_believe_the_server_is_told_apart(tmp_path, own_certificate):
    other = selfsigned.Places(tmp_path / "other")
    selfsigned.write(other, ("x",), clock.SystemClock().now())
    async with serving(tmp_path, own_certificate, node_ca=other.certificate) as cluster:
        answer = await cluster.client.ask("GET", LOG)
        assert answer.code == 500
        assert "authentication.x509.clientCAFile" in answer.body["message"]


async def test_a_node_without_a_client_ca_wants_credentials(tmp_path, own_certificate):
    async with serving(tmp_path, own_certificate, node_ca=None) as cluster:
        answer = await cluster.client.ask("GET", LOG)
        assert (answer.code, answer.body["message"]) == (
            401,
            (f"the server has asked for the client to provide credentials ( pods/log {POD})"),
        )


async def test_a_ca_of_nodes_that_cannot_be_read_keeps_the_server_from_starting(tmp_path):
    options = apiserver.options_in(tmp_path, kubelet_ca=tmp_path / "none.crt")
    with pytest.raises(apioptions.CannotServe, match=r"nodes' certificates with .*none\.crt"):
        await api.serve(options, asyncio.Event())
