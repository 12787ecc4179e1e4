"""A node agent's protobuf bodies over HTTP, and what is answered to them."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import apiloop

MEDIA = "application/vnd.kubernetes.protobuf"
DATA = Path(__file__).parents[1] / "data"
SENT = {one["kind"]: one for one in json.loads((DATA / "kubelet-bodies.json").read_text())}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def body_of(kind: str) -> bytes:
    return base64.b64decode(SENT[kind]["body"])


def asked(accept: str) -> Mapping[str, str]:
    return {"Content-Type": MEDIA, "Accept": accept}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[apiloop.Client]:
    async with apiloop.serving(tmp_path) as client:
        yield client


async def post(client: apiloop.Client, path: str, sent: bytes, accept: str = "*/*") -> Any:
    return await client.ask("POST", path, sent, user="node", headers=asked(accept))


@pytest.mark.parametrize("accept", [f"{MEDIA}, */*", f"{MEDIA},application/json"])
async def test_a_node_joins_with_protobuf_and_is_answered_in_json(served, accept):
    node = await post(served, "/api/v1/nodes", body_of("Node"), accept)
    assert (node.code, node.headers["Content-Type"]) == (201, "application/json")
    told = SENT["Node"]["object"]
    for part in ("capacity", "conditions", "nodeInfo", "daemonEndpoints"):
        assert node.body["status"][part] == told["status"][part]
    lease = await post(served, LEASES, body_of("Lease"), accept)
    assert lease.code == 201
    assert lease.body["spec"] == SENT["Lease"]["object"]["spec"]


async def test_what_takes_nothing_but_protobuf_is_not_served(served):
    assert (await post(served, "/api/v1/nodes", body_of("Node"), MEDIA)).code == 406


async def test_a_field_that_is_too_new_is_left_out_with_a_warning(served):
    name = b"\x0a\x05\x0a\x03new"
    raw = name + b"\xca\x3e\x01x"  # field 1001
    sent = b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12" + bytes((len(raw),)) + raw
    made = await served.ask(
        "POST", "/api/v1/namespaces/default/configmaps", sent, headers=asked("application/json")
    )
    assert (made.code, made.body["metadata"]["name"]) == (201, "new")
    assert made.headers["Warning"] == (
        '299 - "field 1001 of ConfigMap is not known here and was left out"'
    )


@pytest.mark.parametrize("kind", list(SENT))
async def test_a_body_that_is_cut_off_is_a_bad_request(served, kind):
    made = await post(served, "/api/v1/nodes", body_of(kind)[:-3])
    assert (made.code, made.body["reason"]) == (400, "BadRequest")


async def test_another_kind_than_the_paths_is_a_bad_request(served):
    made = await post(served, "/api/v1/nodes", body_of("Lease"))
    assert made.code == 400
    assert "does not match the expected API version" in made.body["message"]


async def test_a_kind_that_is_not_made_here_is_refused_as_in_json(served):
    sent = b"k8s\x00\x0a\x0d\x0a\x02v1\x12\x07Service"
    path = "/api/v1/namespaces/default/services"
    made = await served.ask("POST", path, sent, headers=asked("*/*"))
    as_json = await served.ask("POST", path, {"apiVersion": "v1", "kind": "Service"})
    assert (made.code, made.body["message"]) == (as_json.code, as_json.body["message"])
    assert made.code == 405
