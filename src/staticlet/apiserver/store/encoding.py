"""Objects to records and back: what is stored, what is the same, what can be selected by."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from staticlet.apiserver.store.port import Key, Object, Record

Fields: TypeAlias = Callable[[str, Object], Mapping[str, str]]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def record(
    key: Key, value: Object, *, revision: int, fields: Fields, before: Record | None
) -> Record:
    """The record of an object at a revision, which is put into the encoded object.

    Args:
        key: Its name.
        value: The object, which stays as it is.
        revision: The revision.
        fields: Says by which values an object is selected.
        before: What was there before, to share what has not changed.
    """
    made = Record(
        key=key if before is None else before.key,
        revision=revision,
        encoded=_encode(value, revision),
        labels=_labels(value),
        fields=fields(key.resource, value),
    )
    return _shared(made, before)


def restored(
    key: Key, encoded: bytes, *, revision: int, fields: Fields, before: Record | None
) -> Record:
    """The record of an object that was encoded before; see `record`.

    Raises:
        ValueError: The bytes are no JSON object.
    """
    value = _decoder.decode(encoded)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  as the decoder has it
    made = Record(
        key=key if before is None else before.key,
        revision=revision,
        encoded=encoded,
        labels=_labels(value),
        fields=fields(key.resource, value),
    )
    return _shared(made, before)


def same(value: Object, before: Record) -> bool:
    """Whether writing this object would change nothing but the resourceVersion."""
    encoded = _encode(value, before.revision)
    if encoded == before.encoded:
        return True
    if len(encoded) != len(before.encoded):
        return False
    return bool(_decoder.decode(encoded) == _decoder.decode(before.encoded))


def _encode(value: Object, revision: int) -> bytes:
    metadata = {**(value.get("metadata") or {}), "resourceVersion": str(revision)}
    return _encoder.encode({**value, "metadata": metadata})


def _labels(value: Object) -> Mapping[str, str]:
    labels = (value.get("metadata") or {}).get("labels")
    return labels if isinstance(labels, dict) else _NOTHING


def _shared(made: Record, before: Record | None) -> Record:
    # The history holds thousands of versions, most of which differ in a status or a time.
    if before is not None and before.labels == made.labels:
        labels = before.labels
    else:
        labels = _small(made.labels)
    if before is not None and before.fields == made.fields:
        fields = before.fields
    else:
        fields = _small(made.fields)
    return dataclasses.replace(made, labels=labels, fields=fields)


def _small(strings: Mapping[str, str]) -> Mapping[str, str]:
    # A thousand pods have a few dozen labels and phases between them.
    if not strings:
        return _NOTHING
    return {_one(name): _one(value) for name, value in strings.items()}


def _one(text: str) -> str:
    return sys.intern(text) if type(text) is str else text
