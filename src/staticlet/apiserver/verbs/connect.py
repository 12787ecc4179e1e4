"""What is passed on to a node's kubelet API: logs, and what `nodes/proxy` reads.

The node's address and port are those that its agent has written to the Node. Exec, attach and
port forwarding are not passed on yet: they are refused as an unreachable node would be, with 503,
so that clients neither take it for a mistake of theirs nor for a missing feature of the path.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import AsyncGenerator
from urllib import parse

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Key
from staticlet.apiserver.verbs import answers, nodeport, place, podlog
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal
from staticlet.kube.validate import peek

SUBRESOURCES = frozenset(
    (
        ("pods", "attach"),
        ("pods", "exec"),
        ("pods", "log"),
        ("pods", "portforward"),
        ("pods", "proxy"),
        ("nodes", "proxy"),
    )
)
"""Resources and their subresources that only a node can answer."""

KUBELET_PORT = 10250
PREFERRED = ("InternalIP", "ExternalIP", "Hostname")
"""The types of a node's addresses, the one that is tried first."""

MOST_ERROR_BYTES = 50_000
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")


async def connect(backend: Backend, call: calls.Call, kind: Kind) -> answers.Answer:
    """Let the node answer.

    Raises:
        refusal.Refusal: It is not asked, cannot be reached, or refuses.
    """
    what = (kind.plural, call.target.subresource)
    if backend.kubelets is not None:
        if what == ("pods", "log"):
            return await _log(backend, backend.kubelets, call, kind)
        if what == ("nodes", "proxy"):
            return await _proxied(backend, backend.kubelets, call, kind)
    raise _unconnected(backend, call, kind)


async def _log(
    backend: Backend, kubelets: nodeport.Kubelets, call: calls.Call, kind: Kind
) -> answers.Answer:
    name = call.target.name
    wanted = podlog.options(call.query, name)
    pod = _object(backend, kind, call)
    chosen = podlog.container(pod, wanted.container)
    node = peek.text(peek.child(pod, "spec"), "nodeName")
    if not node:
        return answers.Relay(code=204, media="text/plain", pieces=_nothing())  # it is on no node
    url = _url(backend, node) + podlog.path(call.target.namespace, name, chosen, wanted)
    try:
        reply = await kubelets.get(url, verify=wanted.verify)
        if not 200 <= reply.code <= 206:
            raise podlog.refused(reply.code, await _text(reply), name)
    except nodeport.Unreached as fault:
        raise refusal.Refusal(500, "", str(fault)) from fault
    return answers.Relay(code=200, media="text/plain", pieces=reply.pieces)


async def _proxied(
    backend: Backend, kubelets: nodeport.Kubelets, call: calls.Call, kind: Kind
) -> answers.Answer:
    if call.target.verb != "get":
        raise refusal.method_not_allowed(kind.group_resource, call.target.verb)
    _object(backend, kind, call)
    _, _, rest = call.target.path.partition(f"/nodes/{call.target.name}/proxy")
    asked = f"?{parse.urlencode(call.query)}" if call.query else ""
    url = _url(backend, call.target.name) + (parse.quote(rest) or "/") + asked
    try:
        reply = await kubelets.get(url)
    except nodeport.Unreached as fault:
        words = f"error trying to reach service: {fault.why}"
        raise refusal.Refusal(503, "ServiceUnavailable", words) from fault
    if not podlog.is_answer(reply.code):
        await reply.pieces.aclose()
        words = f"error trying to reach service: the node's status code {reply.code} is no answer"
        raise refusal.Refusal(502, "InternalError", words)
    return answers.Relay(code=reply.code, media=reply.media, pieces=reply.pieces)


async def _nothing() -> AsyncGenerator[bytes, None]:
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece


async def _text(reply: nodeport.Reply) -> str:
    """The beginning of a reply, in words; it is ended."""
    found = b""
    async with contextlib.aclosing(reply.pieces) as pieces:
        async for piece in pieces:
            found += piece
            if len(found) >= MOST_ERROR_BYTES:
                break
    return found[:MOST_ERROR_BYTES].decode("utf-8", "replace")


def _object(backend: Backend, kind: Kind, call: calls.Call) -> Object:
    record = backend.store.get(place.key(kind, call))
    if record is None:
        raise place.missing(kind, call.target.name)
    return place.shown(kind, record)


def _url(backend: Backend, name: str) -> str:
    """Where the kubelet of a node is.

    Raises:
        refusal.Refusal: 404, there is no such node; 500, it has no address.
    """
    record = backend.store.get(Key("nodes", "", name))
    if record is None:
        raise refusal.not_found(refusal.GroupResource("", "nodes"), name)
    return base(record.object())


def base(node: Object) -> str:
    """The URL of a node's kubelet, without a path.

    Raises:
        refusal.Refusal: 500, it has no address.
    """
    status = peek.child(node, "status")
    known = [
        (peek.text(one, "type"), peek.text(one, "address"))
        for one in peek.objects(status, "addresses")
    ]
    usable = (
        host for kind in PREFERRED for t, text in known if t == kind and (host := _host(text))
    )
    host = next(usable, "")
    if not host:
        words = f"no preferred addresses found; known addresses: {known}"
        raise refusal.Refusal(500, "", words)
    ends = peek.child(peek.child(status, "daemonEndpoints"), "kubeletEndpoint")
    port = peek.number(ends, "Port") or KUBELET_PORT
    return f"https://{host}:{port}"


def _host(text: str) -> str:
    """An address as a URL has it; empty for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text if _HOST.fullmatch(text) else ""
    return f"[{address}]" if address.version == 6 else str(address)


def _unconnected(backend: Backend, call: calls.Call, kind: Kind) -> refusal.Refusal:
    """The refusal of a request that a node would have to answer.

    Returns:
        404 when the pod or node is not there; 400 when the pod is on no node; else 503.
    """
    name, asked = call.target.name, call.target.subresource
    record = backend.store.get(place.key(kind, call))
    if record is None:
        return place.missing(kind, name)
    node = name
    if kind.plural == "pods":
        node = (place.shown(kind, record).get("spec") or {}).get("nodeName", "")
        if not node:
            return refusal.bad_request(f"pod {name} does not have a host assigned")
    return refusal.Refusal(
        503,
        "ServiceUnavailable",
        f'cannot pass {asked} of {kind.plural} "{name}" on to node "{node}": of what nodes do, '
        "this server passes on logs and what nodes/proxy reads, and nothing else yet",
    )
