"""The embedded API server over TLS: what only shows when both ends are real."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from staticlet.apiserver.http import health
from staticlet.app import api, apioptions
from staticlet.host import certs
from staticlet.testing import apiloop, apiserver

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[apiloop.Client]:
    async with apiloop.serving(tmp_path, audit_log=tmp_path / "audit.log") as client:
        yield client


async def raw(client: apiloop.Client) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare TLS connection to the server."""
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    at = urlsplit(client.url)
    return await asyncio.open_connection(at.hostname, at.port, ssl=trust)


async def event(response: aiohttp.ClientResponse) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await response.content.readline())


async def test_a_new_server_has_the_namespaces_of_every_cluster(served):
    got = await served.ask("GET", "/api/v1/namespaces")
    names = [one["metadata"]["name"] for one in got.body["items"]]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]


async def test_what_was_written_is_there_after_a_restart(tmp_path):
    async with apiloop.serving(tmp_path) as client:
        made = await client.ask("POST", MAPS, config_map("kept", a="1"))
    async with apiloop.serving(tmp_path) as client:
        got = await client.ask("GET", f"{MAPS}/kept")
    assert (made.code, got.body) == (201, made.body)


async def test_a_token_that_is_asked_for_at_once_is_good_after_a_restart(tmp_path):
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    async with apiloop.serving(tmp_path) as client:
        await client.ask("POST", accounts, account)
        made = await client.ask("POST", f"{accounts}/robot/token", request)
    token = made.body["status"]["token"]
    async with apiloop.serving(tmp_path) as client:
        assert (await client.ask("GET", "/version", user=token)).code == 200


async def test_the_administrators_certificate_is_enough(served, tmp_path):
    server = apiserver.options_in(tmp_path)
    shown = apiloop.trusting(server.state_dir, certs.Places(server.state_dir).admin_conf)
    connector = aiohttp.TCPConnector(ssl=shown)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(served.url + "/api/v1/secrets") as got,
    ):
        assert got.status == 200


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version", "/readyz?verbose"])
async def test_health_and_version_are_told_to_anybody_on_this_machine(served, path):
    assert (await served.ask("GET", path, user="")).code == 200


async def test_a_server_that_cannot_write_is_alive_and_not_ready(served, tmp_path):
    told = await served.ask("GET", "/readyz?verbose")
    assert told.raw.decode().splitlines() == [
        "[+]ping ok",
        "[+]log ok",
        "[+]store ok",
        "[+]shutdown ok",
        "readyz check passed",
    ]
    file = tmp_path / "api/state.db"
    file.rename(tmp_path / "aside")
    await asyncio.sleep(health.REMEMBERED_S)
    told = await served.ask("GET", "/readyz")
    assert told.code == 500
    assert "[-]store failed: " in told.raw.decode()
    assert "state.db was removed or replaced" in told.raw.decode()
    assert (await served.ask("GET", "/livez")).code == 200
    assert (await served.ask("GET", "/api/v1/pods")).code == 200
    (tmp_path / "aside").rename(file)
    await asyncio.sleep(health.REMEMBERED_S)
    assert (await served.ask("GET", "/readyz/store")).raw == b"ok"


@pytest.mark.parametrize("path", ["/metrics", "/", "/openapi/v2", "/api/v1/pods"])
async def test_nobody_else_is_told_the_rest(served, path):
    assert (await served.ask("GET", path, user="")).code == 403


async def test_metrics_count_requests_and_not_made_up_names(served):
    await served.ask("GET", "/api/v1/pods")
    await served.ask("GET", "/api/v1/made-up-by-a-client")
    text = (await served.ask("GET", "/metrics")).raw.decode()
    assert 'apiserver_request_total{code="200",group="",resource="pods"' in text
    assert "made-up" not in text


async def test_the_index_lists_paths(served):
    assert "/apis" in (await served.ask("GET", "/")).body["paths"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nope", 404),
        ("GET", "/api/v1//pods", 404),
        ("GET", "/apis/nope.example/v1/things", 404),
        ("POST", "/version", 405),
        ("PUT", MAPS, 405),
        ("GET", "/api/v1/pods?limit=-%ff", 400),
        ("OPTIONS", "/api/v1/pods", 405),
    ],
)
async def test_what_is_not_served_is_a_status(served, method, path, code):
    got = await served.ask(method, path)
    assert (got.code, got.body["kind"], got.body["code"]) == (code, "Status", code)


async def test_a_path_that_nobody_knows_has_details_that_are_empty(served):
    assert (await served.ask("GET", "/nope")).body["details"] == {}


async def test_openapi_comes_whole_to_who_takes_it_only_as_it_is(served):
    plain = {"Accept-Encoding": "identity"}
    got = await served.ask("GET", "/openapi/v2", headers=plain)
    assert len(got.raw) > 256 * 1024
    assert got.raw == (await served.ask("GET", "/openapi/v2")).raw


async def test_a_body_of_more_than_three_mebibytes_is_refused(served):
    got = await served.ask("POST", MAPS, b"x" * (3 * 2**20 + 1))
    assert (got.code, got.body["reason"]) == (413, "RequestEntityTooLarge")


async def test_a_large_body_without_a_length_is_refused_all_the_same(served):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 64 * 1024

    headers = {"Authorization": "Bearer admin-token", "Content-Type": "application/json"}
    async with served.session.post(served.url + MAPS, data=endless(), headers=headers) as got:
        assert got.status == 413


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"null", b'{"a":' * 5000])
async def test_a_body_that_is_no_object_is_a_bad_request(served, body):
    got = await served.ask("POST", MAPS, body)
    assert (got.code, got.body["kind"]) == (400, "Status")


async def test_what_is_no_http_is_a_status_too(served):
    reader, writer = await raw(served)
    writer.write(b"GET /version HTTP/1.1\r\nno colon here\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert b" 400 Bad Request\r\n" in answer
    assert b'"kind":"Status"' in answer


async def test_a_client_that_asks_first_is_told_to_go_on(served):
    reader, writer = await raw(served)
    body = json.dumps(config_map("asked-first")).encode()
    writer.write(
        f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
    )
    assert b"100 Continue" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.write(body)
    assert b"201 Created" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()


async def test_warnings_are_headers(served):
    odd = {**config_map("odd"), "colour": "red"}
    got = await served.ask("POST", f"{MAPS}?fieldValidation=Warn", odd)
    assert got.code == 201
    assert got.headers["Warning"] == '299 - "unknown field \\"colour\\""'


async def test_an_answer_can_be_yaml(served):
    got = await served.ask(
        "GET", "/api/v1/namespaces/default", headers={"Accept": "application/yaml"}
    )
    assert got.headers["Content-Type"] == "application/yaml"
    assert b"\nkind: Namespace\n" in got.raw


async def test_a_large_list_comes_whole(served):
    for number in range(6):
        assert (
            await served.ask("POST", MAPS, config_map(f"big-{number}", a="x" * 100_000))
        ).code == 201
    got = await served.ask("GET", MAPS)
    assert [len(one["data"]["a"]) for one in got.body["items"]] == [100_000] * 6


async def test_a_watch_sends_its_headers_before_anything_happens(served):
    async with asyncio.timeout(5), served.open("GET", f"{MAPS}?watch=1") as response:
        assert response.status == 200
        await served.ask("POST", MAPS, config_map("new"))
        told = await event(response)
    assert (told["type"], told["object"]["metadata"]["name"]) == ("ADDED", "new")


async def test_a_watch_can_be_of_tables(served):
    async with served.open("GET", f"{MAPS}?watch=1", headers=TABLE) as response:
        await served.ask("POST", MAPS, config_map("a"))
        first = await event(response)
        await served.ask("DELETE", f"{MAPS}/a")
        second = await event(response)
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert (second["type"], second["object"]["columnDefinitions"]) == ("DELETED", None)


async def test_a_watch_that_nobody_reads_any_more_is_let_go(served):
    async with served.open("GET", f"{MAPS}?watch=1"):
        text = (await served.ask("GET", "/metrics")).raw
        assert b"apiserver_longrunning_requests 1.0" in text
    async with asyncio.timeout(5):
        while b"apiserver_longrunning_requests 0.0" not in text:
            text = (await served.ask("GET", "/metrics")).raw


async def test_watches_end_in_good_order_when_the_server_ends(tmp_path):
    begun = asyncio.Event()

    async def follow(client: apiloop.Client) -> bytes:
        async with client.open("GET", f"{MAPS}?watch=1") as response:
            begun.set()
            return await response.content.read()

    async with (
        asyncio.TaskGroup() as group,
        asyncio.timeout(10),
        apiloop.serving(tmp_path) as client,
    ):
        reading = group.create_task(follow(client))
        await begun.wait()
    assert reading.result() == b""


async def test_discovery_is_compressed_for_those_who_take_it_and_not_sent_twice(served):
    once = await served.ask("GET", "/apis")
    assert once.headers["Content-Encoding"] == "gzip"
    assert once.body["kind"] == "APIGroupList"
    again = await served.ask("GET", "/apis", headers={"If-None-Match": once.headers["ETag"]})
    assert (again.code, again.raw) == (304, b"")


async def test_requests_are_audited(served, tmp_path):
    got = await served.ask("GET", "/api/v1/secrets", user="nobody")
    last = json.loads((tmp_path / "audit.log").read_text().splitlines()[-1])
    assert last["user"]["username"] == "nobody"
    assert last["responseStatus"]["code"] == 403
    assert got.headers["Audit-Id"] == last["auditID"]


async def test_the_audit_log_is_opened_anew_when_it_was_moved_away(tmp_path):
    path = tmp_path / "audit.log"
    hangup = asyncio.Event()
    async with apiloop.serving(tmp_path, hangup=hangup, audit_log=path) as client:
        await client.ask("GET", "/version")
        path.rename(tmp_path / "audit.log.1")
        hangup.set()
        async with asyncio.timeout(5):
            while not path.exists():
                await client.ask("GET", "/version")
        await client.ask("GET", "/version")
    assert path.read_text()


async def test_elsewhere_nobody_is_answered_without_credentials(tmp_path):
    async with apiloop.serving(tmp_path, address="0.0.0.0", names=("127.0.0.1",)) as client:
        assert (await client.ask("GET", "/healthz", user="")).code == 401
        assert (await client.ask("GET", "/healthz", user="nobody")).code == 200


async def test_two_servers_do_not_share_a_state_directory(tmp_path):
    async with apiloop.serving(tmp_path):
        with pytest.raises(apioptions.CannotServe, match=r"state\.db"):
            await api.serve(apiserver.options_in(tmp_path), asyncio.Event())


async def test_a_port_that_is_taken_is_said(served, tmp_path):
    taken = urlsplit(served.url).port
    options = apiserver.options_in(tmp_path, port=taken, state_dir=tmp_path / "other")
    with pytest.raises(apioptions.CannotServe, match=f"cannot listen on 127.0.0.1 port {taken}"):
        await api.serve(options, asyncio.Event())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token_file": Path("/nonexistent/tokens.csv")}, "tokens.csv"),
        ({"certificate": Path("/nonexistent/c"), "key": Path("/nonexistent/k")}, "cannot serve"),
        ({"client_ca": Path("/nonexistent/ca")}, "client certificates"),
        ({"audit_log": Path("/nonexistent/audit.log")}, "audit log"),
        ({"controllers": "nope"}, "nope"),
    ],
)
async def test_what_cannot_be_used_is_named(tmp_path, given, words):
    with pytest.raises(apioptions.CannotServe, match=words):
        await api.serve(apiserver.options_in(tmp_path, **given), asyncio.Event())
