"""Bodies of any size to a client, in pieces and no faster than it takes them.

What is written at once would wait in the server's memory for a client that does not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from aiohttp import web

PIECE = 256 * 1024
"""Bytes that are written at a time; between two pieces others have their turn."""

COMPRESSIBLE = 128 * 1024
"""A body from so many bytes on is compressed, as kube-apiserver does."""

SLOW_S = 30.0
"""How long a client may leave its buffer full."""

Headers: TypeAlias = Sequence[tuple[str, str]] | Mapping[str, str]
"""Of an answer; one may be there more than once."""


async def whole(
    request: web.BaseRequest,
    body: bytes,
    *,
    code: int = 200,
    headers: Headers,
    slow_s: float = SLOW_S,
    compress: bool = False,
) -> web.StreamResponse:
    """Answer with a body that is at hand; a small one is ready to be sent, a large one is sent."""
    packed = compress and len(body) >= COMPRESSIBLE
    if (len(body) <= PIECE and not packed) or request.method == "HEAD":
        return web.Response(body=body, status=code, headers=headers)
    response = web.StreamResponse(status=code, headers=headers)
    if packed:
        _compress(response)
    else:
        response.content_length = len(body)
    return await sent(request, response, (body,), slow_s)


async def made(
    request: web.BaseRequest,
    parts: Iterator[bytes],
    *,
    code: int = 200,
    headers: Headers,
    slow_s: float = SLOW_S,
    compress: bool = False,
) -> web.StreamResponse:
    """Answer with a body that is made while it is sent; one that is small enough is made first."""
    first, more = gathered(parts)
    packed = compress and len(first) >= COMPRESSIBLE
    if not more and not packed:
        return web.Response(body=first, status=code, headers=headers)
    response = web.StreamResponse(status=code, headers=headers)
    if packed:
        _compress(response)
    return await sent(request, response, itertools.chain((first,), parts), slow_s)


def compressing(headers: Mapping[str, str], peer: str | None) -> bool:
    """Whether the bodies of large answers are compressed, as far as the client is concerned.

    On the machine itself they are not, whatever the client takes: it costs both of them more time
    than it saves.

    Args:
        headers: The request's.
        peer: The client's address; None where it has none.
    """
    if "gzip" not in headers.get("Accept-Encoding", "") or peer is None:
        return False
    try:
        return not ipaddress.ip_address(peer.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _compress(response: web.StreamResponse) -> None:
    response.enable_compression(web.ContentCoding.gzip)
    response.headers.add("Vary", "Accept-Encoding")


async def sent(
    request: web.BaseRequest,
    response: web.StreamResponse,
    parts: Iterable[bytes],
    slow_s: float = SLOW_S,
) -> web.StreamResponse:
    """Send an answer whose body is made while it is sent.

    Args:
        request: What is answered.
        response: The answer, not prepared yet.
        parts: The body.
        slow_s: How long the client may leave its buffer full until it is cut off.
    """
    try:
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        for piece in _cut(parts):
            async with asyncio.timeout(slow_s):
                await response.write(piece)
            await asyncio.sleep(0)
    except TimeoutError:
        request.protocol.force_close()
        return response
    except ConnectionError:
        return response  # it has gone
    return await ended(response)


async def ended(response: web.StreamResponse) -> web.StreamResponse:
    """End an answer that was sent."""
    with contextlib.suppress(ConnectionError):  # it has gone amid the last of it
        await response.write_eof()
    return response


def gathered(parts: Iterator[bytes]) -> tuple[bytes, bool]:
    """So many parts as are written at a time, and whether more may follow."""
    taken, size = [], 0
    for part in parts:
        taken.append(part)
        size += len(part)
        if size >= PIECE:
            return b"".join(taken), True
    return b"".join(taken), False


def _cut(parts: Iterable[bytes]) -> Iterator[memoryview]:
    """Parts of any size in pieces of at most that of `PIECE`."""
    left = iter(parts)
    more = True
    while more:
        some, more = gathered(left)
        view = memoryview(some)
        for at in range(0, len(view), PIECE):
            yield view[at : at + PIECE]
