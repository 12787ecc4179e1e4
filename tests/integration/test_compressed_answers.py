"""Large answers are compressed for clients elsewhere, and come out as they went in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import test_utils, web

from staticlet.apiserver.http import pieces

LARGE = b"0123456789abcdef" * (pieces.COMPRESSIBLE // 16) * 3
TAKES = {"Accept-Encoding": "gzip"}
PLAIN = {"Content-Type": "text/plain"}


async def answer(request: web.Request) -> web.StreamResponse:
    body = LARGE[: int(request.query["size"])]
    compress = "compress" in request.query
    if "whole" in request.query:
        return await pieces.whole(request, body, headers=PLAIN, compress=compress)
    parts = (body[at : at + 1000] for at in range(0, len(body), 1000))
    return await pieces.made(request, parts, headers=PLAIN, compress=compress)


@pytest.fixture
async def client() -> AsyncIterator[test_utils.TestClient]:
    app = web.Application()
    app.router.add_get("/", answer)
    async with test_utils.TestClient(test_utils.TestServer(app)) as made:
        yield made


async def encoding(response: aiohttp.ClientResponse, size: int) -> str | None:
    """How a body was encoded, which is as it should be."""
    assert await response.read() == LARGE[:size]
    return response.headers.get("Content-Encoding")


@pytest.mark.parametrize("how", ["&whole", ""])
@pytest.mark.parametrize("size", [pieces.COMPRESSIBLE, len(LARGE)])
async def test_a_large_body_is_compressed(client, size, how):
    async with client.get(f"/?compress&size={size}{how}", headers=TAKES) as response:
        assert response.headers["Vary"] == "Accept-Encoding"
        assert await encoding(response, size) == "gzip"


@pytest.mark.parametrize("how", ["&whole", ""])
async def test_a_small_one_is_not_and_none_is_unasked(client, how):
    small = pieces.COMPRESSIBLE - 1
    async with client.get(f"/?compress&size={small}{how}", headers=TAKES) as response:
        assert await encoding(response, small) is None
    async with client.get(f"/?size={len(LARGE)}{how}", headers=TAKES) as response:
        assert await encoding(response, len(LARGE)) is None


@pytest.mark.parametrize(
    ("headers", "peer", "compressed"),
    [
        (TAKES, "192.0.2.1", True),
        (TAKES, "fe80::1%eth0", True),
        ({"Accept-Encoding": "deflate, gzip;q=1.0, *;q=0.5"}, "2001:db8::1", True),
        ({}, "192.0.2.1", False),
        (TAKES, "127.0.0.1", False),
        (TAKES, "::1", False),
        (TAKES, None, False),
    ],
)
def test_who_is_elsewhere_and_takes_it_gets_it_compressed(headers, peer, compressed):
    assert pieces.compressing(headers, peer) is compressed
