"""Reading what is in a config map, a secret or a service. Pure; no message has a value in it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from staticlet.pods.apiobjects import held

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[A-Z0-9_]+")


class NotReadable(ValueError):
    """The object has not the form that its kind has; the text says where."""


def read(kind: held.Kind, thing: Mapping[str, Any]) -> held.Held:
    """What is in an object of the API.

    Raises:
        NotReadable: It is none of this kind.
    """
    try:
        return _read(kind, thing)
    except UnicodeEncodeError:
        pass  # raised outside the handler: the encoding error carries the value along
    raise NotReadable("it has a text that is no Unicode")


def _read(kind: held.Kind, thing: Mapping[str, Any]) -> held.Held:
    if kind is held.Kind.SERVICE:
        return held.Held(data={name: text.encode() for name, text in _service(thing).items()})
    immutable = thing.get("immutable") is True
    if kind is held.Kind.SECRET:
        data = {key: _bytes("data", key, text) for key, text in _texts(thing, "data").items()}
        return held.Held(data=data, type=str(thing.get("type") or ""), immutable=immutable)
    data = {key: text.encode() for key, text in _texts(thing, "data").items()}
    binary = {
        key: _bytes("binaryData", key, text) for key, text in _texts(thing, "binaryData").items()
    }
    return held.Held(data=data, binary=binary, immutable=immutable)


def _service(thing: Mapping[str, Any]) -> Mapping[str, str]:
    """The variables that tell of a service, as the kubelet has them; none without an address."""
    spec, meta = _mapping(thing, "spec"), _mapping(thing, "metadata")
    address, ports = spec.get("clusterIP"), spec.get("ports")
    if not isinstance(address, str) or address in {"", "None"} or not isinstance(ports, list):
        return {}
    prefix = str(meta.get("name")).upper().replace("-", "_")
    host = f"[{address}]" if ":" in address else address
    found = {f"{prefix}_SERVICE_HOST": address}
    for number, one in enumerate(ports):
        if not isinstance(one, Mapping):
            raise NotReadable(f"spec.ports[{number}] is not an object")
        port, protocol = str(one.get("port")), str(one.get("protocol") or "TCP")
        where = f"{protocol.lower()}://{host}:{port}"
        if not number:
            found |= {f"{prefix}_SERVICE_PORT": port, f"{prefix}_PORT": where}
        name = str(one.get("name") or "").upper().replace("-", "_")
        if _VARIABLE.fullmatch(name):
            found[f"{prefix}_SERVICE_PORT_{name}"] = port
        own = f"{prefix}_PORT_{port}_{protocol.upper()}"
        found |= {own: where, f"{own}_PROTO": protocol.lower(), f"{own}_PORT": port}
        found[f"{own}_ADDR"] = address
    return found


def _mapping(thing: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = thing.get(field) or {}
    if not isinstance(found, Mapping):
        raise NotReadable(f"its {field} is not an object")
    return found


def _texts(thing: Mapping[str, Any], field: str) -> Mapping[str, str]:
    found = _mapping(thing, field)
    for key, text in found.items():
        if not _KEY.fullmatch(key) or key.startswith(".."):
            raise NotReadable(f"its {field} has a key that can be none")
        if not isinstance(text, str):
            raise NotReadable(f"{field}.{key} is not a string")
    return found


def _bytes(field: str, key: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass  # raised outside the handler: the decoding error may carry the value along
    raise NotReadable(f"{field}.{key} is not base64")
