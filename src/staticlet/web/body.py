"""Reading the body of a request within bounds: so large, and so slow, and no further."""

from __future__ import annotations

import asyncio

from aiohttp import http_exceptions, web

from staticlet.kube import refusal

LIMIT = 3 * 2**20
"""Bytes; kube-apiserver's limit."""

WITHIN_S = 30.0


async def read(
    request: web.BaseRequest, *, limit: int = LIMIT, within_s: float = WITHIN_S
) -> bytes:
    """The whole body.

    Raises:
        refusal.Refusal: It is larger than the limit (413), comes too slowly (408), or breaks off
            or is framed wrongly (400).
    """
    if (request.content_length or 0) > limit:
        raise refusal.too_large(limit)
    if not request.body_exists:
        return b""
    await _invite(request)
    try:
        async with asyncio.timeout(within_s):
            return await _collect(request, limit)
    except TimeoutError as slow:
        raise refusal.Refusal(
            408, "Timeout", f"the body of the request did not come within {within_s:g} s"
        ) from slow
    except (http_exceptions.HttpProcessingError, web.RequestPayloadError) as broken:
        raise refusal.bad_request("the body of the request broke off") from broken


async def _collect(request: web.BaseRequest, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > limit:
            raise refusal.too_large(limit)
        parts.append(part)
    return b"".join(parts)


async def _invite(request: web.BaseRequest) -> None:
    """Tell a client that asks first that its body is welcome."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # this was no answer yet
