"""Secrets: bytes by key, of a type that says which keys there must be."""

from __future__ import annotations

import base64
import binascii
import json

from staticlet.apiserver.resources import basic, columns, keyed, kind, objectmeta, traits
from staticlet.kube import core
from staticlet.kube.fieldpath import Key
from staticlet.kube.validate import errors, peek

OPAQUE = "Opaque"
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
_JSON_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}
_NEEDED = {
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_BASIC_AUTH = "kubernetes.io/basic-auth"
_REDACTED = "<secret contents redacted>"


class Secrets(basic.Basic):
    """The rules of secrets (`ValidateSecret`)."""

    def default(self, obj: kind.Object) -> None:
        """Put `stringData` into `data`; a secret that says no type is opaque."""
        texts = peek.text_map(obj, "stringData")
        obj.pop("stringData", None)
        if texts:
            encoded = {
                key: base64.b64encode(text.encode()).decode() for key, text in texts.items()
            }
            obj["data"] = {**peek.text_map(obj, "data"), **encoded}
        if not obj.get("type"):
            obj["type"] = OPAQUE
        keyed.drop_empty(obj, ("data",))

    def rules(self, obj: kind.Object) -> errors.Errors:
        """Keys are names of files, values have a limit, and a type needs its keys."""
        data = peek.text_map(obj, "data")
        yield from keyed.keys(obj, "data")
        if sum(map(keyed.decoded_size, data.values())) > keyed.LIMIT:
            yield errors.too_long(("data",), keyed.LIMIT)
        yield from _type(obj, peek.text(obj, "type"), data)

    def changes(self, new: kind.Object, old: kind.Object) -> errors.Errors:
        """A type is for ever; what is immutable stays as it is."""
        if new.get("type") != old.get("type"):
            yield errors.invalid(("type",), new.get("type"), objectmeta.IMMUTABLE)
        yield from keyed.immutable(new, old, ("data",))


def _type(obj: kind.Object, type_: str, data: peek.Object) -> errors.Errors:
    if type_ == SERVICE_ACCOUNT_TOKEN:
        notes = peek.text_map(obj["metadata"], "annotations")
        if not notes.get(ACCOUNT_ANNOTATION):
            yield errors.required(("metadata", "annotations", Key(ACCOUNT_ANNOTATION)))
    if type_ in _JSON_KEYS:
        yield from _json(data, _JSON_KEYS[type_])
    for key in _NEEDED.get(type_, ()):
        if key not in data:
            yield errors.required(("data", Key(key)))
    if type_ == _BASIC_AUTH and not {"username", "password"} & set(data):
        for key in ("username", "password"):
            yield errors.required(("data", Key(key)))


def _json(data: peek.Object, key: str) -> errors.Errors:
    at = ("data", Key(key))
    if key not in data:
        yield errors.required(at)
        return
    try:
        json.loads(base64.b64decode(data[key]))
    except (ValueError, binascii.Error, RecursionError):
        # What is wrong is not told: it could tell what the secret is.
        yield errors.invalid(at, _REDACTED, "must be a JSON document")


SECRETS = kind.Kind(
    plural="secrets",
    singular="secret",
    kind="Secret",
    verbs=traits.ALL,
    struct=core.Secret,
    strategy=Secrets(),
    columns=columns.SECRETS,
    fields={"type": traits.at("type")},
    hash=traits.version_hash("", "v1", "Secret"),
)
