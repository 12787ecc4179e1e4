"""Laws of the kubelet's API: whatever the path, nobody gets more than his right is on."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from aiohttp import test_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.aio import clock
from staticlet.config.settings import Settings
from staticlet.server import kubeletauth, kubeletgate, kubeletpaths
from staticlet.testing import kubeletview

PARTS = st.sampled_from(
    (
        *("pods", "PODS", "runningpods", "metrics", "healthz", "configz", "containerLogs", "logs"),
        *("stats", "default", "web-node1", "main", "exec", "run", "ping", "syncloop"),
        *("", ".", "..", "%2e", "%2e%2e", "%2f", "..%2fpods", "pods%2f", "%70ods", "pods%00"),
        *("pods;x", "pods%3f", "%ff", "%252e%252e"),
    )
)
PATHS = st.builds(
    lambda parts, tail: "/" + "/".join(parts) + tail,
    st.lists(PARTS, max_size=5),
    st.sampled_from(("", "/", "?follow=false", "?x=/pods", "?verbose")),
)
METHODS = st.sampled_from(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT"))
RIGHTS = st.sampled_from(("pods", "metrics", "healthz", "configz", "stats", "log", "proxy", ""))

SIGNS = {
    "pods": b'"PodList"',
    "configz": b'"kubeletconfig"',
    "metrics": b"kubelet_node_name",
    "healthz": b"ok",
}
"""By what the answers are known that each right gives."""


class OneRight:
    """An API server that knows everyone and permits one subresource of the node."""

    server = "https://api"

    def __init__(self, right):
        self._right = right

    async def ask(self, method, path, body=None, **_):
        if path == kubeletauth.TOKEN_REVIEWS:
            return {"status": {"authenticated": True, "user": {"username": "jane"}}}
        asked = body["spec"]["resourceAttributes"]
        return {"status": {"allowed": asked["subresource"] == self._right and asked["verb"] != ""}}

    def watch(self, path, *, query, silence_s):
        raise AssertionError("nobody watches reviews")


def answered(right, method, path, *, token):
    with tempfile.TemporaryDirectory() as place:
        view = kubeletview.KubeletView(Path(place), Settings(node_name="node1"))
        gate = kubeletgate.Gate(view.settings, OneRight(right), clock.SystemClock())
        paths = kubeletpaths.Paths(view, gate, lambda: "")
        headers = {"Authorization": "Bearer x"} if token else {}
        request = test_utils.make_mocked_request(method, path, headers=headers)
        response = asyncio.run(paths.secured(request))
        body = getattr(response, "body", None)
        return response.status, body if isinstance(body, bytes) else b""


@settings(max_examples=150, deadline=None)
@given(METHODS, PATHS)
def test_who_shows_nothing_gets_nothing_whatever_the_path(method, path):
    assert answered("proxy", method, path, token=False) == (401, b"Unauthorized")


@settings(max_examples=300, deadline=None)
@given(RIGHTS, METHODS, PATHS)
def test_nobody_gets_more_than_his_right_is_on(right, method, path):
    status, body = answered(right, method, path, token=True)
    assert status in (200, 400, 403, 404, 405, 422, 501)
    if status == 200 and right != "proxy":
        assert SIGNS[right] in body
    if right == "":
        assert status == 403
