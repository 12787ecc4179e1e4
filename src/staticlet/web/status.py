"""Refusals as HTTP answers: a Status object, whatever went wrong and at whatever layer."""

from __future__ import annotations

import msgspec
from aiohttp import web

from staticlet.kube import refusal

JSON = "application/json"


def response(refused: refusal.Refusal) -> web.Response:
    """The answer to a request that is refused."""
    headers = {}
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(refused.retry_after_s)
    body = msgspec.json.encode(refused.status())
    return web.Response(status=refused.code, body=body, content_type=JSON, headers=headers)


def too_many(message: str, *, retry_after_s: int = 1) -> refusal.Refusal:
    """429: there is no room for this now."""
    return refusal.Refusal(429, "TooManyRequests", message, retry_after_s=retry_after_s)


def of_http_fault(code: int, message: str) -> refusal.Refusal:
    """What a request is told that is no HTTP, or that the server failed on."""
    if code >= 500:
        return refusal.internal("the server failed on this request and has logged why")
    words = " ".join((message or "the request is no HTTP").split())
    return refusal.Refusal(code, "BadRequest", words[:300])
