"""Answers to bytes. Pure: no socket, and time comes as an argument.

Stored objects are sent as the bytes that they are stored as: a list is these bytes with a head,
commas and a tail, and nothing is decoded for it. Items of a list carry neither `apiVersion` nor
`kind`, as in kube-apiserver; since both stand first in what is stored, they are cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from staticlet.apiserver.http import forms, tables
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Record
from staticlet.apiserver.verbs import answers
from staticlet.kube import yamlout

encode = msgspec.json.encode


def one(answer: answers.One, form: forms.Form, now: datetime) -> bytes:
    """An object in the form that is asked for."""
    encoded = _encoded(answer.kind, answer.record, answer.object)
    if form.shape is forms.Shape.TABLE:
        rows = tables.Rows(kind=answer.kind, include=form.include, now=now)
        version = tables.resource_version(encoded)
        encoded = tables.table(rows, [encoded], version)
    elif form.shape is forms.Shape.METADATA:
        encoded = tables.partial(encoded)
    return dressed(encoded, form)


def many(answer: answers.Many, form: forms.Form, now: datetime) -> Iterator[bytes]:
    """A list in pieces, in the form that is asked for; each is made when it is taken."""
    if form.media == forms.JSON and not form.pretty:
        yield from _pieces(answer, form, now)
    else:
        yield dressed(b"".join(_pieces(answer, form, now)), form)


def plain(body: Any, form: forms.Form) -> bytes:
    """An answer that is no object of the store."""
    return dressed(encode(body), form)


def dressed(encoded: bytes, form: forms.Form) -> bytes:
    """JSON as it is, indented, or as YAML."""
    if form.media == forms.YAML:
        return yamlout.dump(_sorted(msgspec.json.decode(encoded))).encode()
    if form.pretty:
        return msgspec.json.format(encoded, indent=2) + b"\n"
    return encoded


def object_bytes(kind: Kind, record: Record) -> bytes:
    """A stored object as its readers in this version see it."""
    if kind.from_stored is None:
        return record.encoded
    obj = record.object()
    kind.from_stored(obj)
    return encode(obj)


def prefix(kind: Kind) -> bytes:
    """How the bytes of each stored object of a kind begin."""
    return encode({"apiVersion": kind.api_version, "kind": kind.kind})[:-1] + b","


def bare(encoded: bytes, start: bytes) -> bytes:
    """An object without `apiVersion` and `kind`.

    Args:
        encoded: The object.
        start: Its kind's `prefix`.
    """
    if encoded.startswith(start):
        return b"{" + encoded[len(start) :]
    obj: Object = msgspec.json.decode(encoded)  # written by another hand: it is right all the same
    obj.pop("apiVersion", None)
    obj.pop("kind", None)
    return encode(obj)


def _encoded(kind: Kind, record: Record | None, obj: Object | None) -> bytes:
    if obj is not None:
        return encode(obj)
    if record is None:
        raise ValueError("an answer has neither a record nor an object")
    return object_bytes(kind, record)


def _pieces(answer: answers.Many, form: forms.Form, now: datetime) -> Iterator[bytes]:
    kind = answer.kind
    if form.shape is forms.Shape.TABLE:
        rows = tables.Rows(kind=kind, include=form.include, now=now)
        yield rows.head(list_meta(answer))
        yield from _separated(rows.row(object_bytes(kind, one)) for one in answer.records)
    elif form.shape is forms.Shape.METADATA:
        yield _list_head("PartialObjectMetadataList", "meta.k8s.io/v1", list_meta(answer))
        yield from _separated(tables.partial(object_bytes(kind, one)) for one in answer.records)
    else:
        yield _list_head(f"{kind.kind}List", kind.api_version, list_meta(answer))
        start = prefix(kind)
        yield from _separated(bare(object_bytes(kind, one), start) for one in answer.records)
    yield b"]}\n"


def _separated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    comma = False
    for piece in pieces:
        if comma:
            yield b","
        comma = True
        yield piece


def list_meta(answer: answers.Many) -> dict[str, Any]:
    """The metadata of a list."""
    meta: dict[str, Any] = {"resourceVersion": str(answer.revision)}
    if answer.more:
        meta["continue"] = answer.more
    if answer.remaining is not None:
        meta["remainingItemCount"] = answer.remaining
    return meta


def _list_head(kind: str, api_version: str, meta: dict[str, Any]) -> bytes:
    head = encode({"kind": kind, "apiVersion": api_version, "metadata": meta})
    return head[:-1] + b',"items":['


def _sorted(value: Any) -> Any:
    """Plain data with the keys of each mapping in order, as Kubernetes writes YAML."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
