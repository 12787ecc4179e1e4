"""Reading what is in a config map or a secret. Pure; no value is ever part of a message."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from staticlet.pods.apiobjects import held


class NotReadable(ValueError):
    """The object has not the form that its kind has; the text says where."""


def read(kind: held.Kind, thing: Mapping[str, Any]) -> held.Held:
    """What is in an object of the API.

    Raises:
        NotReadable: It is none of this kind.
    """
    immutable = thing.get("immutable") is True
    if kind is held.Kind.SECRET:
        data = {key: _bytes("data", key, text) for key, text in _texts(thing, "data").items()}
        return held.Held(data=data, type=str(thing.get("type") or ""), immutable=immutable)
    data = {key: text.encode(errors="replace") for key, text in _texts(thing, "data").items()}
    binary = {
        key: _bytes("binaryData", key, text) for key, text in _texts(thing, "binaryData").items()
    }
    return held.Held(data=data, binary=binary, immutable=immutable)


def _texts(thing: Mapping[str, Any], field: str) -> Mapping[str, str]:
    found = thing.get(field) or {}
    if not isinstance(found, Mapping):
        raise NotReadable(f"its {field} is not an object")
    for key, text in found.items():
        if not isinstance(text, str):
            raise NotReadable(f"{field}.{key} is not a string")
    return found


def _bytes(field: str, key: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass  # raised outside the handler: the decoding error may carry the value along
    raise NotReadable(f"{field}.{key} is not base64")
